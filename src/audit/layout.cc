#include "audit/layout.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "base/cancel.h"
#include "base/text.h"

namespace assay::audit {
namespace {
using backends::Program;

// The names of `ports`, in the words of `wanted` where one of the two knows the other's name as its own: Core ML files
// have names of their own for what the original model called otherwise, and devices record under those.
std::vector<std::string> names_in_words_of(std::span<const Port> wanted, std::span<const Port> ports) {
  std::vector<std::string> names = names_of(ports);
  const std::vector<std::string> exact = names_of(wanted);
  for (size_t i = 0; i < ports.size(); ++i) {
    if (std::find(exact.begin(), exact.end(), names[i]) != exact.end()) continue;
    const auto same = std::find_if(wanted.begin(), wanted.end(), [&](const Port& port) {
      return port.is_called(ports[i].name) || ports[i].is_called(port.name);
    });
    if (same != wanted.end()) names[i] = same->name;
  }
  return names;
}

// Recordings may hold only some of the outputs; other programs must have them all.
Result<std::vector<size_t>> match_outputs(Program& first, Program& other, Warnings& warnings) {
  const auto wanted = names_of(first.outputs()), have = names_in_words_of(first.outputs(), other.outputs());
  const auto place = [&](const std::string& name) { return std::find(have.begin(), have.end(), name) - have.begin(); };
  const bool some = std::any_of(wanted.begin(), wanted.end(), [&](const std::string& name) {
    return place(name) < static_cast<std::ptrdiff_t>(have.size());
  });
  if (!some || other.recorded_samples() == 0) return match_ports(wanted, have, "outputs", other.text(), warnings);
  std::vector<size_t> match;
  for (const std::string& name : wanted) {
    const auto at = static_cast<size_t>(place(name));
    match.push_back(at < have.size() ? at : kNoPort);
  }
  return match;
}

enum class Nature : uint8_t { real, whole, complex, text };

Nature nature_of(ir::ElemType type) {
  if (type == ir::ElemType::string) return Nature::text;
  if (type == ir::ElemType::complex64 || type == ir::ElemType::complex128) return Nature::complex;
  return ir::is_float(type) ? Nature::real : Nature::whole;
}

// Numbers of another nature are no such output, whoever made them.
Status check_nature(const Port& want, ir::ElemType have, const Program& program) {
  if (want.type.elem == ir::ElemType::undefined || have == ir::ElemType::undefined) return {};
  if (nature_of(want.type.elem) == nature_of(have)) return {};
  return Error{Code::data_type,
               "output '" + want.name + "' is " + std::string(ir::elem_name(want.type.elem)) + ", here " +
                   std::string(ir::elem_name(have)),
               program.text(), "record the outputs as the runtime returns them"};
}

Status check_types(const Program& first, const Program& other, const std::vector<size_t>& match) {
  for (size_t i = 0; i < match.size(); ++i) {
    if (match[i] == kNoPort) continue;
    ASSAY_CHECK(check_nature(first.outputs()[i], other.outputs()[match[i]].type.elem, other));
  }
  return {};
}

// The data under the names of another program's inputs.
Result<Arrays> rename(const Arrays& data, const Program& first, const Program& other, Warnings& warnings) {
  if (&first == &other) return data;
  const auto wanted = names_of(other.inputs());
  const auto have = names_in_words_of(other.inputs(), first.inputs());
  ASSAY_TRY(const std::vector<size_t> match, match_ports(wanted, have, "inputs", other.text(), warnings));
  Arrays renamed;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const Port& port = first.inputs()[match[i]];
    const NamedArray* array = find_array(data, port.name);
    if (array == nullptr) array = find_array(data, port.alias);
    if (array != nullptr) renamed.push_back({wanted[i], array->tensor, array->file});
  }
  return renamed;
}
}  // namespace

bool outputs_follow_batch(const Program& program) {
  std::string symbol;
  for (const Port& port : program.inputs())
    if (port.type.ranked() && !port.type.shape->empty()) symbol = (*port.type.shape)[0].symbol;
  if (symbol.empty()) return false;
  return std::all_of(program.outputs().begin(), program.outputs().end(), [&](const Port& port) {
    return port.type.ranked() && !port.type.shape->empty() && (*port.type.shape)[0].symbol == symbol;
  });
}

size_t largest_chunk(const Program& program) {
  size_t chunk = kChunk;
  for (const Port& port : program.inputs())
    if (const size_t most = port.sizes.most_samples(); most > 0) chunk = std::min(chunk, most);
  return chunk;
}

namespace {
/// Samples and decisions are of tensors.
Status only_tensors(const Program& program) {
  for (const auto* ports : {&program.inputs(), &program.outputs()})
    for (const Port& port : *ports)
      if (!port.type.is_tensor())
        return Error{
            Code::type_unsupported,
            "'" + port.name + "' is " + to_string(port.type) + ": samples and outputs that are compared are tensors",
            program.text(), "give the model tensors, or run it by `assay run` and compare what it writes"};
  return {};
}
}  // namespace

Result<Layout> Layout::create(std::span<Program* const> programs, const Arrays& data, Samples::Whole whole,
                              Warnings& warnings) {
  Layout layout;
  for (const Program* program : programs) ASSAY_CHECK(only_tensors(*program));
  // Inputs are named after the first program that has some: recordings have none.
  const auto named = std::find_if(programs.begin(), programs.end(), [](Program* p) { return !p->inputs().empty(); });
  for (Program* program : programs) {
    Entry entry{program, Samples::of_count(0), {}};
    ASSAY_TRY(entry.outputs, match_outputs(*programs[0], *program, warnings));
    ASSAY_CHECK(check_types(*programs[0], *program, entry.outputs));
    if (!program->inputs().empty()) {
      ASSAY_TRY(const Arrays arrays, rename(data, **named, *program, warnings));
      ASSAY_TRY(entry.samples, Samples::create(named[0] == program ? data : arrays, program->inputs(), whole));
      if (program == *named) {
        layout.samples_ = entry.samples.count();
        layout.axis_ = entry.samples.has_sample_axis();
      }
    }
    layout.programs_.push_back(std::move(entry));
  }
  if (named != programs.end()) {
    warn_of_unused(data, (*named)->inputs(), (*named)->text(), warnings);
  } else {
    layout.samples_ = programs[0]->recorded_samples();
  }
  ASSAY_CHECK(layout.choose_chunk());
  return layout;
}

Status Layout::choose_chunk() {
  if (samples_ == 0) return Error{Code::data_shape, "the data has no samples", "", "give at least one"};
  size_t fixed = 0, largest = kChunk;
  bool one = false;
  for (const Entry& entry : programs_) {
    if (entry.program->inputs().empty()) continue;
    if (entry.samples.count() != samples_)
      return Error{Code::data_shape,
                   "the programs take the data as " + std::to_string(samples_) + " and as " +
                       std::to_string(entry.samples.count()) + " samples",
                   entry.program->text(), "compare models whose inputs have the same shapes"};
    const size_t batch = entry.samples.batch();
    if (batch == 0) {
      one = one || !outputs_follow_batch(*entry.program);
      largest = std::min(largest, largest_chunk(*entry.program));
      continue;
    }
    one = one || batch == 1;
    if (batch > 1 && fixed > 1 && batch != fixed)
      return Error{Code::data_shape, "the programs have different fixed batch sizes", entry.program->text(),
                   "export the models with the same batch size"};
    fixed = std::max(fixed, batch);
  }
  if (fixed > 1 && std::any_of(programs_.begin(), programs_.end(),
                               [](const Entry& e) { return !e.program->inputs().empty() && e.samples.batch() == 1; }))
    return Error{Code::data_shape, "one program takes single samples, another batches of " + std::to_string(fixed), "",
                 "export the models with the same batch size"};
  fixed_ = fixed > 1;
  chunk_ = fixed > 1 ? fixed : one ? 1 : std::min(largest, samples_);
  return {};
}

Result<std::vector<ir::Tensor>> Layout::run(size_t p, size_t variant, size_t first, size_t count, size_t offset) const {
  return run_as(p, *programs_[p].program, variant, first, count, offset);
}

Result<std::vector<ir::Tensor>> Layout::run_as(size_t p, Program& other, size_t variant, size_t first, size_t count,
                                               size_t offset) const {
  const Entry& entry = programs_[p];
  std::vector<ir::Tensor> inputs;
  if (!other.inputs().empty()) {
    ASSAY_TRY(inputs, entry.samples.slice(first, count));
  }
  ASSAY_TRY(auto outputs, other.run(variant, inputs, SampleRange{first, count, samples_, offset}));
  const std::vector<Port>& ports = programs_[0].program->outputs();
  const bool own = &other == entry.program;  // what runs in its place has types of its own
  for (size_t i = 0; i < entry.outputs.size(); ++i)
    if (own && entry.outputs[i] < outputs.size())
      ASSAY_CHECK(check_nature(ports[i], outputs[entry.outputs[i]].elem(), other));
  return outputs;
}

Result<std::vector<ir::Tensor>> Layout::inputs_of(size_t p, size_t sample) const {
  const size_t first = fixed_ ? sample - sample % chunk_ : sample;
  return programs_[p].samples.slice(first, fixed_ ? std::min(chunk_, samples_ - first) : 1);
}

Result<Layout::Part> Layout::part(size_t begin, size_t count) const {
  if (begin >= samples_) return Part{samples_, samples_};
  if (begin % chunk_ != 0)
    return Error{Code::usage,
                 "sample " + std::to_string(begin) + " is inside a run of " + std::to_string(chunk_) + " samples", "",
                 "begin at a multiple of it"};
  count = std::min(count, samples_ - begin);
  return Part{begin, std::min(samples_, begin + (count + chunk_ - 1) / chunk_ * chunk_)};
}

void Layout::one_by_one() {
  if (!fixed_) chunk_ = 1;
  memory_ = kSmallMemory;
}

bool Layout::runs_beside(const Threads* threads, const Part& part) const {
  const size_t workers = threads == nullptr ? 1 : static_cast<size_t>(threads->count());
  size_t bytes = 0;
  for (const Entry& entry : programs_) bytes += entry.program->weight_bytes();
  return workers > 1 && part.end - part.begin > chunk_ && bytes <= memory_ / workers;
}

Result<std::vector<ir::Tensor>> Layout::inputs(size_t p, size_t first, size_t count) const {
  return programs_[p].samples.slice(first, count);
}

Status Layout::for_each(const Threads* threads, const std::function<Status(size_t, size_t)>& body,
                        const Part& part) const {
  const size_t chunks = (part.end - part.begin + chunk_ - 1) / chunk_;
  const bool beside = runs_beside(threads, part);
  for (const Entry& entry : programs_) entry.program->set_concurrent(beside);

  std::mutex mutex;
  std::map<size_t, Error> errors;  // by chunk
  const auto failed_before = [&](size_t chunk) {
    const std::lock_guard lock(mutex);
    return !errors.empty() && errors.begin()->first < chunk;
  };
  const auto one = [&](size_t chunk) {
    if (failed_before(chunk)) return;
    Status status = check_cancel();
    const size_t first = part.begin + chunk * chunk_;
    if (status.ok()) status = body(first, std::min(chunk_, part.end - first));
    if (status.ok()) return;
    const std::lock_guard lock(mutex);
    errors.emplace(chunk, std::move(status).error());
  };
  const auto range = [&](size_t begin, size_t end) {
    for (size_t chunk = begin; chunk < end; ++chunk) one(chunk);
  };
  if (beside) {
    threads->for_each(chunks, 1, range);
  } else {
    range(0, chunks);
  }
  if (!errors.empty()) return errors.begin()->second;
  return check_cancel();
}

Result<Layout::Cut> Layout::cut(const ir::Tensor& output, size_t count, const std::string& name) const {
  const auto n = static_cast<int64_t>(count);
  Cut cut{output.size() / n, output.dims()};
  if (axis_ && !cut.dims.empty() && cut.dims[0] == n) {
    cut.dims.erase(cut.dims.begin());
  } else if (n > 1) {
    return Error{Code::data_shape,
                 "output '" + name + "' has the shape " + ir::to_string(output.dims()) + " for " +
                     std::to_string(count) + " samples: its first axis does not hold them",
                 name, "export the model with a batch size of 1"};
  }
  return cut;
}

}  // namespace assay::audit

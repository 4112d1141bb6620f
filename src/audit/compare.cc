#include "audit/compare.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "audit/layout.h"
#include "audit/trace/conversion.h"
#include "audit/trace/tracer.h"
#include "backends/data/lists.h"

namespace assay::audit {
namespace {
using backends::Program;
using ir::Tensor;

// Parts put together along the first axis, or along a new one.
Tensor concatenate(const std::vector<Tensor>& parts, bool new_axis) {
  ir::Dims dims = parts[0].dims();
  if (new_axis || dims.empty()) {
    dims.insert(dims.begin(), static_cast<int64_t>(parts.size()));
  } else {
    dims[0] = 0;
    for (const Tensor& part : parts) dims[0] += part.dims()[0];
  }
  if (parts[0].elem() == ir::ElemType::string) {
    std::vector<std::string> strings;
    for (const Tensor& part : parts) strings.insert(strings.end(), part.strings().begin(), part.strings().end());
    return Tensor::of_strings(std::move(dims), std::move(strings));
  }
  Tensor out = Tensor::allocate(parts[0].elem(), std::move(dims));
  if (ir::elem_bits(out.elem()) < 8) {
    int64_t at = 0;
    for (const Tensor& part : parts)
      for (int64_t i = 0; i < part.size(); ++i) out.set_int(at++, part.int_at(i));
    return out;
  }
  std::byte* to = out.mutable_bytes();
  for (const Tensor& part : parts) {
    if (part.byte_size() > 0) std::memcpy(to, part.bytes(), part.byte_size());
    to += part.byte_size();
  }
  return out;
}

Error not_put_together(const Port& port) {
  return Error{Code::data_type,
               "output '" + port.name + "' is " + to_string(port.type) + ", of which those of " +
                   "several samples cannot be put together",
               port.name, "run the samples apart"};
}

// Outputs of consecutive samples must be alike to be put together.
Status check_alike(const std::vector<Tensor>& parts, const Port& port) {
  const auto tail = [](const Tensor& t) { return ir::Dims(t.dims().begin() + (t.rank() > 0 ? 1 : 0), t.dims().end()); };
  for (const Tensor& part : parts)
    if (part.is_list() || part.elem() != parts[0].elem() || tail(part) != tail(parts[0]))
      return part.is_list() ? not_put_together(port)
                            : Error{Code::data_shape,
                                    "output '" + port.name + "' is " + ir::to_string(parts[0].dims()) +
                                        " for one sample and " + ir::to_string(part.dims()) + " for another",
                                    port.name, "run the samples apart"};
  return {};
}

Arrays named(const Program& program, const std::vector<Tensor>& outputs) {
  Arrays arrays;
  for (size_t i = 0; i < outputs.size(); ++i)
    backends::spread(program.outputs()[i].name, program.outputs()[i].type, outputs[i], arrays);
  return arrays;
}

// Runs over chunks of `step` samples and puts the outputs together.
Result<Arrays> run_apart(Program& program, size_t variant, const Samples& samples, size_t step) {
  std::vector<std::vector<Tensor>> parts(program.outputs().size());
  for (size_t first = 0; first < samples.count(); first += step) {
    const size_t count = std::min(step, samples.count() - first);
    ASSAY_TRY(const auto inputs, samples.slice(first, count));
    ASSAY_TRY(auto outputs, program.run(variant, inputs, SampleRange{first, count, samples.count(), 0}));
    for (size_t i = 0; i < outputs.size(); ++i) parts[i].push_back(std::move(outputs[i]));
  }
  std::vector<Tensor> whole;
  for (size_t i = 0; i < parts.size(); ++i) {
    ASSAY_CHECK(check_alike(parts[i], program.outputs()[i]));
    whole.push_back(concatenate(parts[i], !samples.has_sample_axis()));
  }
  return named(program, whole);
}

// Counts of one worker.
struct Partial {
  std::vector<LatticeCounts> lattices;
  std::vector<Pair> pairs;
};

class Comparison {
 public:
  Comparison(std::span<Program* const> programs, const CompareOptions& options)
      : programs_(programs), options_(options) {}

  Result<CompareResult> run(const Arrays& data, Warnings& warnings) {
    ASSAY_TRY(layout_, Layout::create(programs_, data, Samples::Whole::allowed, warnings));
    for (size_t a = 0; a < programs_.size(); ++a)
      for (size_t b = a + 1; b < programs_.size(); ++b) whole_.pairs.push_back(blank_pair(a, b));
    whole_.lattices.resize(programs_.size());
    blank_ = whole_;
    ASSAY_CHECK(start_trace());
    ASSAY_CHECK(compare_models());
    ASSAY_CHECK(
        layout_->for_each(options_.threads.get(), [this](size_t first, size_t count) { return chunk(first, count); }));
    ASSAY_CHECK(compare_models_where_they_differ());
    return finish();
  }

 private:
  Pair blank_pair(size_t a, size_t b) const {
    Pair pair;
    pair.a = a;
    pair.b = b;
    const auto& ports = programs_[0]->outputs();
    for (size_t i = 0; i < ports.size(); ++i)
      if (layout_->outputs(a)[i] != kNoPort && layout_->outputs(b)[i] != kNoPort)
        pair.outputs.emplace_back().output = ports[i].name;
    return pair;
  }

  Status start_trace() {
    if (!options_.trace) return {};
    layout_->one_by_one();
    ASSAY_TRY(tracer_, Tracer::create(*programs_[0], programs_.subspan(1), *options_.trace, options_.threads));
    tracer_->set_concurrent(layout_->runs_beside(options_.threads.get(), layout_->whole()));
    return {};
  }

  Status compare_models() {
    if (options_.conversion_samples == 0) return {};
    const Layout::Part part{0, std::min<uint64_t>(layout_->samples(), options_.conversion_samples)};
    for (Pair& pair : whole_.pairs) {
      if (pair.a != 0 || !is_conversion(*programs_[0], *programs_[pair.b])) continue;
      ASSAY_TRY(pair.conversion, compare_conversion(*layout_, programs_, 0, pair.b, part, 0, options_.threads));
    }
    return {};
  }

  /// The sample with the largest difference too, where the first ones do not tell why models differ.
  Status compare_models_where_they_differ() {
    const size_t step = layout_->fixed_batch() ? layout_->chunk() : 1;
    for (Pair& pair : whole_.pairs) {
      if (!pair.conversion || pair.conversion->outcome == Conversion::Outcome::changed) continue;
      const auto worst = std::ranges::max_element(pair.outputs, {}, &Differences::max_abs);
      if (worst == pair.outputs.end() || !(worst->max_abs > 0)) continue;
      const auto sample = static_cast<size_t>(worst->worst.sample);
      if (sample < options_.conversion_samples) continue;
      const size_t begin = sample - sample % step;
      const Layout::Part part{begin, std::min(begin + step, layout_->samples())};
      ASSAY_TRY(const Conversion one, compare_conversion(*layout_, programs_, 0, pair.b, part, 0, options_.threads));
      pair.conversion->merge(one);
    }
    return {};
  }

  Result<std::vector<Tensor>> outputs_of(size_t p, size_t first, size_t count,
                                         std::vector<std::vector<Tensor>>& traced) const {
    if (tracer_ && (p == 0 || tracer_->traces(p - 1))) return std::move(traced[p]);
    return layout_->run(p, 0, first, count, 0);
  }

  Status chunk(size_t first, size_t count) {
    std::vector<std::vector<Tensor>> outputs(programs_.size()), traced;
    Partial part = blank_;
    if (tracer_) {
      ASSAY_TRY(const auto inputs, layout_->inputs(0, first, count));
      ASSAY_TRY(traced, tracer_->run(inputs, first, count));
    }
    for (size_t p = 0; p < programs_.size(); ++p) {
      ASSAY_TRY(outputs[p], outputs_of(p, first, count, traced));
      for (const size_t o : layout_->outputs(p))
        if (o != kNoPort) add_lattice(part.lattices[p], outputs[p][o]);
    }
    for (Pair& pair : part.pairs) ASSAY_CHECK(add(pair, outputs, first, count));
    const std::lock_guard lock(mutex_);
    for (size_t p = 0; p < programs_.size(); ++p) whole_.lattices[p].merge(part.lattices[p]);
    for (size_t i = 0; i < part.pairs.size(); ++i)
      for (size_t o = 0; o < part.pairs[i].outputs.size(); ++o)
        whole_.pairs[i].outputs[o].merge(part.pairs[i].outputs[o]);
    done_ += count;
    if (options_.progress) options_.progress(done_, layout_->samples());
    return {};
  }

  Status add(Pair& pair, const std::vector<std::vector<Tensor>>& outputs, size_t first, size_t count) const {
    const auto n = static_cast<int64_t>(count);
    size_t at = 0;
    for (size_t i = 0; i < programs_[0]->outputs().size(); ++i) {
      const size_t ia = layout_->outputs(pair.a)[i], ib = layout_->outputs(pair.b)[i];
      if (ia == kNoPort || ib == kNoPort) continue;
      const Tensor &a = outputs[pair.a][ia], &b = outputs[pair.b][ib];
      if (a.size() != b.size())
        return Error{Code::data_shape,
                     "output '" + programs_[0]->outputs()[i].name + "' is " + ir::to_string(a.dims()) + " from " +
                         programs_[pair.a]->text() + " and " + ir::to_string(b.dims()) + " here",
                     programs_[pair.b]->text(), "compare programs with the same output shapes"};
      const int64_t each = a.size() % n == 0 ? a.size() / n : a.size();
      for (int64_t s = 0; s * each < a.size(); ++s)
        pair.outputs[at].add(a, b, s * each, s * each, each, static_cast<int64_t>(first) + s);
      ++at;
    }
    return {};
  }

  Result<CompareResult> finish() {
    CompareResult result;
    result.samples = layout_->samples();
    for (size_t p = 0; p < programs_.size(); ++p) {
      const Program& program = *programs_[p];
      result.programs.push_back({program.text(), program.variants()[0],
                                 program.profile() == nullptr ? "" : program.profile()->name, program.emulated(),
                                 whole_.lattices[p]});
    }
    result.pairs = std::move(whole_.pairs);
    if (tracer_) {
      auto traces = tracer_->finish();
      for (Pair& pair : result.pairs)
        if (pair.a == 0) pair.trace = std::move(traces[pair.b - 1]);
    }
    for (Pair& pair : result.pairs) {
      pair.within_limits = std::ranges::all_of(pair.outputs, [this](const Differences& d) { return within(d); });
      result.within_limits = result.within_limits && pair.within_limits;
    }
    return result;
  }

  bool within(const Differences& d) const {
    const bool any_limit = options_.max_abs || options_.max_rel || options_.max_ulp;
    if (any_limit && d.nan_mismatches > 0) return false;
    // A difference whose reference is 0 has no relative size; it passes no limit on it. Nor do
    // integers that differ pass one in ULPs, which they have none of.
    return !(options_.max_abs && d.max_abs > *options_.max_abs) &&
           !(options_.max_rel && (d.max_rel > *options_.max_rel || d.reference_zeros + d.infinite > 0)) &&
           !(options_.max_ulp &&
             (d.max_ulp > *options_.max_ulp || (d.ulp_type == ir::ElemType::undefined && d.equal < d.elements)));
  }

  std::span<Program* const> programs_;
  const CompareOptions& options_;
  std::optional<Layout> layout_;
  Partial blank_, whole_;
  std::unique_ptr<Tracer> tracer_;
  std::mutex mutex_;
  size_t done_ = 0;
};

/// Core ML's flexible axes have no names, and the first need hold no samples: where each input has such a one, nothing
/// tells that the model may be given them one by one.
bool first_axes_are_open(const Program& program) {
  bool unnamed = false;
  for (const Port& port : program.inputs()) {
    if (!port.type.ranked() || port.type.shape->empty() || (*port.type.shape)[0].known()) return false;
    unnamed = unnamed || (port.core_ml && (*port.type.shape)[0].symbol.empty());
  }
  return unnamed;
}

bool fits_type(const Port& port, const ir::Dims& dims) {
  return port.type.ranked() && std::ranges::equal(*port.type.shape, dims, [](const ir::Dim& want, int64_t size) {
           return !want.known() || want.value == size;
         });
}

bool states_sizes(const Program& program) {
  return std::ranges::any_of(program.inputs(), [](const Port& port) { return port.sizes.stated(); });
}

/// Whether a file that states sizes allows the arrays as they are.
Result<bool> allowed_whole(const Program& program, const Samples& samples) {
  if (!samples.has_sample_axis()) return false;
  ASSAY_TRY(const auto arrays, samples.slice(0, samples.count()));
  for (size_t i = 0; i < arrays.size(); ++i) {
    const Port& port = program.inputs()[i];
    if (!fits_type(port, arrays[i].dims()) || !port.sizes.allow(arrays[i].dims())) return false;
  }
  return true;
}

/// An error where a part of the data that would run by itself has no size that the file allows.
Status check_parts(const Program& program, const Samples& samples, size_t step) {
  const size_t rest = samples.count() % step;
  ASSAY_TRY(const auto whole, samples.slice(0, samples.count()));
  for (const size_t count : {std::min(step, samples.count()), rest > 0 ? rest : step}) {
    ASSAY_TRY(const auto part, samples.slice(0, count));
    for (size_t i = 0; i < part.size(); ++i) {
      const Port& port = program.inputs()[i];
      if (port.sizes.allow(part[i].dims())) continue;
      return Error{Code::data_shape,
                   "input '" + port.name + "' has the shape " + ir::to_string(whole[i].dims()) +
                       " in the data, of which " + ir::to_string(part[i].dims()) +
                       " would run by itself, and the model allows " + to_string(port.sizes),
                   port.name, "give an array of an allowed shape, or convert the model with --input"};
    }
  }
  return {};
}
}  // namespace

namespace {
bool all_tensors(std::span<const Port> ports) {
  return std::ranges::all_of(ports, [](const Port& port) { return port.type.is_tensor(); });
}

/// Once, on all of the data: sequences have no samples.
Result<Arrays> run_whole(Program& program, size_t variant, const Arrays& data) {
  std::vector<Tensor> inputs;
  for (const Port& port : program.inputs()) {
    ASSAY_TRY(Tensor input, backends::gather(port.name, port.type, data));
    inputs.push_back(std::move(input));
  }
  ASSAY_TRY(const auto outputs, program.run(variant, inputs, SampleRange{}));
  return named(program, outputs);
}
}  // namespace

Result<Arrays> run_program(Program& program, size_t variant, const Arrays& data, Warnings& warnings) {
  if (program.inputs().empty()) {
    const size_t n = program.recorded_samples() > 0 ? program.recorded_samples() : 1;
    ASSAY_TRY(auto outputs, program.run(variant, {}, SampleRange{0, n, n, 0}));
    return named(program, outputs);
  }
  if (!all_tensors(program.inputs())) return run_whole(program, variant, data);
  warn_of_unused(data, program.inputs(), program.text(), warnings);
  ASSAY_TRY(const Samples samples, Samples::create(data, program.inputs()));
  const size_t fixed = first_axes_are_open(program) ? samples.count() : samples.batch();
  const bool follow = outputs_follow_batch(program);
  const size_t step = fixed > 0 ? fixed : follow ? largest_chunk(program) : samples.count();
  const bool apart = samples.count() > step || !samples.has_sample_axis();
  if (samples.count() > 0 && step > 0 && apart && !samples.whole()) {
    if (!states_sizes(program)) return run_apart(program, variant, samples, step);
    const Status parts = check_parts(program, samples, step);
    const bool large = follow && samples.count() > kChunk && parts.ok();  // the same bits in less memory
    ASSAY_TRY(const bool whole, allowed_whole(program, samples));
    if (large || !whole) {
      ASSAY_CHECK(parts);
      return run_apart(program, variant, samples, step);
    }
  }
  ASSAY_TRY(const auto inputs, samples.slice(0, samples.count()));
  ASSAY_TRY(auto outputs, program.run(variant, inputs, SampleRange{0, samples.count(), samples.count(), 0}));
  return named(program, outputs);
}

Result<CompareResult> compare(std::span<Program* const> programs, const Arrays& data, const CompareOptions& options,
                              Warnings& warnings) {
  if (programs.size() < 2)
    return Error{Code::usage, "one program has nothing to be compared with", "--program", "give two"};
  return Comparison(programs, options).run(data, warnings);
}

}  // namespace assay::audit

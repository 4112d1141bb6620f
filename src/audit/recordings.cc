#include "audit/recordings.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/sha256.h"
#include "base/text.h"

namespace assay::audit {
namespace {
using backends::ArrayHash;
using backends::Program;
using backends::Provenance;
using backends::RecordedInput;
using ir::Tensor;

constexpr const char* kRecordAgain = "record again with the model and the data of this command";

std::string shortened(const std::string& hash) { return hash.substr(0, 12) + "..."; }

std::string type_of(std::string_view elem, const ir::Dims& dims) { return std::string(elem) + ir::to_string(dims); }

// What is the same in every part of a data set.
bool same_samples(const RecordedInput& input, const Tensor& array) {
  const ir::Dims& dims = array.dims();
  return input.by_rows && !dims.empty() && dims.size() == input.dims.size() &&
         input.type == ir::elem_name(array.elem()) && std::equal(dims.begin() + 1, dims.end(), input.dims.begin() + 1);
}

std::string first_difference(const RecordedInput& input, const ArrayHash& here, size_t shift, size_t first) {
  if (input.hash.rows.empty()) return "";
  for (size_t i = 0; i < here.rows.size(); ++i) {
    if (input.hash.rows[shift + i] == here.rows[i]) continue;
    std::vector<uint64_t> a(input.hash.rows.begin() + static_cast<std::ptrdiff_t>(shift),
                            input.hash.rows.begin() + static_cast<std::ptrdiff_t>(shift + here.rows.size()));
    std::vector<uint64_t> b = here.rows;
    std::ranges::sort(a);
    std::ranges::sort(b);
    return a == b ? ": the same samples in another order"
                  : ": sample " + std::to_string(first + i) + " is the first that differs";
  }
  return "";
}

class Check {
 public:
  Check(std::span<Program* const> programs, const AtHand& at_hand, const Threads* threads, Warnings& warnings)
      : programs_(programs), at_hand_(at_hand), threads_(threads), warnings_(warnings) {}

  Status model(const Program& program, const Provenance& recorded);
  Status inputs(const Program& program, const Provenance& recorded);
  void unproven(const Program& program, const std::string& message) {
    warnings_.push_back({Code::record_unproven, message, program.text(),
                         "record with assay-record, which writes down hashes of the model and the inputs"});
  }

 private:
  Result<const ArrayHash*> hash_of(const NamedArray& array, bool by_rows);
  Result<const NamedArray*> same_array(const RecordedInput& input);
  Status input(const Program& program, const Provenance& recorded, const RecordedInput& input, const NamedArray& array);

  bool is_input(const std::string& name) const;

  std::span<Program* const> programs_;
  const AtHand& at_hand_;
  const Threads* threads_;
  Warnings& warnings_;
  std::map<std::string, std::string> files_;  // hash to path
  std::map<std::pair<const NamedArray*, bool>, ArrayHash> arrays_;
};

Status Check::model(const Program& program, const Provenance& recorded) {
  if (at_hand_.files.empty()) return {};
  if (recorded.model.empty() && recorded.source.empty()) {
    unproven(program, "the recording does not say of which model it is");
    return {};
  }
  if (files_.empty()) {
    for (const std::string& path : at_hand_.files) {
      ASSAY_TRY(std::string hash, sha256_of_path(path));
      files_.emplace(std::move(hash), path);
    }
  }
  if (files_.contains(recorded.model) || files_.contains(recorded.source)) return {};
  std::vector<std::string> here;
  here.reserve(files_.size());
  for (const auto& [hash, path] : files_) here.push_back(path + " has " + shortened(hash));
  std::string message = "the recording is of another model: its hash is " + shortened(recorded.model);
  if (recorded.model.empty()) message = "the recording is of a model converted from another one";
  if (!recorded.source.empty()) message += ", that of the model it was converted from " + shortened(recorded.source);
  return Error{Code::record_mismatch, message + "; " + join(here, ", "), program.text(),
               "record with this model; where the device runs a file converted from it, record with --source FILE"};
}

Result<const ArrayHash*> Check::hash_of(const NamedArray& array, bool by_rows) {
  const auto key = std::pair(&array, by_rows);
  if (const auto it = arrays_.find(key); it != arrays_.end()) return &it->second;
  ASSAY_TRY(ArrayHash hash, backends::hash_array(array, by_rows, threads_));
  return &arrays_.emplace(key, std::move(hash)).first->second;
}

// The array of the input's name. Core ML files have names of their own, under which devices record: then the array that
// holds the same.
Result<const NamedArray*> Check::same_array(const RecordedInput& input) {
  const NamedArray* found = nullptr;
  for (const NamedArray& array : *at_hand_.data)
    if (array.name == input.name) return &array;
  for (const NamedArray& array : *at_hand_.data) {
    const Tensor& tensor = array.tensor;
    if (input.type != ir::elem_name(tensor.elem()) || input.dims.size() != tensor.dims().size()) continue;
    ASSAY_TRY(const ArrayHash* hash, hash_of(array, input.by_rows));
    const bool part = !hash->rows.empty() && input.hash.rows.size() > hash->rows.size() &&
                      std::ranges::find(input.hash.rows, hash->rows[0]) != input.hash.rows.end();
    if (hash->sha256 == input.hash.sha256 || part) found = &array;
  }
  return found;
}

Status Check::input(const Program& program, const Provenance& recorded, const RecordedInput& input,
                    const NamedArray& array) {
  const ir::Dims& dims = array.tensor.dims();
  const std::string what = "the recording was made of other data: input '" + input.name + "' ";
  if (input.type != ir::elem_name(array.tensor.elem()) || (input.dims != dims && !same_samples(input, array.tensor)))
    return Error{Code::record_mismatch,
                 what + "was " + type_of(input.type, input.dims) + ", the data has " +
                     type_of(ir::elem_name(array.tensor.elem()), dims),
                 program.text(), kRecordAgain};
  ASSAY_TRY(const ArrayHash* here, hash_of(array, input.by_rows));
  if (here->sha256 == input.hash.sha256) return {};
  const auto differs = [&](const std::string& where) {
    return Error{
        Code::record_mismatch,
        what + "had the hash " + shortened(input.hash.sha256) + ", the data has " + shortened(here->sha256) + where,
        program.text(), kRecordAgain};
  };
  if (input.dims == dims) return differs(first_difference(input, *here, 0, at_hand_.first_sample));
  const auto count = static_cast<size_t>(dims[0]), rows = static_cast<size_t>(input.dims[0]);
  const auto shift = backends::place_in_recording(recorded.first_sample, rows, at_hand_.first_sample, count);
  if (!shift)
    return Error{Code::record_mismatch,
                 what + "was " + type_of(input.type, input.dims) + " from sample " +
                     std::to_string(recorded.first_sample) + ", the data has " + type_of(input.type, dims) +
                     " from sample " + std::to_string(at_hand_.first_sample),
                 program.text(), "say with --first-sample where the data begins"};
  if (input.hash.rows.empty()) {
    unproven(program, "the recording has no hashes of the samples of input '" + input.name +
                          "', so that a part of them cannot be checked");
    return {};
  }
  const std::string where = first_difference(input, *here, *shift, at_hand_.first_sample);
  if (!where.empty()) return differs(where);
  return {};
}

bool Check::is_input(const std::string& name) const {
  return std::ranges::any_of(programs_, [&](const Program* program) {
    return std::ranges::any_of(program->inputs(), [&](const Port& port) { return port.is_called(name); });
  });
}

Status Check::inputs(const Program& program, const Provenance& recorded) {
  if (at_hand_.data == nullptr || at_hand_.data->empty()) return {};
  if (recorded.inputs.empty()) {
    unproven(program, "the recording does not say of which inputs it is");
    return {};
  }
  std::set<std::string> spoken;
  for (const RecordedInput& one : recorded.inputs) {
    ASSAY_TRY(const NamedArray* array, same_array(one));
    if (array == nullptr)
      return Error{Code::record_mismatch,
                   "the recording was made of other data: input '" + one.name + "' with the hash " +
                       shortened(one.hash.sha256) + " is not in the data, which has " +
                       join(names_of(*at_hand_.data), ", "),
                   program.text(), kRecordAgain};
    ASSAY_CHECK(input(program, recorded, one, *array));
    spoken.insert(array->name);
  }
  for (const NamedArray& array : *at_hand_.data)
    if (!spoken.contains(array.name) && is_input(array.name))
      unproven(program, "the recording does not say of which '" + array.name + "' it is");
  return {};
}
}  // namespace

Status check_recordings(std::span<Program* const> programs, const AtHand& at_hand, const Threads* threads,
                        Warnings& warnings) {
  Check check(programs, at_hand, threads, warnings);
  for (const Program* program : programs) {
    if (program->recorded_samples() == 0) continue;
    const Provenance* recorded = program->provenance();
    if (recorded == nullptr) {
      check.unproven(*program, "the recording does not say of which model and inputs it is");
      continue;
    }
    ASSAY_CHECK(check.model(*program, *recorded));
    ASSAY_CHECK(check.inputs(*program, *recorded));
  }
  return {};
}

}  // namespace assay::audit

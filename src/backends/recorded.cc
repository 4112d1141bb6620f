#include "backends/recorded.h"

namespace assay::backends {

Result<std::unique_ptr<Program>> RecordedProgram::open(std::string text, const std::string& path) {
  ASSAY_TRY(RecordedArrays read, read_recording(path));
  std::optional<Provenance> provenance;
  if (read.provenance) {
    ASSAY_TRY(provenance, parse_provenance(*read.provenance, path + ": __assay__"));
  }
  return create(std::move(text), std::move(read.arrays), std::move(provenance));
}

Result<std::unique_ptr<Program>> RecordedProgram::create(std::string text, Arrays arrays,
                                                         std::optional<Provenance> provenance) {
  if (arrays.empty())
    return Error{Code::data_missing, "the recording holds no arrays", text, "save the outputs, named as the model's"};
  auto program = std::unique_ptr<RecordedProgram>(new RecordedProgram());
  for (const NamedArray& array : arrays) {
    const ir::Dims& dims = array.tensor.dims();
    const size_t samples = dims.empty() ? 1 : static_cast<size_t>(dims[0]);
    if (program->outputs_.empty()) program->samples_ = samples;
    if (samples != program->samples_ || samples == 0)
      return Error{Code::data_shape,
                   "recorded array '" + array.name + "' has the shape " + ir::to_string(dims) +
                       "; the first axis of '" + arrays[0].name + "' holds " + std::to_string(program->samples_) +
                       " samples",
                   text, "record all outputs of the same samples, along the first axis"};
    program->outputs_.push_back({array.name, ir::Type::of(array.tensor.elem(), dims)});
  }
  program->text_ = std::move(text);
  program->arrays_ = std::move(arrays);
  program->provenance_ = std::move(provenance);
  return std::unique_ptr<Program>(std::move(program));
}

ir::ElemType RecordedProgram::storage() const {
  for (const Port& port : outputs_)
    if (ir::is_float(port.type.elem)) return port.type.elem;
  return ir::ElemType::float32;
}

Result<std::vector<ir::Tensor>> RecordedProgram::run(size_t, std::span<const ir::Tensor>, const SampleRange& range) {
  // A recording of the data at hand, or of the whole data set that it is a part of.
  const size_t begin = provenance_ ? provenance_->first_sample : 0;
  const auto shift = place_in_recording(begin, samples_, range.offset, range.total);
  if (!shift)
    return Error{Code::data_shape,
                 "the recording has " + std::to_string(samples_) + " samples" +
                     (begin > 0 ? " from sample " + std::to_string(begin) : "") + ", the data has " +
                     std::to_string(range.total) +
                     (range.offset > 0 ? " from sample " + std::to_string(range.offset) : ""),
                 text_, "record the same samples in the same order"};
  std::vector<ir::Tensor> out;
  for (const NamedArray& array : arrays_) {
    const bool whole = array.tensor.rank() == 0;
    out.push_back(whole ? array.tensor : slice_samples(array.tensor, range.first + *shift, range.count, false));
  }
  return out;
}

}  // namespace assay::backends

#include "backends/callable.h"

#include <algorithm>
#include <cstring>

#include "backends/recorded.h"
#include "base/text.h"

namespace assay::backends {
namespace {

constexpr char kBatch[] = "N";  // symbol of the first axis where no model names it

std::vector<std::string> names_of(const Arrays& arrays) {
  std::vector<std::string> names;
  for (const NamedArray& array : arrays) names.push_back(array.name);
  return names;
}

Port port_of(const NamedArray& array, bool batched) {
  ir::Type type = ir::Type::of(array.tensor.elem(), array.tensor.dims());
  if (batched) (*type.shape)[0] = ir::Dim(std::string(kBatch));
  return {.name = array.name, .type = std::move(type)};
}

Error wrong_outputs(const std::string& text, const Arrays& have, const std::vector<Port>& want) {
  std::vector<std::string> wanted;
  wanted.reserve(want.size());
  for (const Port& port : want) wanted.push_back(port.name);
  return Error{Code::backend_failed,
               "it returned " + std::to_string(have.size()) + " outputs (" + join(names_of(have), ", ") +
                   "); the model has " + std::to_string(want.size()) + " (" + join(wanted, ", ") + ")",
               text, "return the model's outputs by name, or all of them in the model's order"};
}

/// Any floating-point type may stand for another; numbers of another nature are no such output.
Status check_type(const std::string& text, const Port& port, const ir::Tensor& tensor) {
  const ir::ElemType want = port.type.elem, have = tensor.elem();
  if (want == have || want == ir::ElemType::undefined || (ir::is_float(want) && ir::is_float(have))) return {};
  return Error{Code::data_type,
               "output '" + port.name + "' is " + std::string(ir::elem_name(want)) + ", it returned " +
                   std::string(ir::elem_name(have)),
               text, "return the type that the model declares"};
}

/// A runtime may write its next results over these.
ir::Tensor own_copy(const ir::Tensor& tensor) {
  if (tensor.elem() == ir::ElemType::string) return tensor;  // text was copied on its way
  ir::Tensor copy = ir::Tensor::allocate(tensor.elem(), tensor.dims());
  if (tensor.byte_size() > 0) std::memcpy(copy.mutable_bytes(), tensor.bytes(), tensor.byte_size());
  return copy;
}

}  // namespace

std::unique_ptr<Program> CallableProgram::create(std::string text, CallableSource source, std::vector<Port> inputs,
                                                 std::vector<Port> outputs) {
  auto program = std::unique_ptr<CallableProgram>(new CallableProgram());
  program->text_ = std::move(text);
  program->source_ = std::move(source);
  program->inputs_ = std::move(inputs);
  program->outputs_ = std::move(outputs);
  return program;
}

Result<std::unique_ptr<Program>> CallableProgram::of_data(std::string text, CallableSource source, const Arrays& data) {
  if (data.empty())
    return Error{Code::data_missing, "there is neither a model nor data for it", text, "give the inputs' arrays"};
  std::vector<Port> inputs, outputs;
  Arrays first;
  // Two samples tell an axis of samples from an axis of size one.
  int64_t count = 2;
  for (const NamedArray& array : data)
    if (array.tensor.rank() > 0) count = std::min(count, array.tensor.dims()[0]);
  for (const NamedArray& array : data) {
    const bool batched = array.tensor.rank() > 0 && count > 0;
    inputs.push_back(port_of(array, batched));
    ASSAY_TRY(ir::Tensor part, batched ? slice_samples(array, 0, static_cast<size_t>(count), false) : in_memory(array));
    first.push_back({array.name, std::move(part)});
  }
  ASSAY_TRY(Arrays probed, source.run(first));
  for (size_t i = 0; i < probed.size(); ++i) {
    if (probed[i].name.empty()) probed[i].name = "output_" + std::to_string(i);
    const ir::Dims& dims = probed[i].tensor.dims();
    outputs.push_back(port_of(probed[i], !dims.empty() && dims[0] == count));
  }
  if (outputs.empty()) return wrong_outputs(text, probed, outputs);
  return create(std::move(text), std::move(source), std::move(inputs), std::move(outputs));
}

Result<std::vector<ir::Tensor>> CallableProgram::run(size_t, std::span<const ir::Tensor> inputs, const SampleRange&) {
  Arrays named;
  for (size_t i = 0; i < inputs.size(); ++i) named.push_back({inputs_[i].name, inputs[i]});
  const std::lock_guard lock(mutex_);
  ASSAY_TRY(Arrays outputs, source_.run(named));
  if (outputs.size() != outputs_.size()) return wrong_outputs(text_, outputs, outputs_);
  const bool by_order = std::ranges::all_of(outputs, [](const NamedArray& array) { return array.name.empty(); });
  std::vector<ir::Tensor> ordered;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const auto found =
        by_order
            ? outputs.begin() + static_cast<std::ptrdiff_t>(i)
            : std::ranges::find_if(outputs, [&](const NamedArray& array) { return outputs_[i].is_called(array.name); });
    if (found == outputs.end()) return wrong_outputs(text_, outputs, outputs_);
    ASSAY_CHECK(check_type(text_, outputs_[i], found->tensor));
    ordered.push_back(own_copy(found->tensor));
  }
  return ordered;
}

}  // namespace assay::backends

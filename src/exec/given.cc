#include "exec/given.h"

#include <algorithm>

namespace assay::exec {
namespace {
/// A map's keys and values lie in two tensors of one axis.
std::optional<Error> misfit_map(const std::vector<ir::Tensor>& parts, const ir::Type& type) {
  const bool fits = parts.size() == 2 && parts[0].elem() == type.elem && parts[1].elem() == type.element->elem &&
                    parts[0].rank() == 1 && parts[0].dims() == parts[1].dims();
  if (fits) return std::nullopt;
  return Error{Code::data_type, "holds no keys and values of " + to_string(type), "",
               "give as many values as keys, of the declared types"};
}

/// Why what is given is no value of the type; nothing where it is one.
std::optional<Error> misfit(const ir::Tensor& given, const ir::Type& type) {
  if (given.is_list() != !type.is_tensor())
    return Error{
        Code::data_type,
        std::string("is ") + (given.is_list() ? "no tensor" : "a tensor") + ", the model declares " + to_string(type),
        "", "give what the model declares"};
  if (given.is_list()) {
    const auto& items = given.items();
    if (type.kind == ir::Type::Kind::optional && items.size() > 1)
      return Error{Code::data_type, "holds " + std::to_string(items.size()) + " values, an optional holds at most one",
                   "", "give one value, or none"};
    if (!type.element) return std::nullopt;
    if (type.kind == ir::Type::Kind::map) return misfit_map(items, type);
    for (const ir::Tensor& item : items)
      if (auto error = misfit(item, *type.element)) return error;
    return std::nullopt;
  }
  if (given.elem() != type.elem)
    return Error{Code::data_type,
                 "is " + std::string(ir::elem_name(given.elem())) + ", the model declares " +
                     std::string(ir::elem_name(type.elem)),
                 "", "convert the array"};
  if (!type.shape) return std::nullopt;
  const auto& dims = given.dims();
  const bool fits = dims.size() == type.shape->size() &&
                    std::ranges::equal(dims, *type.shape,
                                       [](int64_t d, const ir::Dim& want) { return !want.known() || want.value == d; });
  if (fits) return std::nullopt;
  return Error{Code::data_shape, "has shape " + ir::to_string(dims) + ", the model declares " + ir::to_string(type), "",
               "give an array of the declared shape"};
}
}  // namespace

Status check_inputs(const ir::Graph& graph, std::span<const ir::Tensor> inputs) {
  if (inputs.size() != graph.inputs.size())
    return Error{Code::data_missing, "the model has " + std::to_string(graph.inputs.size()) + " inputs, " +
                                         std::to_string(inputs.size()) + " were given"};
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ir::Value& v = graph.at(graph.inputs[i]);
    if (auto error = misfit(inputs[i], v.type)) {
      error->where = "input '" + v.name + "'";
      return *std::move(error);
    }
  }
  return {};
}

Result<ir::Tensor> zero_state(const ir::Graph& graph, const ir::State& state) {
  const ir::Value& v = graph.at(state.before);
  if (!v.type.is_static() || v.type.elem == ir::ElemType::string)
    return Error{Code::model_invalid, "a state of type " + to_string(v.type) + " cannot be kept",
                 "state '" + state.name + "'", "states have a fixed shape"};
  ir::Tensor t = ir::Tensor::allocate(v.storage == ir::ElemType::undefined ? v.type.elem : v.storage, v.type.dims());
  std::fill_n(t.mutable_bytes(), t.byte_size(), std::byte{0});
  return t;
}

}  // namespace assay::exec

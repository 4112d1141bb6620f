#include "ops/nested.h"

#include <algorithm>

#include "ops/move.h"

namespace assay::ops {

Result<const ir::Graph*> nested_graph(const InferContext& c, std::string_view attr, size_t inputs, size_t outputs) {
  const ir::Graph* graph = c.op().attr_graph(attr);
  const std::string name(attr);
  if (!graph) return c.fail("nested_c1", "attribute '" + name + "' is no graph");
  if (graph->inputs.size() != inputs)
    return c.fail("nested_c2", "graph '" + name + "' has " + std::to_string(graph->inputs.size()) + " inputs, not " +
                                   std::to_string(inputs));
  if (graph->outputs.size() != outputs)
    return c.fail("nested_c3", "graph '" + name + "' has " + std::to_string(graph->outputs.size()) + " outputs, not " +
                                   std::to_string(outputs));
  return graph;
}

Status one_element(const InferContext& c, const ir::Type& type, ir::ElemType elem, std::string_view what) {
  const bool right_type =
      type.kind == ir::Type::Kind::tensor && (type.elem == elem || type.elem == ir::ElemType::undefined);
  const bool one =
      !type.ranked() || std::ranges::all_of(*type.shape, [](const ir::Dim& d) { return !d.known() || d.value == 1; });
  if (right_type && one) return {};
  return c.fail("nested_c4",
                std::string(what) + " is " + to_string(type) + ", not one " + std::string(ir::elem_name(elem)));
}

Status add_scanned(const KernelContext& c, size_t k, ir::Tensor scanned, std::vector<ir::Tensor>& parts) {
  if (!parts.empty() && parts[0].dims() != scanned.dims())
    return c.fail(Code::value_range, "scan output " + std::to_string(k) + " has shape " +
                                         ir::to_string(scanned.dims()) + " in iteration " +
                                         std::to_string(parts.size()) + ", but " + ir::to_string(parts[0].dims()) +
                                         " before");
  parts.push_back(std::move(scanned));
  return {};
}

Result<ir::Tensor> stack(const KernelContext& c, const std::vector<ir::Tensor>& parts, const Stack& how) {
  ir::Dims dims;
  if (!parts.empty()) {
    dims = parts[0].dims();
  } else {
    for (const ir::Dim& d : how.part.shape.value_or(std::vector<ir::Dim>{})) dims.push_back(d.known() ? d.value : 0);
  }
  const int64_t axis = normal_axis(how.axis, static_cast<int64_t>(dims.size()) + 1);
  if (axis < 0) return axis_error(c, how.axis, static_cast<int64_t>(dims.size()) + 1);
  dims.insert(dims.begin() + axis, static_cast<int64_t>(parts.size()));
  ASSAY_CHECK(check_size(c, dims));
  ir::Tensor out = ir::Tensor::allocate(how.elem, dims);
  const ir::Dims strides = strides_of(dims);
  dims[static_cast<size_t>(axis)] = 1;
  for (size_t i = 0; i < parts.size(); ++i) {
    const ir::Tensor part = as_storage(parts[how.backwards ? parts.size() - 1 - i : i], how.elem).reshaped(dims);
    const auto begin = static_cast<int64_t>(i) * strides[static_cast<size_t>(axis)];
    copy_strided(part, out, {dims, strides_of(dims), strides, 0, begin}, c.threads);
  }
  return out;
}

}  // namespace assay::ops

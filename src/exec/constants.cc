#include <algorithm>
#include <cstring>

#include "base/cancel.h"
#include "exec/plan.h"
#include "ops/elementwise.h"

namespace assay::exec {
namespace {

// The constant as operations read it: rounded as resolve says, in its storage type. Views the model's bytes when
// nothing changes.
std::shared_ptr<const ir::Tensor> stored_form(const ir::Value& value, const Threads& threads, size_t& bytes) {
  const ir::Tensor& source = *value.constant;
  const bool same_type = value.storage == ir::ElemType::undefined || value.storage == source.elem();
  if (same_type && !value.rounding) {
    if (source.elem() == ir::ElemType::string || source.is_aligned()) return value.constant;
    bytes += source.byte_size();
    return std::make_shared<const ir::Tensor>(source.aligned());
  }
  ir::Tensor out = ir::Tensor::allocate(same_type ? source.elem() : value.storage, source.dims());
  bytes += out.byte_size();
  num::Policy policy;
  policy.result = value.rounding;
  const bool wide = source.elem() == ir::ElemType::float64 || out.elem() == ir::ElemType::float64;
  threads.for_each(static_cast<size_t>(source.size()), 1 << 16, [&](size_t begin, size_t end) {
    wide ? ops::convert<double>(source, out, begin, end, policy) : ops::convert<float>(source, out, begin, end, policy);
  });
  return std::make_shared<const ir::Tensor>(std::move(out));
}

}  // namespace

Result<Constants> prepare_constants(const ir::Graph& graph, const Threads& threads, const Constants* outer) {
  Constants constants;
  constants.tensors.resize(graph.values.size());
  constants.prepared.resize(graph.ops.size());
  constants.folded.resize(graph.ops.size());
  std::vector<bool> captured(graph.values.size());
  for (const auto& [local, outside] : graph.captures) {
    captured[local] = true;
    if (outer) constants.tensors[local] = outer->tensors[outside];
  }
  for (size_t v = 0; v < graph.values.size(); ++v)
    if (graph.values[v].constant && !captured[v])
      constants.tensors[v] = stored_form(graph.values[v], threads, constants.bytes);
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    const ir::Op& op = graph.ops[i];
    constants.folded[i] = fold(graph, op, threads, constants);
    if (constants.folded[i] || !op.def->prepare) continue;
    ops::PrepareContext context(graph, op, threads);
    for (const ir::ValueId v : op.inputs)
      context.constants.push_back(v == ir::kNoValue ? nullptr : constants.tensors[v].get());
    ASSAY_TRY(constants.prepared[i], op.def->prepare(context));
  }
  forget_unread(graph, constants);
  ASSAY_CHECK(check_cancel());  // kernels leave out what is left when asked to stop
  return constants;
}

}  // namespace assay::exec

// Operations all of whose operands are constant run once, with the session's own kernels and policies: what they give
// is what each run would give.
#include <algorithm>
#include <new>

#include "base/checked.h"
#include "exec/plan.h"
#include "ops/infer.h"

namespace assay::exec {
namespace {

// What a constant of the session may take beyond the constants that it is made of (a fill or a table of positions).
constexpr size_t kSmallBytes = size_t{1} << 16;
constexpr int64_t kMostElements = int64_t{1} << 40;  // whose bytes can be counted

using Handles = std::vector<std::shared_ptr<const ir::Tensor>>;

bool has_constant_operands(const ir::Op& op, const Constants& constants) {
  if (!op.def->eval || op.inputs.empty() || ir::has_nested(op)) return false;
  return std::ranges::all_of(op.inputs, [&](ir::ValueId v) {
    return v == ir::kNoValue || (constants.tensors[v] && !constants.tensors[v]->is_list());
  });
}

/// Types of the results where inference gives all of them and none takes much more than the operands do.
std::optional<std::vector<ir::Type>> result_types(const ir::Graph& graph, const ir::Op& op,
                                                  const Constants& constants) {
  std::vector<ir::Value> known(op.inputs.size());
  std::vector<const ir::Value*> pointers;
  size_t most = 0;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const ir::ValueId v = op.inputs[i];
    pointers.push_back(v == ir::kNoValue ? nullptr : &known[i]);
    if (v == ir::kNoValue) continue;
    known[i].type = ir::Type::of(graph.at(v).type.elem, constants.tensors[v]->dims());
    if (known[i].type.elem == ir::ElemType::undefined) return std::nullopt;
    known[i].constant = constants.tensors[v];
    most += constants.tensors[v]->byte_size();
  }
  ops::InferContext context(graph, op, std::move(pointers));
  if (!op.def->infer(context).ok()) return std::nullopt;
  std::vector<ir::Type> types(op.outputs.size());
  for (size_t k = 0; k < op.outputs.size(); ++k) {
    if (op.outputs[k] == ir::kNoValue) continue;
    const auto& type = context.outputs()[k];
    if (!type || !type->is_tensor() || !type->is_static() || type->elem == ir::ElemType::string) return std::nullopt;
    const std::optional<int64_t> count = checked_product(type->dims());
    if (!count || *count > kMostElements || ir::packed_bytes(type->elem, *count) > std::max(most, kSmallBytes))
      return std::nullopt;
    types[k] = *type;
  }
  return types;
}

ir::ElemType stored(const ir::Value& value, const ir::Type& type) {
  return value.storage == ir::ElemType::undefined ? type.elem : value.storage;
}

/// The results as stored; nothing where the operation fails: it does so where it runs, if it ever does.
std::optional<Handles> results(const ir::Graph& graph, const ir::Op& op, const Constants& constants,
                               const std::vector<ir::Type>& types, const Threads& threads) {
  ops::KernelContext context(graph, op, threads);
  for (const ir::ValueId v : op.inputs)
    context.inputs.push_back(v == ir::kNoValue ? nullptr : constants.tensors[v].get());
  Handles made(op.outputs.size());
  const auto keep = [&](size_t k, ir::Tensor t) { made[k] = std::make_shared<const ir::Tensor>(std::move(t)); };
  if (op.def->view && stored(graph.at(op.outputs[0]), types[0]) == context.in(0).elem()) {
    keep(0, context.in(0).reshaped(types[0].dims()));
    return made;
  }
  context.outputs.resize(op.outputs.size());
  for (size_t k = 0; k < op.outputs.size(); ++k)
    if (op.outputs[k] != ir::kNoValue)
      context.outputs[k] = ir::Tensor::allocate(stored(graph.at(op.outputs[k]), types[k]), types[k].dims());
  if (!op.def->eval(context).ok()) return std::nullopt;
  for (size_t k = 0; k < op.outputs.size(); ++k)
    if (op.outputs[k] != ir::kNoValue) keep(k, std::move(context.outputs[k]));
  return made;
}

}  // namespace

bool fold(const ir::Graph& graph, const ir::Op& op, const Threads& threads, Constants& constants) {
  if (!has_constant_operands(op, constants)) return false;
  const auto types = result_types(graph, op, constants);
  if (!types) return false;
  std::optional<Handles> made;
  try {
    made = results(graph, op, constants, *types, threads);
  } catch (const std::bad_alloc&) {  // the session's budget
    return false;
  }
  if (!made) return false;
  for (size_t k = 0; k < op.outputs.size(); ++k) {
    if (op.outputs[k] != ir::kNoValue) constants.tensors[op.outputs[k]] = std::move((*made)[k]);
  }
  return true;
}

void forget_unread(const ir::Graph& graph, Constants& constants) {
  std::vector<bool> read(graph.values.size());
  const auto mark = [&](ir::ValueId v) {
    if (v != ir::kNoValue) read[v] = true;
  };
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    if (constants.folded[i]) continue;
    std::ranges::for_each(graph.ops[i].inputs, mark);
    std::ranges::for_each(ir::captured_by(graph.ops[i]), mark);
  }
  std::ranges::for_each(graph.outputs, mark);
  for (const ir::State& state : graph.states) mark(state.after);
  for (const auto& [local, outside] : graph.captures) mark(local);
  const auto forget = [&](ir::ValueId v) {
    if (v != ir::kNoValue && !read[v]) constants.tensors[v].reset();
  };
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    if (!constants.folded[i]) continue;
    std::ranges::for_each(graph.ops[i].inputs, forget);
    std::ranges::for_each(graph.ops[i].outputs, forget);
    for (const ir::ValueId v : graph.ops[i].outputs)
      if (v != ir::kNoValue && read[v] && !graph.ops[i].def->view) constants.bytes += constants.tensors[v]->byte_size();
  }
}

}  // namespace assay::exec

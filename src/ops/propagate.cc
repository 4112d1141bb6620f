#include "ops/propagate.h"

#include <algorithm>

#include "ops/infer.h"
#include "ops/kernel.h"
#include "ops/signature.h"

namespace assay::ops {
namespace {

constexpr int64_t kMostElements = int64_t{1} << 48;

Status check_extents(const ir::Graph& graph, const ir::Op& op, const std::vector<ir::ValueId>& ids,
                     const std::vector<ir::Value>& values) {
  for (const ir::ValueId v : ids)
    if (v != ir::kNoValue && is_absurd(values[v].type))
      return Error{Code::limit_exceeded, "a value of type " + to_string(values[v].type) + " is absurdly large",
                   graph.describe(op), "check the shapes of the model and of its inputs"};
  return {};
}

bool exact_type(const ir::Type& t) {
  return t.kind == ir::Type::Kind::tensor && (ir::is_integer(t.elem) || t.elem == ir::ElemType::boolean);
}

bool small(const ir::Type& t) {
  if (!t.is_static()) return false;
  int64_t size = 1;
  for (const ir::Dim& d : *t.shape)
    if (__builtin_mul_overflow(size, d.value, &size) || size > kFoldLimit) return false;
  return true;
}

// Every input is a known integer or boolean value of at most kFoldLimit elements (what is float may be stored rounded),
// and every wanted output is an integer or a boolean.
bool foldable(const ir::Op& op, const std::vector<ir::Value>& values) {
  if (!op.def->eval || op.inputs.empty() || ir::has_nested(op)) return false;
  for (const ir::ValueId v : op.inputs)
    if (v != ir::kNoValue && (!values[v].constant || !small(values[v].type) || !exact_type(values[v].type)))
      return false;
  return std::ranges::all_of(op.outputs, [&](ir::ValueId v) {
    return v == ir::kNoValue || (exact_type(values[v].type) && (!values[v].type.is_static() || small(values[v].type)));
  });
}

}  // namespace

bool is_absurd(const ir::Type& type) {
  if (!type.shape) return false;
  int64_t count = 1;
  for (const ir::Dim& d : *type.shape)
    if (d.value > 0 && (__builtin_mul_overflow(count, d.value, &count) || count > kMostElements)) return true;
  return false;
}

Status evaluate(const ir::Graph& graph, const ir::Op& op, std::vector<ir::Value>& values) {
  static const Threads kOne(1);
  KernelContext c(graph, op, kOne);
  std::vector<ir::Tensor> inputs(op.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ir::ValueId v = op.inputs[i];
    if (v != ir::kNoValue) inputs[i] = values[v].constant->aligned();
    c.inputs.push_back(v == ir::kNoValue ? nullptr : &inputs[i]);
  }
  for (const ir::ValueId v : op.outputs) {
    c.outputs.emplace_back();
    if (v != ir::kNoValue && values[v].type.is_static())
      c.outputs.back() = ir::Tensor::allocate(values[v].type.elem, values[v].type.dims());
  }
  ASSAY_CHECK(op.def->eval(c));
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    if (op.outputs[i] == ir::kNoValue) continue;
    ir::Value& out = values[op.outputs[i]];
    out.type = ir::Type::of(c.outputs[i].elem(), c.outputs[i].dims());
    out.constant = std::make_shared<const ir::Tensor>(std::move(c.outputs[i]));
  }
  return {};
}

Result<bool> propagate(const ir::Graph& graph, const ir::Op& op, std::vector<ir::Value>& values) {
  if (!op.def || !op.def->infer) return false;
  ASSAY_CHECK(check_signature(graph, op, values));
  ASSAY_CHECK(check_extents(graph, op, op.inputs, values));
  std::vector<const ir::Value*> inputs;
  for (const ir::ValueId v : op.inputs) inputs.push_back(v == ir::kNoValue ? nullptr : &values[v]);
  InferContext context(graph, op, std::move(inputs));
  ASSAY_CHECK(op.def->infer(context));
  bool known = true;
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    if (op.outputs[i] == ir::kNoValue) continue;
    ir::Value& out = values[op.outputs[i]];
    if (context.outputs()[i]) out.type = *context.outputs()[i];
    out.constant = context.constants()[i];
    known = known && out.constant != nullptr;
  }
  ASSAY_CHECK(check_extents(graph, op, op.outputs, values));
  if (known) return true;
  if (!foldable(op, values)) return false;
  const Status folded = evaluate(graph, op, values);
  if (folded.ok()) return true;
  // A value out of range (an integer over 0) is an error where the operation runs, which it may never do.
  if (folded.error().code == Code::value_range) return false;
  return folded.error();
}

}  // namespace assay::ops

#include "audit/trace/rows.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "num/format.h"
#include "ops/def.h"

namespace assay::audit {
namespace {

struct Activation {
  std::string_view type;
  double low, high;
};
constexpr Activation kActivations[] = {
    {"Sigmoid", 0, 1}, {"HardSigmoid", 0, 1}, {"Softmax", 0, 1}, {"Tanh", -1, 1}, {"Erf", -1, 1}, {"Softsign", -1, 1},
};

bool is_float_value(const ir::Value& value) {
  return value.type.is_tensor() && (ir::is_float(value.type.elem) || value.unstated);
}

ir::ElemType storage_of(const ir::Graph& graph, ir::ValueId id) {
  const ir::Value& value = graph.at(id);
  return value.storage == ir::ElemType::undefined ? value.type.elem : value.storage;
}

/// The operation that writes the value, not the rounding behind it.
const ir::Op* computing_op(const ir::Graph& resolved, ir::ValueId id) {
  const ir::OpId producer = resolved.at(id).producer;
  if (producer == ir::kNoOp) return nullptr;
  const ir::Op& op = resolved.ops[producer];
  if (op.domain != "assay" || op.type != "Round") return &op;
  const ir::OpId before = resolved.at(op.inputs[0]).producer;
  return before == ir::kNoOp ? &op : &resolved.ops[before];
}

class Narrowest {
 public:
  void add(const std::optional<num::Rounding>& rounding) {
    if (rounding) bits = std::min(bits, rounding->format.significand_bits + 1);
  }
  void add(ir::ElemType type) {
    if (const auto format = ir::elem_format(type)) bits = std::min(bits, num::format(*format).significand_bits + 1);
  }
  int bits = 53;
};

int precision_of(const ir::Op* op, ir::ValueId value, const ir::Graph& resolved) {
  Narrowest narrowest;
  narrowest.add(storage_of(resolved, value));
  if (const ir::OpId producer = resolved.at(value).producer; producer != ir::kNoOp)
    narrowest.add(resolved.ops[producer].policy.result);
  if (op == nullptr) return narrowest.bits;
  narrowest.add(op->policy.result);
  narrowest.add(op->policy.step);
  if (op->def != nullptr && op->def->numeric == ops::Numeric::contraction) {
    narrowest.add(op->policy.operand);
    narrowest.add(op->policy.accumulator.step);
    narrowest.add(op->policy.accumulator.product);
  }
  for (const ir::ValueId in : op->inputs) {
    if (in == ir::kNoValue || !ir::is_float(resolved.at(in).type.leaf())) continue;
    narrowest.add(storage_of(resolved, in));
    narrowest.add(resolved.at(in).rounding);
  }
  return narrowest.bits;
}

/// The limit of what the value may hold.
double limit_of(ir::ValueId value, const ir::Graph& resolved) {
  const ir::OpId producer = resolved.at(value).producer;
  if (producer != ir::kNoOp) {
    const auto& result = resolved.ops[producer].policy.result;
    if (result && result->limit > 0) return result->limit;
    if (result) return num::max_finite(result->format);
  }
  const auto format = ir::elem_format(storage_of(resolved, value));
  return format ? num::max_finite(num::format(*format)) : std::numeric_limits<double>::infinity();
}

std::optional<double> constant_scalar(const ir::Graph& graph, const ir::Op& op, size_t input) {
  if (!op.has_input(input)) return std::nullopt;
  const auto& constant = graph.at(op.inputs[input]).constant;
  if (!constant || constant->size() != 1 || !ir::is_float(constant->elem())) return std::nullopt;
  return constant->float_at(0);
}

/// Whether each addition of the operation's sums is rounded to a format of its own.
bool rounds_additions(const ir::Op& op) {
  if (op.def == nullptr) return false;
  switch (op.def->numeric) {
    case ops::Numeric::contraction:
      return op.policy.accumulator.step.has_value();
    case ops::Numeric::reduction:
    case ops::Numeric::composite:
      return op.policy.step.has_value() || (op.policy.sum && op.policy.sum->step);
    case ops::Numeric::exact:
    case ops::Numeric::elementwise:
    case ops::Numeric::convert:
      return false;
  }
  return false;
}

/// Known sizes multiplied from axis `begin` on; those that are not known count as 1.
uint64_t product_of(const ir::Type& type, size_t begin, size_t end) {
  uint64_t product = 1;
  for (size_t i = begin; type.ranked() && i < std::min(end, type.shape->size()); ++i)
    if ((*type.shape)[i].known()) product *= static_cast<uint64_t>(std::max<int64_t>(1, (*type.shape)[i].value));
  return product;
}

}  // namespace

uint64_t terms_of(const ir::Graph& model, const ir::Op& op) {
  if (op.def == nullptr || op.inputs.empty() || op.inputs[0] == ir::kNoValue) return 1;
  const ir::Type& first = model.at(op.inputs[0]).type;
  const size_t rank = first.ranked() ? first.shape->size() : 0;
  if (op.def->numeric == ops::Numeric::contraction) {
    if (op.type == "Conv" && op.has_input(1)) return product_of(model.at(op.inputs[1]).type, 1, SIZE_MAX);
    if (op.type == "Gemm" && op.attr_int("transA", 0) != 0) return product_of(first, 0, 1);
    return rank == 0 ? 1 : product_of(first, op.type == "ConvTranspose" ? 1 : rank - 1, rank);
  }
  if (op.def->numeric == ops::Numeric::composite) return rank == 0 ? 1 : product_of(first, rank - 1, rank);
  if (op.def->numeric != ops::Numeric::reduction || op.outputs[0] == ir::kNoValue) return 1;
  return std::max<uint64_t>(1, product_of(first, 0, SIZE_MAX) / product_of(model.at(op.outputs[0]).type, 0, SIZE_MAX));
}

std::vector<TraceRow> trace_rows(const ir::Graph& model) {
  std::vector<TraceRow> rows;
  std::vector<size_t> row_of(model.values.size(), SIZE_MAX);
  for (ir::OpId id = 0; id < model.ops.size(); ++id) {
    const ir::Op& op = model.ops[id];
    const auto is_traced = [&](ir::ValueId v) { return v != ir::kNoValue && is_float_value(model.at(v)); };
    const auto first = std::ranges::find_if(op.outputs, is_traced);
    if (first == op.outputs.end()) continue;
    TraceRow row{id, static_cast<size_t>(first - op.outputs.begin()), *first, {}};
    const auto reads = [&](ir::ValueId v) {
      if (v != ir::kNoValue && row_of[v] != SIZE_MAX) row.from.push_back(row_of[v]);
    };
    std::ranges::for_each(op.inputs, reads);
    std::ranges::for_each(ir::captured_by(op), reads);
    std::ranges::sort(row.from);
    row.from.erase(std::unique(row.from.begin(), row.from.end()), row.from.end());
    for (const ir::ValueId v : op.outputs)
      if (v != ir::kNoValue) row_of[v] = rows.size();
    rows.push_back(std::move(row));
  }
  return rows;
}

TraceOp describe_row(const TraceRow& row, const ir::Graph& model, const ir::Graph& resolved) {
  const ir::Op& op = model.ops[row.op];
  TraceOp out;
  out.id = row.op;
  out.name = model.at(row.value).name;
  out.node = op.name;
  out.type = op.domain.empty() ? op.type : op.domain + "." + op.type;
  out.from = row.from;
  out.storage = storage_of(resolved, row.value);
  out.precision = precision_of(computing_op(resolved, row.value), row.value, resolved);
  out.limit = limit_of(row.value, resolved);
  if (const ir::Op* computing = computing_op(resolved, row.value); computing != nullptr && rounds_additions(*computing))
    out.terms = terms_of(model, op);
  return out;
}

Ends ends_of(const TraceRow& row, const ir::Graph& model, const ir::Graph& resolved) {
  const ir::Op& op = model.ops[row.op];
  Ends ends;
  ends.limit = limit_of(row.value, resolved);
  if (const auto format = ir::elem_format(storage_of(resolved, row.value)))
    ends.subnormal = num::min_normal(num::format(*format));
  const auto* activation = std::ranges::find(kActivations, op.type, &Activation::type);
  if (op.domain.empty() && activation != std::end(kActivations))
    ends.low = activation->low, ends.high = activation->high;
  if (op.domain.empty() && op.type == "Clip") {
    if (const auto low = constant_scalar(model, op, 1)) ends.low = *low;
    if (const auto high = constant_scalar(model, op, 2)) ends.high = *high;
  }
  return ends;
}

}  // namespace assay::audit

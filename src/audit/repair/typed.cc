#include "audit/repair/typed.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "ops/def.h"
#include "passes/infer_shapes.h"

namespace assay::audit {
namespace {

using ir::ElemType;
using ir::kNoValue;
using ir::Op;
using ir::ValueId;

bool is_single(const ir::Value& value) {
  return value.type.kind == ir::Type::Kind::tensor && value.type.elem == ElemType::float32;
}

/// The row of an operand; null where the operator says nothing of it.
const ops::In* row_of(const Op& op, size_t input) {
  if (op.def == nullptr || op.def->in.empty()) return nullptr;
  const auto& in = op.def->in;
  if (input >= in.size() && (in.back().flags & ops::kVariadic) == 0) return nullptr;
  return &in[std::min(input, in.size() - 1)];
}

/// Whether an operand is of the type that the operator computes in. A scale of a grid is none where the operator takes
/// it in a type of its own. Clip's bounds are of the input's type in ONNX, though the row takes others too: rounding is
/// monotone, so that numbers of the narrow type between rounded bounds are the rounded numbers between the bounds.
bool follows(const Op& op, size_t input) {
  const ops::In* row = row_of(op, input);
  if (row == nullptr) return false;
  if (op.domain.empty() && op.type == "Clip") return true;
  const bool own_type = op.def->mixed || row->types.bits != op.def->in[0].types.bits;
  return (row->flags & ops::kExempt) == 0 || !own_type;
}

/// Operators of ai.onnx that the engine runs in 16 bits, but that no operator set takes so, or only those from 27 on,
/// which few runtimes read.
struct Missing {
  std::string_view name;
  bool float16;  ///< missing there too, not in bfloat16 alone
};
constexpr Missing kMissing[] = {
    {"Celu", true},    {"Compress", false},        {"Einsum", false},  {"OneHot", false},
    {"Range", true},   {"ReverseSequence", false}, {"Scatter", false}, {"Shrink", false},
    {"Unique", false}, {"Upsample", false},
};

bool is_missing(const Op& op, ElemType low) {
  return op.domain.empty() && std::ranges::any_of(kMissing, [&](const Missing& missing) {
           return missing.name == op.type && (missing.float16 || low == ElemType::bfloat16);
         });
}

bool can_be(const ir::Graph& graph, const Op& op, ElemType low) {
  if (op.def == nullptr || op.def->numeric == ops::Numeric::convert || ir::has_nested(op)) return false;
  if ((!op.domain.empty() && op.domain != "com.microsoft") || is_missing(op, low)) return false;
  const auto is_list = [&](ValueId v) { return v != kNoValue && !graph.at(v).type.is_tensor(); };
  if (std::ranges::any_of(op.inputs, is_list) || std::ranges::any_of(op.outputs, is_list)) return false;
  bool any = false;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (op.inputs[i] == kNoValue || !is_single(graph.at(op.inputs[i])) || !follows(op, i)) continue;
    if (!row_of(op, i)->types.has(low)) return false;
    any = true;
  }
  return any;
}

/// Who reads what a lowered operation writes: the others, in whatever type they compute; or a Cast to float32 alone, so
/// that a result of another type than was thought is no error of the operation that reads it.
enum class Readers : uint8_t { all, casts };

class Typer {
 public:
  Typer(const ir::Graph& model, const std::vector<bool>& lowered, ElemType low, Readers readers)
      : in_(model), lowered_(lowered), low_type_(low), readers_(readers), out_(model) {
    out_.ops.clear();
    low_.assign(model.values.size(), kNoValue);
    wide_.assign(model.values.size(), kNoValue);
    pinned_.assign(model.values.size(), false);
    for (const ValueId v : model.outputs) pinned_[v] = true;
    for (const ir::State& state : model.states) pinned_[state.after] = true;
    for (ValueId v = 0; v < model.values.size(); ++v)
      if (model.at(v).producer == ir::kNoOp) wide_[v] = v;
  }

  ir::Graph run() {
    for (size_t k = 0; k < in_.ops.size(); ++k) add(k);
    out_.relink();
    return std::move(out_);
  }
  /// What operations of the model write in the narrow type: operation, value.
  const std::vector<std::pair<size_t, ValueId>>& written() const { return written_; }

 private:
  void add(size_t k);
  ValueId as(ValueId v, bool low);
  ValueId low_constant(ValueId v);
  ValueId cast(ValueId from, ElemType to, ValueId into);
  void read_wide(Op& op);
  std::string suffix() const { return std::string("_").append(ir::elem_name(low_type_)); }

  const ir::Graph& in_;
  const std::vector<bool>& lowered_;
  ElemType low_type_;
  Readers readers_;
  ir::Graph out_;
  std::vector<ValueId> low_, wide_;  ///< of each value of the model; kNoValue: not there yet
  std::vector<bool> pinned_;         ///< keeps its name and type: an output
  std::vector<std::pair<size_t, ValueId>> written_;
};

ValueId Typer::cast(ValueId from, ElemType to, ValueId into) {
  if (into == kNoValue) {
    ir::Type type = out_.at(from).type;
    type.elem = to;
    into = out_.add_value(out_.fresh_name(std::string(out_.at(from).name).append("_").append(ir::elem_name(to))), type);
  }
  Op op{.domain = "", .type = "Cast", .name = out_.fresh_name("cast_" + out_.at(into).name)};
  op.inputs = {from};
  op.outputs = {into};
  op.set_attr("to", static_cast<int64_t>(to));
  op.def = ops::find_op("", "Cast");
  out_.add_op(std::move(op));
  return into;
}

ValueId Typer::low_constant(ValueId v) {
  const ir::Tensor& wide = *in_.at(v).constant;
  ir::Tensor low = ir::Tensor::allocate(low_type_, wide.dims());
  for (int64_t i = 0; i < wide.size(); ++i) low.set_float(i, wide.float_at(i));
  return out_.add_constant(out_.fresh_name(in_.at(v).name + suffix()), std::move(low));
}

/// A value of the model in one of the two types; a Cast is made where it is first asked for.
ValueId Typer::as(ValueId v, bool low) {
  ValueId& wanted = low ? low_[v] : wide_[v];
  if (wanted != kNoValue) return wanted;
  if (low && in_.at(v).constant && in_.at(v).producer == ir::kNoOp) return wanted = low_constant(v);
  const ValueId from = low ? wide_[v] : low_[v];
  return wanted = cast(from, low ? low_type_ : ElemType::float32, kNoValue);
}

/// Graphs nested in an operation read the values around it as they are declared.
void Typer::read_wide(Op& op) {
  for (ir::Attr& attr : op.attrs) {
    auto* nested = std::get_if<std::shared_ptr<ir::Graph>>(&attr.value);
    if (nested == nullptr || !*nested) continue;
    auto copy = std::make_shared<ir::Graph>(**nested);
    for (auto& [inside, outside] : copy->captures)
      if (is_single(in_.at(outside))) outside = as(outside, false);
    *nested = std::move(copy);
  }
}

void Typer::add(size_t k) {
  const Op& old = in_.ops[k];
  Op op = old;
  const bool low = lowered_[k];
  for (size_t i = 0; i < op.inputs.size(); ++i)
    if (op.inputs[i] != kNoValue && is_single(in_.at(op.inputs[i])))
      op.inputs[i] = as(op.inputs[i], low && follows(old, i));
  read_wide(op);
  std::vector<std::pair<ValueId, ValueId>> back;  // outputs of the model: what is computed, and what is given
  for (ValueId& v : op.outputs) {
    if (v == kNoValue || !is_single(in_.at(v))) continue;
    if (!low) {
      wide_[v] = v;
      continue;
    }
    const ValueId original = v;
    if (pinned_[v]) {
      ir::Type type = in_.at(v).type;
      type.elem = low_type_;
      v = out_.add_value(out_.fresh_name(in_.at(v).name + suffix()), type);
      back.emplace_back(v, original);
      wide_[original] = original;
    } else {
      out_.at(v).type.elem = low_type_;
      out_.at(v).unstated = false;
    }
    low_[original] = v;
    written_.emplace_back(k, v);
  }
  out_.add_op(std::move(op));
  for (const auto& [computed, given] : back) cast(computed, ElemType::float32, given);
  if (!low || readers_ == Readers::all) return;
  for (const ValueId v : old.outputs) {
    if (v == kNoValue || !is_single(in_.at(v))) continue;
    as(v, false);
    low_[v] = kNoValue;
  }
}

struct Typed {
  ir::Graph graph;
  std::vector<size_t> others;  ///< operations with a result that is float32 whatever their operands are
};

Result<Typed> type_graph(const ir::Graph& model, const std::vector<bool>& lowered, ElemType low, Readers readers) {
  Typer typer(model, lowered, low, readers);
  Typed typed{typer.run(), {}};
  ASSAY_CHECK(passes::infer_shapes(typed.graph));
  for (const auto& [op, value] : typer.written())
    if (typed.graph.at(value).type.elem != low) typed.others.push_back(op);
  return typed;
}

}  // namespace

Result<ir::Graph> typed_graph(const ir::Graph& model, const std::vector<bool>& lowered, ElemType low) {
  ASSAY_TRY(Typed typed, type_graph(model, lowered, low, Readers::all));
  if (!typed.others.empty())
    return Error{Code::not_expressible,
                 model.describe(model.ops[typed.others.front()]) + " has a float32 result whatever its operands are",
                 model.name, "keep it in float32"};
  return std::move(typed.graph);
}

Result<std::vector<bool>> lowerable(const ir::Graph& model, ElemType low) {
  std::vector<bool> can(model.ops.size());
  for (size_t k = 0; k < model.ops.size(); ++k) can[k] = can_be(model, model.ops[k], low);
  ASSAY_TRY(const Typed typed, type_graph(model, can, low, Readers::casts));
  for (const size_t op : typed.others) can[op] = false;
  return can;
}

}  // namespace assay::audit

#include "passes/resolve.h"

#include <algorithm>
#include <string>

#include "ops/def.h"
#include "passes/layers.h"

namespace assay::passes {
namespace {

using ir::ElemType;
using ir::Graph;
using ir::kNoValue;
using ir::Op;
using ir::Value;
using ir::ValueId;

std::string_view numeric_name(ops::Numeric numeric) {
  switch (numeric) {
    case ops::Numeric::exact:
      return "exact";
    case ops::Numeric::elementwise:
      return "elementwise";
    case ops::Numeric::contraction:
      return "contraction";
    case ops::Numeric::reduction:
      return "reduction";
    case ops::Numeric::composite:
      return "composite";
    case ops::Numeric::convert:
      return "convert";
  }
  return "exact";
}

bool is_exempt(const Op& op, size_t input) {
  if (op.def == nullptr || op.def->in.empty()) return false;
  const auto& in = op.def->in;
  const ops::In& row = in[std::min(input, in.size() - 1)];
  if (input >= in.size() && (row.flags & ops::kVariadic) == 0) return false;
  return (row.flags & ops::kExempt) != 0;
}

bool is_exact(const Op& op) { return op.def == nullptr || op.def->numeric == ops::Numeric::exact; }

const std::shared_ptr<Graph>* nested_graph(const ir::Attr& attr) {
  const auto* graph = std::get_if<std::shared_ptr<Graph>>(&attr.value);
  return graph != nullptr && *graph ? graph : nullptr;
}

const Placement* placement_of(const Placement* around, const Graph* nested) {
  if (around == nullptr) return nullptr;
  const auto found = around->nested.find(nested);
  return found == around->nested.end() ? nullptr : &found->second;
}

/// Whether a product has two or more rows and columns; unknown sizes count as many.
bool is_matrix(const Graph& graph, const Op& op) {
  if (!op.has_input(0) || !op.has_input(1)) return true;
  const ir::Type &a = graph.at(op.inputs[0]).type, &b = graph.at(op.inputs[1]).type;
  if (!a.ranked() || !b.ranked() || (op.type != "MatMul" && op.type != "Gemm")) return true;
  const auto &left = *a.shape, &right = *b.shape;
  if (left.size() < 2 || right.size() < 2) return false;
  const bool gemm = op.type == "Gemm";
  const ir::Dim& m = gemm && op.attr_int("transA", 0) != 0 ? left.back() : left[left.size() - 2];
  const ir::Dim& n = gemm && op.attr_int("transB", 0) != 0 ? right[right.size() - 2] : right.back();
  return m.value != 1 && n.value != 1;
}

ElemType declared_type(const Graph& graph, const Op& op) {
  return op.outputs.empty() || op.outputs[0] == kNoValue ? ElemType::undefined : graph.at(op.outputs[0]).type.leaf();
}

ElemType first_float(const Graph& graph, const std::vector<ValueId>& values) {
  for (const ValueId id : values)
    if (id != kNoValue && ir::is_float(graph.at(id).type.leaf())) return graph.at(id).type.leaf();
  return ElemType::undefined;
}

/// The type of what an operation computes: that of its first result. Labels and codes are no result of arithmetic: of
/// the first result that is a float, or of the first operand where there is none, though nothing is stored as it then.
ElemType computed_type(const Graph& graph, const Op& op) {
  const ElemType declared = declared_type(graph, op);
  if (ir::is_float(declared) || declared == ElemType::undefined || is_exact(op) || op.type == "Cast") return declared;
  ElemType found = first_float(graph, op.outputs);
  if (found == ElemType::undefined) found = first_float(graph, op.inputs);
  return found == ElemType::undefined ? declared : found;
}

num::Policy policy_of(const profiles::Profile& profile, size_t variant, const Graph& graph, const Op& op) {
  num::Policy policy =
      profiles::policy_for(profile, variant,
                           {.domain = op.domain,
                            .op = op.type,
                            .numeric = numeric_name(op.def != nullptr ? op.def->numeric : ops::Numeric::exact),
                            .declared = computed_type(graph, op),
                            .matrix = is_matrix(graph, op)});
  const ElemType declared = declared_type(graph, op);
  if (declared != ElemType::undefined && first_float(graph, op.outputs) == ElemType::undefined) policy.result.reset();
  return policy;
}

/// What one value becomes: the value as operations read it, and as exempt inputs read it.
struct Views {
  ValueId stored = kNoValue;
  ValueId raw = kNoValue;   ///< same as `stored` when rounding changes nothing or nobody reads it raw
  ValueId left = kNoValue;  ///< as operations outside its partition read it
};

/// What a nested graph captures: its own name for it, and what it is in the graph around.
struct Captured {
  ValueId local;
  Views outer;
};
struct Surroundings {
  const Graph& out;  ///< the graph around, as far as it is resolved
  std::vector<Captured> captured;
};

class Resolver {
 public:
  Resolver(const profiles::Profile& profile, size_t variant, const Outside* outside)
      : profile_(profile),
        variant_(variant),
        outside_(outside),
        storage_(profile.variants[variant].storage),
        widens_(profile.variants[variant].widens) {}

  /// `around` is null for the main graph; `placement` where all of the graph runs on one side: under the profile, or
  /// outside where there is such a thing.
  Graph run(const Graph& in, const Placement* placement, const Surroundings* around);

 private:
  struct Scope {
    const Graph& in;
    Graph& out;
    std::vector<Views> views;
    std::vector<bool> read_raw, read_stored, read_left;
    std::vector<bool> computed;  ///< inside a layer that computes with it
    std::vector<bool> wide;      ///< so far: kept as it was computed
    const Placement* placement;
  };
  struct Reads {
    std::vector<bool> raw, stored, left;
  };

  bool is_outside(const Placement* placement, size_t op) const {
    return outside_ != nullptr && (placement == nullptr || !placement->takes(op));
  }
  int partition_of_op(const Placement* placement, size_t op) const {
    return is_outside(placement, op) || placement == nullptr ? kOutside : placement->partition[op];
  }
  /// The partition that computes a value; kOutside for what the caller, a constant or an operation outside gives.
  int partition_of(const Graph& graph, const Placement* placement, ValueId id) const;
  void read(const Graph& graph, const Placement* placement, ValueId id, int reader, bool exempt, Reads& reads) const;
  Reads find_reads(const Graph& graph, const Placement* placement, bool main) const;
  ValueId left_view(const Scope& s, ValueId id) const;
  ElemType stored_type(const ir::Type& type) const;
  std::string copy_name(const Scope& s, const std::string& name, std::string_view suffix) const;
  ValueId add_copy(Scope& s, ValueId of, std::string_view suffix, ElemType storage) const;
  void add_round(Scope& s, ValueId from, ValueId to, const std::optional<num::Rounding>& rounding,
                 const Op* of = nullptr) const;
  void resolve_constant(Scope& s, ValueId id) const;
  ValueId stored_parameter(Scope& s, ValueId id) const;
  void resolve_input(Scope& s, ValueId id) const;
  bool moves_wide(const Scope& s, const Op& op) const;
  bool reads_raw(const Scope& s, const Op& op, size_t input) const;
  void resolve_operands(Scope& s, const Op& op, Op& out) const;
  bool keep_wide(Scope& s, const Op& op, const num::Policy& policy) const;
  void cross_in(Scope& s, ValueId id) const;
  void cross_out(Scope& s, ValueId id) const;
  void resolve_outside(Scope& s, const Op& op);
  void resolve_op(Scope& s, const Op& op);
  void resolve_captures(Scope& s, const Surroundings& around) const;
  void resolve_outputs(Scope& s) const;
  void divide_by_reciprocal(Scope& s, Op& op) const;
  static void compute_as_written(Op& op);
  void resolve_nested(Scope& s, Op& op, int partition);
  Resolver all_under_profile() const { return {profile_, variant_, nullptr}; }

  const profiles::Profile& profile_;
  size_t variant_;
  const Outside* outside_;  ///< null: all of the graph runs under the profile
  const profiles::Storage& storage_;
  bool widens_;  ///< values declared float16 are stored in float32
};

int Resolver::partition_of(const Graph& graph, const Placement* placement, ValueId id) const {
  const ir::OpId producer = graph.at(id).producer;
  if (outside_ == nullptr || placement == nullptr || producer == ir::kNoOp) return kOutside;
  return placement->partition[producer];
}

/// One read of a value by an operation of partition `reader`.
void Resolver::read(const Graph& graph, const Placement* placement, ValueId id, int reader, bool exempt,
                    Reads& reads) const {
  const int from = partition_of(graph, placement, id);
  if (outside_ == nullptr) {
    (exempt ? reads.raw : reads.stored)[id] = true;
  } else if (reader == kOutside) {
    (from == kOutside ? reads.raw : reads.left)[id] = true;
  } else {
    (exempt && (from == kOutside || from == reader) ? reads.raw : reads.stored)[id] = true;
  }
}

/// Who reads which value: as it is stored, as an exempt parameter, or outside of its partition; nested graphs read what
/// they capture.
Resolver::Reads Resolver::find_reads(const Graph& graph, const Placement* placement, bool main) const {
  const size_t n = graph.values.size();
  Reads reads{std::vector<bool>(n), std::vector<bool>(n), std::vector<bool>(n)};
  for (const ValueId id : graph.outputs) {
    if (main && partition_of(graph, placement, id) != kOutside)
      reads.stored[id] = true;
    else
      read(graph, placement, id, kOutside, false, reads);
  }
  for (const ir::State& state : graph.states) reads.stored[state.after] = true;  // kept as it is stored
  for (size_t k = 0; k < graph.ops.size(); ++k) {
    const Op& op = graph.ops[k];
    const int reader = partition_of_op(placement, k);
    for (size_t i = 0; i < op.inputs.size(); ++i)
      if (op.inputs[i] != kNoValue) read(graph, placement, op.inputs[i], reader, is_exempt(op, i), reads);
    for (const ir::Attr& attr : op.attrs) {
      const auto* nested = nested_graph(attr);
      if (nested == nullptr) continue;
      if (reader != kOutside) {
        const Reads inner = all_under_profile().find_reads(**nested, nullptr, false);
        for (const auto& [local, outer] : (*nested)->captures) {
          if (inner.raw[local]) read(graph, placement, outer, reader, true, reads);
          if (inner.stored[local]) read(graph, placement, outer, reader, false, reads);
        }
        continue;
      }
      const Reads inner = find_reads(**nested, placement_of(placement, nested->get()), false);
      for (const auto& [local, outer] : (*nested)->captures) {
        const bool leaves = partition_of(graph, placement, outer) != kOutside;
        if (inner.raw[local]) (leaves ? reads.left : reads.raw)[outer] = true;
        if (inner.stored[local]) reads.stored[outer] = true;
      }
    }
  }
  return reads;
}

ElemType Resolver::stored_type(const ir::Type& type) const {
  const ElemType leaf = type.leaf();
  if (widens_ && leaf == ElemType::float16) return ElemType::float32;
  return leaf == ElemType::float32 ? storage_.type : leaf;
}

std::string Resolver::copy_name(const Scope& s, const std::string& name, std::string_view suffix) const {
  const std::string wanted = name + "@" + std::string(suffix);
  return s.in.find(wanted) || s.out.find(wanted) ? s.out.fresh_name(wanted) : wanted;
}

ValueId Resolver::add_copy(Scope& s, ValueId of, std::string_view suffix, ElemType storage) const {
  const ValueId id = s.out.add_value(copy_name(s, s.out.at(of).name, suffix), s.out.at(of).type);
  s.out.at(id).storage = storage;
  return id;
}

void Resolver::add_round(Scope& s, ValueId from, ValueId to, const std::optional<num::Rounding>& rounding,
                         const Op* of) const {
  Op op;
  if (of != nullptr && !of->origin.empty()) op.name = of->name, op.origin = of->origin;
  op.domain = "assay";
  op.type = "Round";
  op.inputs = {from};
  op.outputs = {to};
  op.def = ops::find_op(op.domain, op.type);
  op.policy.result = rounding;
  if (s.out.at(to).storage == ElemType::float64) op.policy.compute = num::FormatId::float64;
  s.out.add_op(std::move(op));
}

void Resolver::resolve_constant(Scope& s, ValueId id) const {
  Value& value = s.out.at(id);
  const bool plain = value.type.leaf() != ElemType::float32 || value.parameter;
  const bool widened = widens_ && value.type.elem == ElemType::float16;
  value.storage = !plain ? storage_.type : widened ? ElemType::float32 : value.type.elem;
  if (!plain) value.rounding = storage_.weights;
  const bool changed = value.storage != value.type.elem || value.rounding;
  if (!changed || !s.read_raw[id]) return;
  if (!s.read_stored[id]) {
    value.storage = value.type.elem;
    value.rounding.reset();
    return;
  }
  const auto constant = value.constant;
  const ValueId raw = add_copy(s, id, "raw", ElemType::float32);
  s.out.at(raw).constant = constant;
  s.views[id].raw = raw;
}

/// What was an attribute is never rounded by itself; but data movement (Pad) puts it among stored values, which rounds
/// it, and such kernels want one type on both sides.
ValueId Resolver::stored_parameter(Scope& s, ValueId id) const {
  Views& views = s.views[id];
  const Value& value = s.out.at(id);
  if (!value.parameter || value.storage == storage_.type || value.type.leaf() != ElemType::float32) return views.stored;
  if (views.raw == views.stored) {
    const auto constant = value.constant;
    views.stored = add_copy(s, id, ir::elem_name(storage_.type), storage_.type);
    s.out.at(views.stored).constant = constant;
    s.out.at(views.stored).rounding = storage_.weights;
  }
  return views.stored;
}

void Resolver::resolve_input(Scope& s, ValueId id) const {
  Value& value = s.out.at(id);
  value.storage = value.type.leaf();
  cross_in(s, id);
}

/// A value in its declared type, as operations under the profile read it.
void Resolver::cross_in(Scope& s, ValueId id) const {
  const Value& value = s.out.at(id);
  const bool rounded = value.storage == ElemType::float32 && (storage_.type != ElemType::float32 || storage_.inputs);
  if (!rounded || !s.read_stored[id]) return;
  const ValueId stored = add_copy(s, id, ir::elem_name(storage_.type), storage_.type);
  add_round(s, id, stored, storage_.inputs);
  s.views[id] = {stored, id, id};
}

/// A value of a partition, as operations outside read it: in its declared type.
void Resolver::cross_out(Scope& s, ValueId id) const {
  const ValueId stored = s.views[id].stored;
  const Value& value = s.out.at(stored);
  const ElemType declared = value.type.leaf();
  s.views[id].left = stored;
  if (!s.read_left[id] || value.storage == declared) return;
  const ValueId left = add_copy(s, stored, ir::elem_name(declared), declared);
  add_round(s, stored, left, std::nullopt);
  s.views[id].left = left;
}

ValueId Resolver::left_view(const Scope& s, ValueId id) const {
  return partition_of(s.in, s.placement, id) == kOutside ? s.views[id].raw : s.views[id].left;
}

/// `partition`: of the operation. Graphs in an operation of a partition run where it does, all of them.
void Resolver::resolve_nested(Scope& s, Op& op, int partition) {
  const bool inside = outside_ == nullptr || partition != kOutside;
  for (ir::Attr& attr : op.attrs) {
    const auto* nested = nested_graph(attr);
    if (nested == nullptr) continue;
    Surroundings around{s.out, {}};
    for (const auto& [local, outer] : (*nested)->captures) {
      Views views = s.views[outer];
      const int from = partition_of(s.in, s.placement, outer);
      if (!inside) views.raw = left_view(s, outer);
      if (inside && from != kOutside && from != partition) views.raw = views.stored;
      around.captured.push_back({local, views});
    }
    attr.value = std::make_shared<Graph>(inside ? all_under_profile().run(**nested, nullptr, &around)
                                                : run(**nested, placement_of(s.placement, nested->get()), &around));
  }
}

/// x / c becomes x * r with r = 1 / c, rounded as the operation rounds its results.
void Resolver::divide_by_reciprocal(Scope& s, Op& op) const {
  if (op.type != "Div" || !op.domain.empty() || !op.policy.result || !op.has_input(1)) return;
  const Value& divisor = s.out.at(op.inputs[1]);
  const ops::OpDef* product = ops::find_op("", "Mul");
  if (!divisor.constant || divisor.constant->elem() != ElemType::float32 || product == nullptr) return;
  const auto& rounding = divisor.rounding;
  ir::Tensor reciprocals = ir::Tensor::allocate(ElemType::float32, divisor.constant->dims());
  for (int64_t i = 0; i < reciprocals.size(); ++i) {
    const double c = divisor.constant->float_at(i);
    reciprocals.set_float(i, num::round(1 / (rounding ? num::round(c, *rounding) : c), *op.policy.result));
  }
  const ir::ElemType storage = divisor.storage;
  const ValueId id = s.out.add_constant(copy_name(s, divisor.name, "reciprocal"), std::move(reciprocals));
  s.out.at(id).storage = storage;
  op.inputs[1] = id;
  op.type = product->name;
  op.def = product;
}

void Resolver::compute_as_written(Op& op) {
  if (op.domain != "coreml" || op.type != "Softplus") return;
  op.domain.clear();
  op.def = ops::find_op(op.domain, op.type);
}

/// Whether the operation moves what its layer keeps as it was computed; then all that it moves is.
bool Resolver::moves_wide(const Scope& s, const Op& op) const {
  return moves_floats(s.in, op) &&
         std::ranges::any_of(op.inputs, [&](ValueId id) { return id != kNoValue && s.wide[id]; });
}

/// Of another partition there is nothing but what is stored.
bool Resolver::reads_raw(const Scope& s, const Op& op, size_t input) const {
  if (!is_exempt(op, input)) return false;
  if (outside_ == nullptr) return true;
  const int from = partition_of(s.in, s.placement, op.inputs[input]);
  return from == kOutside || from == s.placement->partition[static_cast<size_t>(&op - s.in.ops.data())];
}

void Resolver::resolve_operands(Scope& s, const Op& op, Op& out) const {
  const bool wide = moves_wide(s, op), moves = moves_floats(s.in, op);
  for (size_t i = 0; i < out.inputs.size(); ++i) {
    if (out.inputs[i] == kNoValue) continue;
    const ValueId id = op.inputs[i];
    const bool raw = reads_raw(s, op, i) || (s.in.at(id).parameter && (!moves || wide));
    out.inputs[i] = raw ? s.views[id].raw : stored_parameter(s, id);
    const Value& value = s.out.at(out.inputs[i]);
    if (!wide || !ir::is_float(value.type.elem) || value.storage == ElemType::float32) continue;
    const ValueId widened = add_copy(s, out.inputs[i], "float32", ElemType::float32);
    add_round(s, out.inputs[i], widened, std::nullopt, &op);
    out.inputs[i] = widened;
  }
}

/// Results that the operation's layer computes with are kept as they are computed, where its arithmetic is wider than
/// what is stored; whether there are such. A type that a Cast goes to is the value's own.
bool Resolver::keep_wide(Scope& s, const Op& op, const num::Policy& policy) const {
  const bool moves = moves_floats(s.in, op);
  if (moves ? !moves_wide(s, op) : policy.step.has_value()) return false;
  bool any = false;
  for (const ValueId id : op.outputs) {
    if (id == kNoValue || !s.computed[id] || s.out.at(id).storage == ElemType::float64) continue;
    const bool cast = op.def != nullptr && op.def->numeric == ops::Numeric::convert;
    if (cast && s.in.at(id).type.elem == ElemType::float16) continue;
    s.out.at(id).storage = ElemType::float32;
    s.wide[id] = any = true;
  }
  return any;
}

void Resolver::resolve_outside(Scope& s, const Op& op) {
  Op out = op;
  for (ValueId& id : out.inputs)
    if (id != kNoValue) id = left_view(s, id);
  resolve_nested(s, out, kOutside);
  out.policy = policy_of(outside_->profile, 0, s.in, op);
  s.out.add_op(std::move(out));
  for (const ValueId id : op.outputs)
    if (id != kNoValue) cross_in(s, id);
}

void Resolver::resolve_op(Scope& s, const Op& op) {
  Op out = op;
  resolve_operands(s, op, out);
  resolve_nested(s, out, partition_of_op(s.placement, static_cast<size_t>(&op - s.in.ops.data())));
  const ElemType declared = declared_type(s.in, op);
  out.policy = policy_of(profile_, variant_, s.in, op);
  if (widens_ && op.type == "Cast" && declared == ElemType::float16 && op.has_input(0) &&
      s.in.at(op.inputs[0]).producer == ir::kNoOp)
    out.policy.result = num::Rounding{.format = num::format(num::FormatId::float16)};  // inputs are float16 buffers
  if (out.policy.divide_by_reciprocal) divide_by_reciprocal(s, out);
  if (out.policy.plain_softplus) compute_as_written(out);
  const bool keeps = keep_wide(s, op, out.policy), wide = keeps || moves_wide(s, op);
  // Rounding what is rounded already changes nothing, so only operations that compute are split for a raw reader.
  std::vector<std::pair<ValueId, ValueId>> splits;
  for (ValueId& id : out.outputs) {
    if (id == kNoValue || s.wide[id]) continue;
    const Value& value = s.out.at(id);
    const ElemType leaf = value.type.leaf();
    const bool changes = value.storage != ElemType::float32 || out.policy.result.has_value();
    const bool read_raw = leaf == ElemType::float32 && s.read_raw[id] && !is_exact(op);
    const bool beside_wide = wide && (leaf == ElemType::float32 || leaf == ElemType::float16);
    if (!changes || !(read_raw || beside_wide)) continue;
    const ValueId raw = add_copy(s, id, "raw", ElemType::float32);
    splits.emplace_back(raw, id);
    s.views[id].raw = raw;
    id = raw;
  }
  const auto result = out.policy.result;
  if (keeps || !splits.empty()) out.policy.result.reset();
  s.out.add_op(std::move(out));
  for (const auto& [raw, stored] : splits) add_round(s, raw, stored, result, &op);
}

/// The caller of the main graph gets declared types. The value that operations read keeps its storage under a name of
/// its own, and the output's name goes to what the caller gets.
void Resolver::resolve_outputs(Scope& s) const {
  for (ValueId& id : s.out.outputs) {
    const bool inside = outside_ == nullptr || partition_of(s.in, s.placement, id) != kOutside;
    id = inside ? s.views[id].stored : s.views[id].raw;
    const Value& value = s.out.at(id);
    const bool narrow = value.type.leaf() == ElemType::float32 && value.storage != ElemType::float32 &&
                        value.storage != ElemType::float64;
    const bool wide_half = value.type.leaf() == ElemType::float16 && value.storage == ElemType::float32;
    if (!(narrow || wide_half)) continue;
    const ElemType storage = value.storage, declared = value.type.leaf();  // `value` moves when values are added
    const std::string name = s.in.outputs[static_cast<size_t>(&id - s.out.outputs.data())] == id ? value.name : "";
    const ValueId wide = add_copy(s, id, "output", declared);
    if (!name.empty()) {
      const std::string inner = copy_name(s, name, ir::elem_name(storage));
      s.out.at(id).name = inner;
      s.out.at(wide).name = name;
    }
    add_round(s, id, wide, std::nullopt);
    id = wide;
  }
}

/// A capture is what it is around: as stored there and, for those who read it so, before it was rounded.
void Resolver::resolve_captures(Scope& s, const Surroundings& around) const {
  const auto bind = [&](ValueId local, ValueId outer) {
    s.out.captures.emplace_back(local, outer);
    s.out.at(local).storage = around.out.at(outer).storage;
    s.out.at(local).rounding = around.out.at(outer).rounding;
  };
  for (const auto& [local, outer] : around.captured) {
    bind(local, outer.stored);
    if (outer.raw == outer.stored || !s.read_raw[local]) continue;
    const ValueId raw = add_copy(s, local, "raw", ElemType::float32);
    s.out.at(raw).constant = s.in.at(local).constant;
    s.out.at(raw).parameter = s.in.at(local).parameter;
    bind(raw, outer.raw);
    s.views[local].raw = raw;
  }
}

Graph Resolver::run(const Graph& in, const Placement* placement, const Surroundings* around) {
  Graph out = in;
  out.ops.clear();
  out.captures.clear();
  const size_t n = in.values.size();
  Reads reads = find_reads(in, placement, around == nullptr);
  Scope s{in,
          out,
          std::vector<Views>(n),
          std::move(reads.raw),
          std::move(reads.stored),
          std::move(reads.left),
          computed_with_inside(in),
          std::vector<bool>(n),
          placement};
  for (ValueId id = 0; id < in.values.size(); ++id) {
    s.views[id] = {id, id, id};
    out.at(id).producer = ir::kNoOp;
    if (in.at(id).unstated) out.at(id).type.elem = ElemType::float32;
    out.at(id).unstated = false;
    const bool inside = outside_ == nullptr || partition_of(in, placement, id) != kOutside;
    out.at(id).storage = inside ? stored_type(out.at(id).type) : out.at(id).type.leaf();
  }
  std::vector<bool> captured(in.values.size());
  for (const auto& [local, outer] : in.captures) captured[local] = true;
  for (ValueId id = 0; id < in.values.size(); ++id)
    if (in.at(id).constant && !captured[id]) resolve_constant(s, id);
  if (around) resolve_captures(s, *around);
  // What graphs inside operations are given is the caller's where those operations are outside.
  if (around == nullptr || outside_ != nullptr)
    for (const ValueId id : in.inputs) resolve_input(s, id);
  for (size_t k = 0; k < in.ops.size(); ++k) {
    if (is_outside(placement, k)) {
      resolve_outside(s, in.ops[k]);
      continue;
    }
    resolve_op(s, in.ops[k]);
    if (outside_ == nullptr) continue;
    for (const ValueId id : in.ops[k].outputs)
      if (id != kNoValue) cross_out(s, id);
  }
  for (ir::State& state : out.states) state.after = stored_parameter(s, state.after);
  if (!around) {
    resolve_outputs(s);
  } else {
    for (ValueId& id : out.outputs) id = outside_ != nullptr ? left_view(s, id) : stored_parameter(s, id);
  }
  out.resolved = true;
  return out;
}

}  // namespace

Result<Graph> resolve(const Graph& graph, const profiles::Profile& profile, size_t variant) {
  if (variant >= profile.variants.size())
    return Error{Code::internal, "profile " + profile.name + " has no variant " + std::to_string(variant)};
  return Resolver(profile, variant, nullptr).run(graph, nullptr, nullptr);
}

Result<Graph> resolve(const Graph& graph, const profiles::Profile& profile, size_t variant, const Outside& outside) {
  if (variant >= profile.variants.size())
    return Error{Code::internal, "profile " + profile.name + " has no variant " + std::to_string(variant)};
  return Resolver(profile, variant, &outside).run(graph, &outside.placement, nullptr);
}

}  // namespace assay::passes

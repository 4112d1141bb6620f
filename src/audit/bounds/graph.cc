#include <algorithm>

#include "audit/bounds/bounds.h"
#include "audit/bounds/rules.h"
#include "ops/def.h"

namespace assay::audit {
namespace {
using ir::kNoValue;
using ir::ValueId;

class Analysis {
 public:
  explicit Analysis(const ir::Graph& graph) : graph_(graph), bounds_(graph.values.size()) {}

  BoundGraph run() {
    for (const ValueId id : graph_.inputs) add_input(id);
    for (const ir::Op& op : graph_.ops) add(op);
    finish();
    return std::move(out_);
  }

 private:
  void add_input(ValueId id) {
    const ir::Value& value = graph_.at(id);
    const ValueId own = b_.graph.add_value(value.name, value.type);
    b_.graph.at(own).storage = value.type.elem;
    b_.graph.inputs.push_back(own);
    Bound& bound = bounds_[id];
    bound.raw = own;
    bound.is_float = ir::is_float(value.type.leaf());
    if (!value.type.is_tensor()) {
      bound.stopped = true;
      return;
    }
    bound.centre = bound.is_float ? b_.to_float64(own) : own;
    set_lattice(bound, value.type.elem);
  }

  static void set_lattice(Bound& bound, ir::ElemType storage) {
    const auto format = ir::elem_format(storage);
    if (format && *format != num::FormatId::float32 && *format != num::FormatId::float64)
      bound.lattice = num::Rounding{.format = num::format(*format)};
  }

  // A constant as the program's operations read it: rounded, in its storage.
  Bound constant(const ir::Value& value) {
    Bound bound;
    const ir::Tensor& source = *value.constant;
    bound.is_float = ir::is_float(source.elem());
    bound.raw = b_.graph.add_constant(b_.graph.fresh_name("w"), source);
    b_.graph.at(bound.raw).storage = source.elem();
    bound.centre = bound.raw;
    if (!bound.is_float) return bound;
    ir::Tensor wide = ir::Tensor::allocate(ir::ElemType::float64, source.dims());
    auto* to = wide.mutable_data<double>();
    const auto format = ir::elem_format(value.storage);
    const bool narrow = format && ir::elem_bits(value.storage) < ir::elem_bits(source.elem());
    for (int64_t i = 0; i < source.size(); ++i) {
      double x = source.float_at(i);
      if (value.rounding) x = num::round(x, *value.rounding);
      if (narrow) x = num::round(x, num::Rounding{.format = num::format(*format)});
      to[i] = x;
    }
    bound.centre = b_.graph.add_constant(b_.graph.fresh_name("w"), std::move(wide));
    b_.graph.at(bound.centre).storage = ir::ElemType::float64;
    bound.lattice = value.rounding;
    if (!bound.lattice) set_lattice(bound, value.storage);
    return bound;
  }

  Bound read(ValueId id) {
    if (id == kNoValue) return {};
    Bound& bound = bounds_[id];
    if (bound.centre == kNoValue && !bound.stopped) {
      const ir::Value& value = graph_.at(id);
      if (value.constant) {
        bound = constant(value);
      } else {
        bound.stopped = true;  // a state, or what an operation without a bound gave
      }
    }
    return bound;
  }

  void stop(const ir::Op& op, const std::string& why) {
    for (const ValueId id : op.outputs)
      if (id != kNoValue) bounds_[id].stopped = true;
    if (!why.empty()) out_.stops.emplace_back(graph_.describe(op), why);
  }

  // Rounding of an input: its exact result is known.
  bool round_exactly(const ir::Op& op) {
    if (op.domain != "assay" || op.type != "Round") return false;
    const Bound from = read(op.inputs[0]);
    if (from.stopped || from.raw == kNoValue || from.radius != kNoValue) return false;
    if (b_.graph.at(from.raw).type.elem != ir::ElemType::float32) return false;
    const ir::Value& value = graph_.at(op.outputs[0]);
    ir::Op same = op;
    same.inputs = {from.raw};
    const ValueId own = b_.graph.add_value(b_.graph.fresh_name("r"), value.type);
    b_.graph.at(own).storage = value.storage;
    same.outputs = {own};
    b_.graph.add_op(std::move(same));
    Bound& bound = bounds_[op.outputs[0]];
    bound.raw = own;
    bound.centre = b_.to_float64(own);
    bound.lattice = stored_rounding(op.policy, value.storage);
    return true;
  }

  // What reads nothing that was rounded, and rounds nothing itself, is what it is.
  bool exact(const ir::Op& op, const std::vector<Bound>& in) {
    if (ir::has_nested(op) || op.def == nullptr || op.def->eval == nullptr) return false;
    std::vector<ValueId> inputs;
    bool whole = true;  // integers and booleans alone: exact whatever is done
    for (const Bound& bound : in) {
      whole = whole && (!bound.is_float || bound.centre == kNoValue);
      if (bound.radius != kNoValue) return false;
      if (bound.is_float && bound.centre != kNoValue && bound.raw == kNoValue) return false;
      inputs.push_back(bound.is_float ? bound.raw : bound.centre);
    }
    for (const ValueId id : op.outputs) {
      if (id != kNoValue && !graph_.at(id).type.is_tensor()) return false;
      whole = whole && (id == kNoValue || !ir::is_float(graph_.at(id).type.elem));
    }
    if (op.def->numeric != ops::Numeric::exact && !whole) return false;
    const std::vector<ValueId> results = b_.clone(op, inputs);
    for (size_t k = 0; k < results.size(); ++k) {
      if (results[k] == kNoValue) continue;
      const ir::Value& value = graph_.at(op.outputs[k]);
      Bound& bound = bounds_[op.outputs[k]];
      b_.graph.at(results[k]).type.elem = b_.graph.at(results[k]).storage = value.type.elem;
      bound.is_float = ir::is_float(value.type.elem);
      bound.raw = results[k];
      bound.centre = bound.is_float ? b_.to_float64(results[k]) : results[k];
      if (!bound.is_float || !stored_rounding(op.policy, value.storage)) continue;
      RuleContext stored{graph_, op, b_, {}, std::vector<Bound>(op.outputs.size())};
      stored.finish(k, bound.centre, kNoValue, 0);
      bound = stored.out[k];
    }
    return true;
  }

  void add(const ir::Op& op) {
    if (round_exactly(op)) return;
    std::vector<Bound> in;
    for (const ValueId id : op.inputs) in.push_back(read(id));
    const bool behind_stop = std::ranges::any_of(in, &Bound::stopped);
    if (behind_stop) return stop(op, "");
    const bool plain = std::ranges::none_of(
        op.outputs, [&](ValueId id) { return id != kNoValue && ir::is_float(graph_.at(id).type.leaf()); });
    const Rule rule = rule_for(op);
    const bool moves_exact = plain && std::ranges::none_of(in, &Bound::is_float);
    if ((rule == nullptr || moves_exact) && exact(op, in)) return;
    if (rule == nullptr || (plain && rule != rule_shape && rule != rule_move)) return stop(op, "it has no sound rule");
    RuleContext context{graph_, op, b_, std::move(in), std::vector<Bound>(op.outputs.size())};
    if (const std::string why = rule(context); !why.empty()) return stop(op, why);
    for (size_t k = 0; k < op.outputs.size(); ++k)
      if (op.outputs[k] != kNoValue) bounds_[op.outputs[k]] = context.out[k];
  }

  void finish() {
    std::vector<ValueId> radii;
    for (const ValueId id : graph_.outputs) {
      const Bound bound = read(id);
      const bool known = !bound.stopped && bound.centre != kNoValue;
      out_.place.push_back(known ? static_cast<int>(out_.bounded++) : -1);
      if (!known) continue;
      const ValueId centre = bound.is_float ? bound.centre : b_.to_float64(bound.centre);
      // Outputs are values of their own: two may be one value in the program.
      b_.graph.outputs.push_back(b_.op("Identity", {centre}));
      radii.push_back(bound.radius == kNoValue ? b_.times(b_.abs(centre), 0) : b_.op("Identity", {bound.radius}));
    }
    b_.graph.outputs.insert(b_.graph.outputs.end(), radii.begin(), radii.end());
    b_.graph.resolved = true;
    b_.graph.name = graph_.name;
    std::sort(out_.stops.begin(), out_.stops.end());
    out_.graph = std::make_shared<const ir::Graph>(std::move(b_.graph));
  }

  const ir::Graph& graph_;
  Builder b_;
  std::vector<Bound> bounds_;
  BoundGraph out_;
};
}  // namespace

BoundGraph bound_graph(const ir::Graph& graph) {
  if (!graph.states.empty())
    return {nullptr, std::vector<int>(graph.outputs.size(), -1), 0, {{"the program", "it keeps states"}}};
  return Analysis(graph).run();
}

}  // namespace assay::audit

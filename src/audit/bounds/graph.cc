#include <algorithm>
#include <cmath>

#include "audit/bounds/bounds.h"
#include "audit/bounds/rules.h"
#include "ops/def.h"

namespace assay::audit {
namespace {
using ir::kNoValue;
using ir::ValueId;

// Where a value is a sum of products with constant weights, rounded and shifted.
struct Linear {
  ValueId radius = kNoValue;  // of the other operand
  std::shared_ptr<const ir::Tensor> weights{};
  const ir::Op* op = nullptr;
  int64_t values() const { return weights->dims()[op->type == "Gemm" && op->attr_int("transB", 0) != 0 ? 0 : 1]; }
};

class Analysis {
 public:
  explicit Analysis(const ir::Graph& graph)
      : graph_(graph), bounds_(graph.values.size()), linear_(graph.values.size()) {}

  BoundGraph run() {
    add_all();
    finish();
    return std::move(out_);
  }

  WatchGraph watch() {
    add_all();
    WatchGraph out;
    for (const ir::Op& op : graph_.ops)
      for (const ValueId id : op.outputs) {
        if (id == kNoValue || bounds_[id].stopped || bounds_[id].radius == kNoValue) continue;
        b_.graph.outputs.push_back(b_.op("Identity", {bounds_[id].radius}));
        out.outputs.emplace_back(graph_.describe(op), why_infinite(op));
      }
    b_.graph.resolved = true;
    b_.graph.name = graph_.name;
    out.graph = std::make_shared<const ir::Graph>(std::move(b_.graph));
    return out;
  }

 private:
  void add_all() {
    for (const ValueId id : graph_.inputs) add_input(id);
    for (const ir::Op& op : graph_.ops) add(op);
  }

  static std::string why_infinite(const ir::Op& op) {
    if (op.type == "Div" || op.type == "Reciprocal") return "what it divides by may be 0, or the quotient overflow";
    if (op.type == "Log" || op.type == "Sqrt") return "its operand may leave the function's domain";
    if (op.type.ends_with("Normalization")) return "the variance may be 0, or a value overflow";
    return "its result may overflow";
  }

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
    const auto add = [&](ir::Tensor tensor) {
      const ir::ElemType elem = tensor.elem();
      const ValueId id = b_.graph.add_constant(b_.graph.fresh_name("w"), std::move(tensor));
      b_.graph.at(id).storage = elem;
      return id;
    };
    if (!bound.is_float) {
      bound.raw = bound.centre = add(source);
      return bound;
    }
    // In its declared type, for what is exact and reads no float64.
    ir::Tensor declared = ir::Tensor::allocate(source.elem(), source.dims());
    ir::Tensor wide = ir::Tensor::allocate(ir::ElemType::float64, source.dims());
    const auto format = ir::elem_format(value.storage);
    const bool narrow = format && ir::elem_bits(value.storage) < ir::elem_bits(source.elem());
    for (int64_t i = 0; i < source.size(); ++i) {
      double x = source.float_at(i);
      if (value.rounding) x = num::round(x, *value.rounding);
      if (narrow) x = num::round(x, num::Rounding{.format = num::format(*format)});
      declared.set_float(i, x);
      wide.set_float(i, x);
    }
    bound.raw = value.rounding || narrow ? add(std::move(declared)) : add(source);
    bound.centre = add(std::move(wide));
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
    if (op.type == "MaxRoiPool") return false;  // it picks, but out of regions whose corners are computed
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
    // So is what a cast makes of a number that nothing has rounded.
    const bool to_whole = op.type == "Cast" && op.domain.empty() && !ir::is_float(graph_.at(op.outputs[0]).type.elem);
    if (op.def->numeric != ops::Numeric::exact && !whole && !to_whole) return false;
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
    in.reserve(op.inputs.size());
    for (const ValueId id : op.inputs) in.push_back(read(id));
    const bool behind_stop = std::ranges::any_of(in, &Bound::stopped);
    if (behind_stop) return stop(op, "");
    const bool plain = std::ranges::none_of(
        op.outputs, [&](ValueId id) { return id != kNoValue && ir::is_float(graph_.at(id).type.leaf()); });
    const Rule rule = rule_for(op);
    const bool raw = std::ranges::all_of(in, [](const Bound& b) { return !b.is_float || b.raw != kNoValue; });
    const bool moves_exact = plain && raw && rule != rule_shape;
    if ((rule == nullptr || moves_exact) && exact(op, in)) return;
    if (rule == nullptr || (plain && rule != rule_shape && rule != rule_move)) return stop(op, "it has no sound rule");
    RuleContext context{graph_, op, b_, std::move(in), std::vector<Bound>(op.outputs.size())};
    if (const std::string why = rule(context); !why.empty()) return stop(op, why);
    for (size_t k = 0; k < op.outputs.size(); ++k)
      if (op.outputs[k] != kNoValue) bounds_[op.outputs[k]] = context.out[k];
    follow(op, context);
  }

  // Sums of products with constant weights, and what only adds to their radius.
  void follow(const ir::Op& op, const RuleContext& context) {
    const bool product = op.domain.empty() && (op.type == "MatMul" || op.type == "Gemm");
    if (product && context.entered != kNoValue && op.attr_int("transA", 0) == 0) {
      const auto& weights = b_.graph.at(context.in[1].centre).constant;
      if (weights && weights->rank() == 2) linear_[op.outputs[0]] = {context.entered, weights, &op};
      return;
    }
    const bool shifts = op.domain.empty() && op.type == "Add" && (context.exact(0) || context.exact(1));
    const bool rounds = op.type == "Round" || op.type == "Cast" || op.type == "Identity";
    if (!shifts && !rounds) return;
    const size_t from = shifts && context.exact(0) ? 1 : 0;
    const Linear linear = linear_[op.inputs[from]];
    if (linear.weights == nullptr) return;
    // What is added must not spread the values over more places.
    const std::vector<ir::Dim> other = shifts ? context.dims(1 - from) : std::vector<ir::Dim>();
    if (shifts && other.size() > 1) return;
    if (shifts && other.size() == 1 && other[0].value != 1 && other[0].value != linear.values()) return;
    linear_[op.outputs[0]] = linear;
  }

  // |w_i - w_j| of all pairs, through which the operand's radius enters their difference.
  ir::Tensor pair_weights(const Linear& linear) const {
    const bool turned = linear.op->type == "Gemm" && linear.op->attr_int("transB", 0) != 0;
    const double alpha =
        linear.op->type == "Gemm" ? std::abs(static_cast<double>(linear.op->attr_float("alpha", 1))) : 1;
    const int64_t n = linear.values(), terms = linear.weights->size() / std::max<int64_t>(n, 1);
    ir::Tensor out = ir::Tensor::allocate(ir::ElemType::float64, {terms, n * n});
    const auto* w = linear.weights->data<double>();
    auto* to = out.mutable_data<double>();
    const auto at = [&](int64_t k, int64_t i) { return turned ? w[i * terms + k] : w[k * n + i]; };
    for (int64_t k = 0; k < terms; ++k)
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j) to[(k * n + i) * n + j] = std::abs(at(k, i) - at(k, j)) * alpha;
    return out;
  }

  // R_ij = Rx |w_i - w_j| + L_i + L_j; L: what is added to the radius behind the operand's share of it.
  ValueId pairs_of(ValueId id, const Bound& bound) {
    const Linear& linear = linear_[id];
    constexpr int64_t kMostPairWeights = int64_t{1} << 22;
    if (linear.weights == nullptr || bound.radius == kNoValue) return kNoValue;
    const int64_t n = linear.values();
    if (n < 2 || linear.weights->size() * n > kMostPairWeights) return kNoValue;
    const ir::Type& type = graph_.at(id).type;
    if (!type.ranked() || type.shape->size() != 2) return kNoValue;
    const ValueId d = b_.constant(pair_weights(linear));
    ir::Op share = *linear.op;  // of the single values: the operand's radius through |w|
    share.set_attr("alpha", std::abs(linear.op->attr_float("alpha", 1)));
    const ValueId single = b_.constant(absolute(*linear.weights));
    const ValueId through =
        share.type == "Gemm" ? b_.clone(share, {linear.radius, single})[0] : b_.op("MatMul", {linear.radius, single});
    const ValueId local = b_.add(b_.sub(bound.radius, through), b_.times(bound.radius, kSlack));
    const ValueId shape = b_.constant(ir::Dims{-1, n, n});
    const ValueId both = b_.op("Add", {b_.op("Unsqueeze", {local, b_.constant(ir::Dims{2})}),
                                       b_.op("Unsqueeze", {local, b_.constant(ir::Dims{1})})});
    const ValueId shared = b_.op("Reshape", {b_.op("MatMul", {linear.radius, d}), shape});
    return b_.op("Add", {b_.times(shared, 1 + kSlack), both});
  }

  static ir::Tensor absolute(const ir::Tensor& weights) {
    ir::Tensor out = ir::Tensor::allocate(ir::ElemType::float64, weights.dims());
    for (int64_t i = 0; i < out.size(); ++i) out.mutable_data<double>()[i] = std::abs(weights.data<double>()[i]);
    return out;
  }

  void finish() {
    std::vector<ValueId> radii, pairs;
    for (const ValueId id : graph_.outputs) {
      const Bound bound = read(id);
      const bool known = !bound.stopped && bound.centre != kNoValue;
      out_.place.push_back(known ? static_cast<int>(out_.bounded++) : -1);
      const ValueId pair = known ? pairs_of(id, bound) : kNoValue;
      out_.pairs.push_back(pair != kNoValue ? static_cast<int>(out_.paired++) : -1);
      if (pair != kNoValue) pairs.push_back(pair);
      if (!known) continue;
      const ValueId centre = bound.is_float ? bound.centre : b_.to_float64(bound.centre);
      // Outputs are values of their own: two may be one value in the program.
      b_.graph.outputs.push_back(b_.op("Identity", {centre}));
      radii.push_back(bound.radius == kNoValue ? b_.times(b_.abs(centre), 0) : b_.op("Identity", {bound.radius}));
    }
    b_.graph.outputs.insert(b_.graph.outputs.end(), radii.begin(), radii.end());
    b_.graph.outputs.insert(b_.graph.outputs.end(), pairs.begin(), pairs.end());
    b_.graph.resolved = true;
    b_.graph.name = graph_.name;
    std::sort(out_.stops.begin(), out_.stops.end());
    out_.graph = std::make_shared<const ir::Graph>(std::move(b_.graph));
  }

  const ir::Graph& graph_;
  Builder b_;
  std::vector<Bound> bounds_;
  std::vector<Linear> linear_;  // of values that are sums of products with constant weights
  BoundGraph out_;
};
}  // namespace

WatchGraph watch_graph(const ir::Graph& graph) { return graph.states.empty() ? Analysis(graph).watch() : WatchGraph(); }

BoundGraph bound_graph(const ir::Graph& graph) {
  if (!graph.states.empty())
    return {.graph = nullptr,
            .place = std::vector<int>(graph.outputs.size(), -1),
            .bounded = 0,
            .pairs = std::vector<int>(graph.outputs.size(), -1),
            .paired = 0,
            .stops = {{"the program", "it keeps states"}}};
  return Analysis(graph).run();
}

}  // namespace assay::audit

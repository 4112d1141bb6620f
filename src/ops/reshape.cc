// Reshape and Flatten: the same elements under another shape.
#include <algorithm>

#include "ops/lower/move_nn.h"
#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

/// Product of the known extents; nullopt when one is unknown.
std::optional<int64_t> known_product(const std::vector<ir::Dim>& dims, size_t begin, size_t end) {
  int64_t n = 1;
  for (size_t i = begin; i < end; ++i) {
    if (!dims[i].known() || __builtin_mul_overflow(n, dims[i].value, &n)) return std::nullopt;
  }
  return n;
}

/// Extents that both sides must have in common for -1 to be computed although some are unknown: unknown extents that
/// were copied with 0 cancel. Returns what -1 stands for.
ir::Dim inferred_extent(const std::vector<ir::Dim>& in, const std::vector<ir::Dim>& out, size_t wildcard) {
  std::vector<bool> cancelled(in.size());
  int64_t target = 1;
  for (size_t i = 0; i < out.size(); ++i) {
    if (i == wildcard) continue;
    if (out[i].known()) {
      if (__builtin_mul_overflow(target, out[i].value, &target)) return {};
      continue;
    }
    if (i >= in.size() || !(out[i] == in[i])) return {};
    cancelled[i] = true;
  }
  int64_t source = 1;
  const ir::Dim* unknown = nullptr;
  for (size_t i = 0; i < in.size(); ++i) {
    if (cancelled[i]) continue;
    if (in[i].known()) {
      if (__builtin_mul_overflow(source, in[i].value, &source)) return {};
    } else if (unknown) {
      return {};
    } else {
      unknown = &in[i];
    }
  }
  if (unknown) return source == target ? *unknown : ir::Dim{};
  if (target == 0 || source % target != 0) return {};
  return source / target;
}

Status infer_reshape(InferContext& c) {
  const auto wanted = constant_ints(c, 1);
  if (!wanted) {
    std::optional<std::vector<ir::Dim>> shape;
    if (c.ranked(1) && c.rank(1) == 1 && c.shape(1)[0].known() && c.shape(1)[0].value <= 64)
      shape.emplace(static_cast<size_t>(c.shape(1)[0].value));
    c.set(0, c.elem(0), std::move(shape));
    return {};
  }
  const bool allow_zero = c.op().attr_int("allowzero", 0) != 0;
  std::vector<ir::Dim> out(wanted->size());
  std::optional<size_t> wildcard;
  for (size_t i = 0; i < wanted->size(); ++i) {
    const int64_t d = (*wanted)[i];
    if (d < -1) return c.fail("reshape_c1", "extent " + std::to_string(d));
    if (d == -1) {
      if (wildcard) return c.fail("reshape_c2", "more than one extent is -1");
      wildcard = i;
    } else if (d != 0 || allow_zero) {
      out[i] = d;
    } else if (c.ranked(0)) {
      if (i >= c.shape(0).size()) return c.fail("reshape_c3", "extent 0 copies an axis that the input does not have");
      out[i] = c.shape(0)[i];
    }
  }
  if (c.ranked(0)) {
    const auto have = known_product(c.shape(0), 0, c.shape(0).size());
    if (wildcard) out[*wildcard] = inferred_extent(c.shape(0), out, *wildcard);
    const auto get = known_product(out, 0, out.size());
    if (have && (!get || *have != *get))
      return c.fail("reshape_c4", ir::to_string(c.type(0)) + " cannot have the shape " + ir::to_string(*wanted));
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status upgrade_reshape(UpgradeContext& c) { return ints_attr_to_input(c, "shape", 1); }

Status infer_flatten(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::vector<ir::Dim>(2));
    return {};
  }
  const int64_t wanted = c.op().attr_int("axis", 1), rank = c.rank(0);
  if (wanted < -rank || wanted > rank)
    return c.fail("flatten_c1", "axis " + std::to_string(wanted) + " for rank " + std::to_string(rank));
  const auto axis = static_cast<size_t>(wanted < 0 ? wanted + rank : wanted);
  const auto part = [&](size_t begin, size_t end) -> ir::Dim {
    if (const auto n = known_product(c.shape(0), begin, end)) return *n;
    return end - begin == 1 ? c.shape(0)[begin] : ir::Dim{};
  };
  c.set(0, c.elem(0), std::vector<ir::Dim>{part(0, axis), part(axis, c.shape(0).size())});
  return {};
}

/// What the constant `shape` asks for, with the extents that inference found.
std::vector<Extent> extents_wanted(const ir::Dims& wanted, const ir::Type& out) {
  std::vector<Extent> extents(wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    const ir::Dim& d = (*out.shape)[i];
    extents[i].value = d.known() ? d.value : -1;
    if (wanted[i] == 0) extents[i].axis = static_cast<int64_t>(i);
  }
  return extents;
}

/// Whether no element of a shape can be 0: what is made of constants and of extents, which Core ML has no 0 of.
bool has_no_zero(const ir::Graph& graph, ir::ValueId id, int depth = 8) {
  const ir::Value& value = graph.at(id);
  if (value.constant) return std::ranges::count(value.constant->ints(), 0) == 0;
  if (value.producer == ir::kNoOp || depth == 0) return false;
  static constexpr std::string_view kParts[] = {"Cast",  "Gather",  "Identity", "Reshape",
                                                "Slice", "Squeeze", "Unsqueeze"};
  static constexpr std::string_view kAll[] = {"Concat", "Mul"};
  const ir::Op& op = graph.ops[value.producer];
  if (!op.domain.empty()) return false;
  if (op.type == "Shape" || op.type == "Size") return true;
  const auto part = [&](ir::ValueId v) {
    return ir::is_integer(graph.at(v).type.elem) && has_no_zero(graph, v, depth - 1);
  };
  if (std::ranges::find(kParts, op.type) != std::end(kParts)) return part(op.inputs[0]);
  return std::ranges::find(kAll, op.type) != std::end(kAll) && std::ranges::all_of(op.inputs, part);
}

/// Whether 0 in the shape copies an extent, and may stand there.
template <class Context>
bool may_copy(const Context& c) {
  return c.op.attr_int("allowzero", 0) == 0 && !has_no_zero(c.graph, c.op.inputs[1]);
}

/// The shape is a value of the program. Zeros copy extents: operators of iOS15 and iOS17 agree on which only where the
/// ranks are equal; elsewhere the extents are put in their place here.
Status reshape_at_run_time(MilContext& c, const MilValue& x) {
  ASSAY_TRY(MilValue shape, operand(c, 1, kTakesNumbers));
  const int64_t length = shape.dims().front();
  if (length < 0) return c.refuse("the rank of the result is known only at run time");
  if (length != x.rank() && may_copy(c)) {
    const int64_t common = std::min(length, x.rank());
    std::vector<MilArg> parts = {extents_of(c, x, 0, common)};
    if (length > common) parts.push_back(repeated(1, length - common));
    const MilValue zero = c.make("equal", {{"x", shape}, {"y", mil::of_int(0)}},
                                 mil::Type::tensor(mil::DataType::boolean, shape.type.dims));
    shape = c.make("select", {{"cond", zero}, {"a", joined(c, parts, length)}, {"b", shape}}, shape.type);
  }
  return emit_carried(c, "reshape", {{"x", x}, {"shape", shape}}, x.data());
}

Status reshape_to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans | kTakesSmall));
  if (!c.out_type().ranked()) return c.refuse("the rank of the result is known only at run time");
  const auto& out = *c.out_type().shape;
  const auto unknown = std::ranges::count_if(out, [](const ir::Dim& d) { return !d.known(); });
  const auto wanted = known_ints(c, 1);
  if (!wanted && unknown > 1) return reshape_at_run_time(c, x);
  return reshape_known(c, x, extents_wanted(wanted ? *wanted : ir::Dims(out.size(), -1), c.out_type()));
}

Status flatten_to_mil(MilContext& c) {
  ASSAY_TRY(MilValue x, operand(c, 0, kTakesBooleans | kTakesSmall));
  const mil::Dims out = out_dims(c);
  if (out[0] >= 0 || out[1] >= 0) return reshape_known(c, x, {{out[0]}, {out[1]}});
  x = carried(c, x, kTakesBooleans);
  return emit_carried(c, "flatten2d",
                      {{"x", x}, {"axis", mil::of_int(static_cast<int32_t>(axis_of(c.op, 1, x.rank())))}}, x.data());
}

Status reshape_to_nn(NnContext& c) {
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  if (!c.out_type().ranked()) return c.refuse("the rank of the result is known only at run time");
  const auto& out = *c.out_type().shape;
  const auto unknown = std::ranges::count_if(out, [](const ir::Dim& d) { return !d.known(); });
  const auto wanted = known_ints(c, 1);
  if (wanted || unknown <= 1) {
    const ir::Dims target = wanted ? *wanted : ir::Dims(out.size(), -1);
    ASSAY_TRY(const std::string y, nn_reshape(c, 0, x, extents_wanted(target, c.out_type())));
    return c.result(y);
  }
  std::string shape = c.in(1);
  if (may_copy(c)) {  // layers do not say what 0 means
    const auto length = static_cast<int64_t>(out.size()), common = std::min(length, c.rank(0));
    std::vector<std::string> parts = {nn_extents(c, 0, 0, common)};
    if (length > common) parts.push_back(nn_ints(c, ir::Dims(static_cast<size_t>(length - common), 1)));
    const std::string zero = c.make("equal", {shape}, c.params("equal").set("alpha", 0.0));
    shape = c.make("whereBroadcastable", {zero, nn_joined(c, parts), shape});
  }
  return c.result(c.make("reshapeDynamic", {x, shape}));
}

Status flatten_to_nn(NnContext& c) {
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  const mil::Dims out = out_dims(c);
  if (out[0] < 0 && out[1] < 0)
    return c.layer("flattenTo2D", {x}, c.params("flattenTo2D").set("axis", axis_of(c.op, 1, c.rank(0))));
  ASSAY_TRY(const std::string y, nn_reshape(c, 0, x, {{out[0]}, {out[1]}}));
  return c.result(y);
}

constexpr In kReshapeIn[] = {{"data", kAnything}, {"shape", kInt64}};
constexpr Out kReshapeOut[] = {{"reshaped"}};
constexpr AttrDoc kReshapeAttrs[] = {{"allowzero", "0"}};
constexpr Upgrade kReshapeUpgrades[] = {{5, upgrade_reshape}};

constexpr In kFlattenIn[] = {{"input", kAnything}};
constexpr Out kFlattenOut[] = {{"output"}};
constexpr AttrDoc kFlattenAttrs[] = {{"axis", "1"}};

}  // namespace

extern const OpDef kReshape = {
    .name = "Reshape",
    .since = 25,
    .doc = "The elements under the given shape; 0 copies an extent, -1 is what remains.",
    .in = kReshapeIn,
    .out = kReshapeOut,
    .attrs = kReshapeAttrs,
    .upgrades = kReshapeUpgrades,
    .infer = infer_reshape,
    .eval = eval_view,
    .to_mil = {reshape_to_mil, "reshape"},
    .to_nn = {reshape_to_nn, "reshapeStatic; reshapeDynamic"},
    .view = true,
};

extern const OpDef kFlatten = {
    .name = "Flatten",
    .since = 25,
    .doc = "A matrix: the axes before `axis` by the rest.",
    .in = kFlattenIn,
    .out = kFlattenOut,
    .attrs = kFlattenAttrs,
    .infer = infer_flatten,
    .eval = eval_view,
    .to_mil = {flatten_to_mil, "reshape; flatten2d where both extents are unknown"},
    .to_nn = {flatten_to_nn, "reshapeStatic; flattenTo2D"},
    .view = true,
};

}  // namespace assay::ops

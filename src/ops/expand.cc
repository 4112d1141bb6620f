// Expand and Tile: repetition along axes.
#include <algorithm>
#include <cmath>

#include "ops/lower/move_nn.h"
#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

Status infer_expand(InferContext& c) {
  const auto wanted = constant_ints(c, 1);
  if (!c.ranked(0) || !wanted) {
    std::optional<std::vector<ir::Dim>> shape;
    if (c.ranked(0) && c.ranked(1) && c.rank(1) == 1 && c.shape(1)[0].known() && c.shape(1)[0].value <= 64)
      shape.emplace(static_cast<size_t>(std::max(c.rank(0), c.shape(1)[0].value)));
    c.set(0, c.elem(0), std::move(shape));
    return {};
  }
  ASSAY_CHECK(check_size(c, *wanted));
  auto out = broadcast_shapes(c.shape(0), std::vector<ir::Dim>(wanted->begin(), wanted->end()));
  if (!out) return c.fail("expand_c1", ir::to_string(c.type(0)) + " does not broadcast with " + ir::to_string(*wanted));
  c.set(0, c.elem(0), *std::move(out));
  return {};
}

Status eval_expand(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Dims &in = c.in(0).dims(), &out = c.out(0).dims();
  const ir::Dims strides = strides_of(in);
  StridedCopy copy{out, ir::Dims(out.size()), strides_of(out)};
  for (size_t k = 0; k < in.size(); ++k) copy.in_strides[out.size() - in.size() + k] = in[k] == 1 ? 0 : strides[k];
  copy_strided(c.in(0), c.out(0), std::move(copy), c.threads);
  return {};
}

Status infer_tile(InferContext& c) {
  const auto repeats = constant_ints(c, 1);
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  std::vector<ir::Dim> out(c.shape(0).size());
  if (repeats) {
    if (repeats->size() != out.size())
      return c.fail("tile_c1", std::to_string(repeats->size()) + " repeats for rank " + std::to_string(out.size()));
    for (size_t i = 0; i < out.size(); ++i) {
      const ir::Dim& d = c.shape(0)[i];
      const int64_t n = (*repeats)[i];
      int64_t extent = 0;
      if (n < 0 || (d.known() && __builtin_mul_overflow(d.value, n, &extent)))
        return c.fail("tile_c2", "repeats " + ir::to_string(*repeats));
      out[i] = d.known() ? ir::Dim(extent) : n == 1 ? d : ir::Dim();
    }
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval_tile(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Dims in = strides_of(c.in(0).dims()), out = strides_of(c.out(0).dims()), repeats = c.in(1).ints();
  StridedCopy copy;
  for (size_t k = 0; k < in.size(); ++k) {
    const int64_t extent = c.in(0).dims()[k];
    copy.extents.insert(copy.extents.end(), {repeats[k], extent});
    copy.in_strides.insert(copy.in_strides.end(), {0, in[k]});
    copy.out_strides.insert(copy.out_strides.end(), {out[k] * extent, out[k]});
  }
  copy_strided(c.in(0), c.out(0), std::move(copy), c.threads);
  return {};
}

/// Ones, but the count at the axis: what Tile of version 1 repeats by when its operands come with the data.
Status compute_repeats(UpgradeContext& c) {
  const ir::Type integers = ir::Type::tensor(ir::ElemType::int64);
  const auto insert = [&](ir::Op op) { return c.insert_before(std::move(op), integers); };
  const auto list = [&](ir::ValueId v) {
    ir::Op cast{.domain = {}, .type = "Cast", .name = {}, .inputs = {v}};
    cast.set_attr("to", static_cast<int64_t>(ir::ElemType::int64));
    const ir::ValueId whole = insert(std::move(cast));
    return insert(
        ir::Op{.domain = {}, .type = "Reshape", .name = {}, .inputs = {whole, c.constant(ir::Tensor::of_ints({-1}))}});
  };
  const ir::ValueId shape = insert(ir::Op{.domain = {}, .type = "Shape", .name = {}, .inputs = {c.op.inputs[0]}});
  const ir::ValueId rank = insert(ir::Op{.domain = {}, .type = "Shape", .name = {}, .inputs = {shape}});
  ir::Op ones{.domain = {}, .type = "ConstantOfShape", .name = {}, .inputs = {rank}};
  ones.set_attr("value", ir::Tensor::of_ints({1}));
  const ir::ValueId filled = insert(std::move(ones)), axis = list(c.op.inputs[2]), count = list(c.op.inputs[1]);
  const ir::ValueId repeats =
      insert(ir::Op{.domain = {}, .type = "ScatterElements", .name = {}, .inputs = {filled, axis, count}});
  c.op.inputs = {c.op.inputs[0], repeats};
  return {};
}

/// Version 1 had a count and an axis as inputs.
Status upgrade_tile(UpgradeContext& c) {
  if (!c.op.has_input(1) || !c.op.has_input(2)) return {};
  const auto tiles = c.graph.at(c.op.inputs[1]).constant, axis = c.graph.at(c.op.inputs[2]).constant;
  const ir::Type type = c.type(0);
  if (!tiles || !axis || !type.ranked()) return compute_repeats(c);
  if (tiles->size() != 1 || axis->size() != 1) return c.fail("tiles or axis is not one number");
  const auto one = [](const ir::Tensor& t) {
    if (ir::is_integer(t.elem())) return t.int_at(0);
    if (!ir::is_float(t.elem())) return int64_t{-1};
    return std::fabs(t.float_at(0)) < 0x1p62 ? static_cast<int64_t>(t.float_at(0)) : int64_t{-1};
  };
  ir::Dims repeats(type.shape->size(), 1);
  const int64_t at = normal_axis(one(*axis), static_cast<int64_t>(repeats.size()));
  if (at < 0) return c.fail("axis out of range");
  repeats[static_cast<size_t>(at)] = one(*tiles);
  c.op.inputs.resize(1);
  c.set_input(1, c.constant(ir::Tensor::of_ints(repeats)));
  return {};
}

/// How often each axis of the input (with axes of extent 1 in front, up to the result's rank) repeats, as far as it is
/// known: 0 where it is not.
template <class Context>
ir::Dims known_repeats(const Context& c, const std::optional<ir::Dims>& wanted) {
  const auto& out = *c.out_type().shape;
  const size_t rank = out.size(), lead = rank - static_cast<size_t>(c.rank(0));
  ir::Dims repeats(rank, 0);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t asked = wanted && i + wanted->size() >= rank ? (*wanted)[i + wanted->size() - rank] : 0;
    const ir::Dim in = i < lead ? ir::Dim(1) : (*c.type(0).shape)[i - lead];
    if (same_extent(in, out[i]) || asked == 1 || in.value > 1)
      repeats[i] = 1;
    else if (in.value == 1 && out[i].known())
      repeats[i] = out[i].value;
  }
  return repeats;
}

/// Repeats that depend on extents known only at run time: `wanted` along axes of extent 1, else 1.
Result<MilValue> repeats_at_run_time(MilContext& c, const MilValue& x) {
  ASSAY_TRY(const MilValue wanted, operand(c, 1, kTakesNumbers));
  const int64_t missing = x.rank() - wanted.dims().front();
  std::vector<MilArg> parts;
  if (missing > 0) parts.push_back(repeated(1, missing));
  parts.push_back(wanted);
  const MilValue extents = extents_of(c, x, 0, x.rank()), target = joined(c, parts, x.rank());
  const MilValue single = c.make("equal", {{"x", extents}, {"y", mil::of_int(1)}},
                                 mil::Type::tensor(mil::DataType::boolean, extents.type.dims));
  return c.make("select", {{"cond", single}, {"a", target}, {"b", repeated(1, x.rank())}}, extents.type);
}

/// Repeats are known only at run time, and with them the operator's result. What inference knows better is said by a
/// reshape behind it.
Status tile_at_run_time(MilContext& c, const MilValue& x, const MilValue& reps) {
  const MilValue y = c.make("tile", {{"x", x}, {"reps", reps}},
                            mil::Type::tensor(x.data(), mil::Dims(x.dims().size(), mil::kUnknownDim)));
  std::vector<Extent> shape;
  for (const int64_t extent : out_dims(c)) shape.push_back({extent, -1});
  const auto unknown = std::ranges::count_if(shape, [](const Extent& e) { return e.value < 0; });
  if (unknown > 1 || (unknown == 1 && shape.size() == 1)) return result_carried(c, y);
  return reshape_known(c, y, shape);
}

Status tile_by(MilContext& c, const MilValue& x, const ir::Dims& repeats) {
  if (std::ranges::find(repeats, 0) != repeats.end()) return c.refuse("the result has no elements");
  if (std::ranges::all_of(repeats, [](int64_t n) { return n == 1; })) return result_carried(c, x);
  return emit_carried(c, "tile", {{"x", x}, {"reps", MilContext::ints(repeats)}}, x.data());
}

Status expand_to_mil(MilContext& c) {
  ASSAY_TRY(MilValue x, operand(c, 0, kTakesBooleans));
  if (!c.out_type().ranked()) return c.refuse("the rank of the result is known only at run time");
  const auto wanted = known_ints(c, 1);
  const ir::Tensor* value = c.constant(0);
  const auto rank = static_cast<int64_t>(c.out_type().shape->size());
  if (value && value->size() == 1 && !wanted && x.rank() <= c.dim(1, 0)) {  // one element over a shape
    ASSAY_TRY(const MilValue shape, operand(c, 1, kTakesNumbers));
    ASSAY_TRY(mil::Value one, mil_constant(value->reshaped({}), c.precision()));
    if (one.type.data == x.data())
      return emit_carried(c, "fill", {{"shape", shape}, {"value", std::move(one)}}, x.data());
  }
  ir::Dims lead;
  for (int64_t i = x.rank(); i < rank; ++i) lead.push_back(static_cast<int64_t>(lead.size()));
  if (!lead.empty()) x = c.expand_dims(x, lead);
  const ir::Dims repeats = known_repeats(c, wanted);
  if (std::ranges::find(repeats, 0) == repeats.end()) return tile_by(c, x, repeats);
  ASSAY_TRY(const MilValue reps, repeats_at_run_time(c, x));
  return tile_at_run_time(c, x, reps);
}

Status tile_to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans));
  if (const auto repeats = known_ints(c, 1)) return tile_by(c, x, *repeats);
  ASSAY_TRY(const MilValue reps, operand(c, 1, kTakesNumbers));
  return tile_at_run_time(c, x, reps);
}

Status nn_tile_by(NnContext& c, const std::string& x, const ir::Dims& repeats) {
  if (std::ranges::find(repeats, 0) != repeats.end()) return c.refuse("the result has no elements");
  if (std::ranges::all_of(repeats, [](int64_t n) { return n == 1; })) return c.result(x);
  return c.layer("tile", {x}, c.params("tile").set("reps", repeats));
}

Status expand_to_nn(NnContext& c) {
  ASSAY_TRY(std::string x, nn_operand(c, 0));
  if (!c.out_type().ranked()) return c.refuse("the rank of the result is known only at run time");
  const auto wanted = known_ints(c, 1);
  const auto rank = static_cast<int64_t>(c.out_type().shape->size());
  ir::Dims lead;
  for (int64_t i = std::max<int64_t>(c.rank(0), 1); i < rank; ++i) lead.push_back(static_cast<int64_t>(lead.size()));
  if (!lead.empty()) x = c.make("expandDims", {x}, c.params("expandDims").set("axes", lead));
  const ir::Dims repeats = known_repeats(c, wanted);
  if (std::ranges::find(repeats, 0) == repeats.end()) return nn_tile_by(c, x, repeats);
  // Of each two extents one is 1, or both are equal: the larger one is the result's.
  std::vector<std::string> parts;
  if (rank > c.rank(0)) parts.push_back(nn_ints(c, ir::Dims(static_cast<size_t>(rank - c.rank(0)), 1)));
  if (c.rank(0) > 0) parts.push_back(nn_extents(c, 0, 0, c.rank(0)));
  const std::string extents = nn_joined(c, parts);
  parts.clear();
  if (rank > c.dim(1, 0)) parts.push_back(nn_ints(c, ir::Dims(static_cast<size_t>(rank - c.dim(1, 0)), 1)));
  parts.push_back(c.in(1));
  const std::string target = c.make("maxBroadcastable", {extents, nn_joined(c, parts)});
  return c.layer("broadcastToDynamic", {x, target});
}

Status tile_to_nn(NnContext& c) {
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  if (const auto repeats = known_ints(c, 1)) return nn_tile_by(c, x, *repeats);
  return c.layer("tile", {x, c.in(1)});
}

constexpr In kExpandIn[] = {{"input", kAnything}, {"shape", kInt64}};
constexpr In kTileIn[] = {{"input", kAnything}, {"repeats", kInt64}};
constexpr Out kOut[] = {{"output"}};
constexpr Upgrade kTileUpgrades[] = {{6, upgrade_tile}};

}  // namespace

extern const OpDef kExpand = {
    .name = "Expand",
    .since = 13,
    .doc = "The input broadcast with a shape, both ways.",
    .in = kExpandIn,
    .out = kOut,
    .infer = infer_expand,
    .eval = eval_expand,
    .to_mil = {expand_to_mil, "expand_dims, tile; fill of one element"},
    .to_nn = {expand_to_nn, "expandDims, tile; broadcastToDynamic"},
};

extern const OpDef kTile = {
    .name = "Tile",
    .since = 13,
    .doc = "The input repeated along each axis.",
    .in = kTileIn,
    .out = kOut,
    .upgrades = kTileUpgrades,
    .infer = infer_tile,
    .eval = eval_tile,
    .to_mil = {tile_to_mil, "tile"},
    .to_nn = {tile_to_nn, "tile"},
};

}  // namespace assay::ops

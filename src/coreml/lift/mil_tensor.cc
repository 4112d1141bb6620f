// Operations that make, repeat or test tensors.
#include "coreml/lift/extents.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

using ir::Tensor;

/// A setting of rank 0 as a tensor of `dims`, all of whose elements are it; `fallback` when it is not given.
Tensor filled(MilLift& c, std::string_view parameter, ir::ElemType elem, ir::Dims dims, double fallback) {
  Tensor out = Tensor::allocate(elem, std::move(dims));
  const double value = c.number(parameter, fallback);
  for (int64_t i = 0; i < out.size(); ++i)
    ir::is_float(elem) ? out.set_float(i, value) : out.set_int(i, static_cast<int64_t>(value));
  return out;
}

/// Diagonals from -lower to upper; a negative number keeps all on its side.
void lift_band_part(MilLift& c) {
  const int64_t lower = c.integer("lower", -1), upper = c.integer("upper", -1);
  ValueId x = c.in("x");
  if (lower >= 0) x = c.op("Trilu", {x, c.integer(-lower)}, {{"upper", int64_t{1}}});
  if (upper >= 0) x = c.op("Trilu", {x, c.integer(upper)}, {{"upper", int64_t{0}}});
  c.result(lower < 0 && upper < 0 ? c.op("Identity", {x}) : x);
}

void lift_cumsum(MilLift& c) {
  c.result(c.op("CumSum", {c.in("x"), c.integer(c.integer("axis", 0))},
                {{"exclusive", int64_t{c.flag("exclusive", false)}}, {"reverse", int64_t{c.flag("reverse", false)}}}));
}

void fill(MilLift& c, ValueId shape) {
  c.result(c.op("ConstantOfShape", {shape}, {{"value", filled(c, "value", c.result_elem(), {1}, 0)}}));
}
void lift_fill(MilLift& c) { fill(c, as_int64_vector(c, c.in("shape"))); }
void lift_fill_like(MilLift& c) { fill(c, c.op("Shape", {c.in("ref_tensor")})); }

/// One row a hit, where ONNX has one column.
void lift_non_zero(MilLift& c) { c.result(c.transpose(c.op("NonZero", {c.in("x")}), {1, 0})); }

/// An index outside of the vector, negative ones too, turns no element on: ONNX would count those from the end.
void lift_one_hot(MilLift& c) {
  const ir::ElemType elem = c.result_elem();
  const ValueId size = c.as_int64(c.in("one_hot_vector_size")), indices = c.as_int64(c.in("indices"));
  const ValueId depth = c.rank(size) == 0 ? size : c.squeeze(size, {0});
  const ValueId at = c.op("Where", {c.op("Less", {indices, c.integer(0)}), depth, indices});
  Tensor values = filled(c, "off_value", elem, {2}, 0);
  const Tensor on = filled(c, "on_value", elem, {1}, 1);
  ir::is_float(elem) ? values.set_float(1, on.float_at(0)) : values.set_int(1, on.int_at(0));
  c.result(c.op("OneHot", {at, depth, c.weight(std::move(values), "values")}, {{"axis", c.integer("axis", -1)}}));
}

/// Before and after of each of the last axes, in turn; ONNX has all befores, then all afters.
void lift_pad(MilLift& c) {
  const ValueId x = c.in("x"), given = c.as_int64(c.in("pad"));
  const int64_t axes = c.dim(given, 0) / 2, rank = c.rank(x);
  if (c.dim(given, 0) < 0 || axes > rank || rank < 0) return c.bad("'pad' does not fit its operand");
  ir::Dims last;
  for (int64_t i = rank - axes; i < rank; ++i) last.push_back(i);
  const ValueId pads = c.reshape(c.transpose(c.reshape(given, {axes, 2}), {1, 0}), {2 * axes});
  const std::string mode = c.text("mode", "constant");
  if (mode != "constant" && mode != "reflect" && mode != "replicate") return c.bad("pad mode '" + mode + "'");
  ValueId value = ir::kNoValue;
  if (mode == "constant" && c.has("constant_val"))
    value = c.parameter(filled(c, "constant_val", c.elem(x), {}, 0), "value");
  c.result(c.op("Pad", {x, pads, value, c.ints(last)}, {{"mode", mode == "replicate" ? std::string("edge") : mode}}));
}

void lift_range(MilLift& c) {
  const auto scalar = [&](std::string_view parameter) {
    const ValueId x = c.in(parameter);
    return c.rank(x) == 1 ? c.squeeze(x, {0}) : x;
  };
  c.result(c.op("Range", {scalar("start"), scalar("end"), scalar("step")}));
}

void lift_tile(MilLift& c) { c.result(c.op("Tile", {c.in("x"), as_int64_vector(c, c.in("reps"))})); }

void lift_flatten(MilLift& c) { c.result(c.op("Flatten", {c.in("x")}, {{"axis", c.integer("axis", 1)}})); }

void lift_shape(MilLift& c) { c.result(c.op("Shape", {c.in("x")})); }

void lift_identity(MilLift& c) {
  if (const mil::Value* other = c.other("x"); other != nullptr && !other->type.is_tensor())
    return c.define_other(*other);
  c.result(c.op("Identity", {c.in("x")}));
}

void lift_select(MilLift& c) { c.result(c.op("Where", {c.in("cond"), c.in("a"), c.in("b")})); }

constexpr MilRow kRows[] = {
    {"band_part", lift_band_part},
    {"cumsum", lift_cumsum},
    {"fill", lift_fill},
    {"fill_like", lift_fill_like, 7},
    {"flatten2d", lift_flatten},
    {"identity", lift_identity},
    {"non_zero", lift_non_zero},
    {"one_hot", lift_one_hot},
    {"pad", lift_pad},
    {"range_1d", lift_range},
    {"select", lift_select},
    {"shape", lift_shape},
    {"tile", lift_tile},
};

}  // namespace

std::span<const MilRow> mil_tensor_rows() { return kRows; }

}  // namespace assay::coreml

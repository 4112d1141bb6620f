// Gathering and scattering. Indices count from the end where they are negative up to iOS 16, as ONNX has it; later they
// are out of range then: an error where the operation asks for checks, not defined where it does not, and then this is
// as before. Indices beyond the axis are errors in every case.
#include "coreml/lift/extents.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

constexpr int kIos17 = 8;

/// int64 indices. Where a negative one is an error it becomes one that is out of range in ONNX too.
ValueId indices(MilLift& c) {
  const ValueId at = c.as_int64(c.in("indices"));
  if (c.version() < kIos17 || !c.flag("validate_indices", false)) return at;
  return c.op("Where", {c.op("Less", {at, c.integer(0)}), c.integer(INT64_MAX), at});
}

ir::Dims count_up(int64_t from, int64_t to) {
  ir::Dims out;
  for (; from < to; ++from) out.push_back(from);
  return out;
}
void append(ir::Dims& to, const ir::Dims& more) { to.insert(to.end(), more.begin(), more.end()); }

/// The first `batch` axes of both operands go together: GatherND, once the gathered axis stands behind them.
ValueId gather_in_batches(MilLift& c, ValueId x, ValueId at, int64_t axis, int64_t batch) {
  const int64_t rank = c.rank(x), places = c.rank(at) - batch;
  ir::Dims perm = count_up(0, batch);
  perm.push_back(axis);
  append(perm, count_up(batch, axis));
  append(perm, count_up(axis + 1, rank));
  const ValueId found = c.op("GatherND", {c.transpose(x, perm), c.unsqueeze(at, {-1})}, {{"batch_dims", batch}});
  // Found: batch, places, axes before the gathered one, axes behind it. Wanted: places where the axis was.
  ir::Dims back = count_up(0, batch);
  append(back, count_up(batch + places, axis + places));
  append(back, count_up(batch, batch + places));
  append(back, count_up(axis + places, rank - 1 + places));
  return c.transpose(found, back);
}

void lift_gather(MilLift& c) {
  const ValueId x = c.in("x"), at = indices(c);
  int64_t batch = c.integer("batch_dims", 0);
  const int64_t axis = checked_axis(c, c.integer("axis", 0), c.rank(x));
  if (c.failed()) return;
  if (batch == 0) return c.result(c.op("Gather", {x, at}, {{"axis", axis}}));
  if (c.rank(at) < 0) return c.unsupported("the rank of 'indices' is not known");
  if (batch < 0) batch += c.rank(at);
  if (batch < 0 || batch > axis || batch > c.rank(at)) return c.bad("'batch_dims' reaches beyond the axis");
  c.result(gather_in_batches(c, x, at, axis, batch));
}

void lift_gather_along_axis(MilLift& c) {
  c.result(c.op("GatherElements", {c.in("x"), indices(c)}, {{"axis", c.integer("axis", 0)}}));
}

void lift_gather_nd(MilLift& c) {
  c.result(c.op("GatherND", {c.in("x"), indices(c)}, {{"batch_dims", c.integer("batch_dims", 0)}}));
}

/// One scattering of ONNX under Core ML's mode. A difference adds the negated updates, which is the same number. A
/// quotient divides by the product of the updates of each place, 1 where there is none: with one update a place that is
/// the same number; the order of several is not defined.
ValueId scatter(MilLift& c, std::string_view type, ValueId data, ValueId at, ValueId updates,
                std::vector<ir::Attr> attrs) {
  const std::string mode = c.text("mode", "add");
  const auto into = [&](ValueId base, ValueId values, std::string_view reduction) {
    std::vector<ir::Attr> all = attrs;
    all.push_back({"reduction", std::string(reduction)});
    return c.op(type, {base, at, values}, std::move(all));
  };
  if (mode == "update") return into(data, updates, "none");
  if (mode == "add" || mode == "mul" || mode == "max" || mode == "min") return into(data, updates, mode);
  if (mode == "sub") return into(data, c.op("Neg", {updates}), "add");
  if (mode != "div") {
    c.bad("mode '" + mode + "'");
    return data;
  }
  ir::Tensor one = ir::Tensor::allocate(c.elem(data), {1});
  ir::is_float(c.elem(data)) ? one.set_float(0, 1) : one.set_int(0, 1);
  const ValueId ones = c.op("ConstantOfShape", {c.op("Shape", {data})}, {{"value", std::move(one)}});
  return c.op("Div", {data, into(ones, updates, "mul")});
}

/// The scattered axis first, as ScatterND wants it.
void lift_scatter(MilLift& c) {
  ValueId data = c.in("data"), updates = c.in("updates");
  const ValueId at = indices(c);
  const int64_t rank = c.rank(data), axis = checked_axis(c, c.integer("axis", 0), rank), places = c.rank(at);
  if (places < 0) c.unsupported("the rank of 'indices' is not known");
  if (c.failed()) return;
  ir::Dims front = {axis}, back = count_up(1, axis + 1), places_front = count_up(axis, axis + places);
  append(front, count_up(0, axis));
  append(front, count_up(axis + 1, rank));
  append(places_front, count_up(0, axis));
  append(places_front, count_up(axis + places, rank - 1 + places));
  back.push_back(0);
  append(back, count_up(axis + 1, rank));
  data = c.transpose(data, front);
  updates = c.transpose(updates, places_front);
  c.result(c.transpose(scatter(c, "ScatterND", data, c.unsqueeze(at, {-1}), updates, {}), back));
}

void lift_scatter_along_axis(MilLift& c) {
  c.result(scatter(c, "ScatterElements", c.in("data"), indices(c), c.in("updates"), {{"axis", c.integer("axis", 0)}}));
}

void lift_scatter_nd(MilLift& c) { c.result(scatter(c, "ScatterND", c.in("data"), indices(c), c.in("updates"), {})); }

constexpr MilRow kRows[] = {
    {"gather", lift_gather},   {"gather_along_axis", lift_gather_along_axis},   {"gather_nd", lift_gather_nd},
    {"scatter", lift_scatter}, {"scatter_along_axis", lift_scatter_along_axis}, {"scatter_nd", lift_scatter_nd},
};

}  // namespace

std::span<const MilRow> mil_gather_rows() { return kRows; }

}  // namespace assay::coreml

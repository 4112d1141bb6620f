// Slices by index, as NumPy takes them, and assignments to slices.
#include <algorithm>

#include "coreml/lift/extents.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

/// Bounds that no axis reaches.
constexpr int64_t kBeyond = INT64_MAX, kBefore = INT64_MIN;

/// What a slice takes, one entry an axis: ONNX's starts, ends and steps, and which axes go.
struct Bounds {
  ValueId begin, end;  ///< int64 vectors
  ir::Dims stride;
  std::vector<bool> whole;  ///< the axis is taken as it is, whatever its extent
  ir::Dims squeezed;
};

ir::Dims chosen(const std::vector<bool>& mask, const ir::Dims& yes, int64_t no) {
  ir::Dims out(mask.size(), no);
  for (size_t i = 0; i < mask.size(); ++i)
    if (mask[i]) out[i] = yes[i];
  return out;
}

/// Masked elements of `given` replaced by constants.
ValueId masked(MilLift& c, ValueId given, const std::vector<bool>& mask, const ir::Dims& values) {
  if (std::ranges::none_of(mask, std::identity{})) return given;
  ir::Tensor truth = ir::Tensor::allocate(ir::ElemType::boolean, {static_cast<int64_t>(mask.size())});
  for (size_t i = 0; i < mask.size(); ++i) truth.set_int(static_cast<int64_t>(i), mask[i]);
  return c.op("Where", {c.parameter(std::move(truth), "mask"), c.ints(chosen(mask, values, 0)), given});
}

std::vector<bool> mask_of(MilLift& c, std::string_view parameter, int64_t rank) {
  std::vector<bool> mask = c.flags(parameter);
  if (mask.empty()) mask.assign(static_cast<size_t>(rank), false);
  if (static_cast<int64_t>(mask.size()) != rank) c.bad("'" + std::string(parameter) + "' has no entry for each axis");
  return mask;
}

bool whole(MilLift& c, ValueId x, const Bounds& b, size_t axis) {
  const ir::Tensor *begin = c.constant(b.begin), *end = c.constant(b.end);
  if (begin == nullptr || end == nullptr || b.stride[axis] != 1) return false;
  const auto i = static_cast<int64_t>(axis);
  const int64_t extent = c.dim(x, i);
  return begin->int_at(i) == 0 && (end->int_at(i) == kBeyond || (extent >= 0 && end->int_at(i) >= extent));
}

/// Reads begin, end, stride and the masks; an error is kept when they do not fit x.
Bounds bounds(MilLift& c, ValueId x) {
  const int64_t rank = c.rank(x);
  Bounds b{as_int64_vector(c, c.in("begin")), as_int64_vector(c, c.in("end")), c.integers("stride"), {}, {}};
  if (rank < 0) c.unsupported("the rank of its operand is not known");
  if (c.failed()) return b;
  if (b.stride.empty()) b.stride.assign(static_cast<size_t>(rank), 1);
  const std::vector<bool> begins = mask_of(c, "begin_mask", rank), ends = mask_of(c, "end_mask", rank);
  const std::vector<bool> squeezed = mask_of(c, "squeeze_mask", rank);
  const auto fits = [&](ValueId v) { return c.dim(v, 0) < 0 || c.dim(v, 0) == rank; };
  if (!fits(b.begin) || !fits(b.end) || static_cast<int64_t>(b.stride.size()) != rank)
    c.bad("'begin', 'end' or 'stride' has no entry for each axis");
  if (std::ranges::count(b.stride, 0) != 0) c.bad("a stride of 0");
  if (c.failed()) return b;
  ir::Dims first(b.stride.size()), last(b.stride.size());
  for (size_t i = 0; i < first.size(); ++i) {
    if (squeezed[i]) {
      b.squeezed.push_back(static_cast<int64_t>(i));
      b.stride[i] = 1;
    }
    first[i] = b.stride[i] > 0 ? 0 : kBeyond;
    last[i] = b.stride[i] > 0 ? kBeyond : kBefore;
  }
  b.begin = masked(c, b.begin, begins, first);
  b.end = masked(c, b.end, ends, last);
  if (!b.squeezed.empty()) {  // one element from begin on; behind the last one, which is -1, there is no index
    const ValueId next = c.op("Add", {b.begin, c.integer(1)});
    const ValueId behind = c.op("Where", {c.op("Equal", {next, c.integer(0)}), c.integer(kBeyond), next});
    ir::Tensor truth = ir::Tensor::allocate(ir::ElemType::boolean, {rank});
    for (size_t i = 0; i < squeezed.size(); ++i) truth.set_int(static_cast<int64_t>(i), squeezed[i]);
    b.end = c.op("Where", {c.parameter(std::move(truth), "squeeze"), behind, b.end});
  }
  for (size_t i = 0; i < b.stride.size(); ++i) {
    const bool masks = begins[i] && ends[i] && b.stride[i] == 1 && !squeezed[i];
    b.whole.push_back(masks || whole(c, x, b, i));
  }
  return b;
}

/// Elements of an int64 vector at the places `axes`.
ValueId picked(MilLift& c, ValueId vector, const ir::Dims& axes, int64_t rank) {
  return static_cast<int64_t>(axes.size()) == rank ? vector : c.op("Gather", {vector, c.ints(axes)});
}

/// x cut along the axes that are not taken whole, none of them squeezed yet.
ValueId cut(MilLift& c, ValueId x, const Bounds& b) {
  ir::Dims axes, steps;
  for (size_t i = 0; i < b.whole.size(); ++i) {
    if (b.whole[i]) continue;
    axes.push_back(static_cast<int64_t>(i));
    steps.push_back(b.stride[i]);
  }
  if (axes.empty()) return c.op("Identity", {x});
  const auto rank = static_cast<int64_t>(b.whole.size());
  return c.op("Slice", {x, picked(c, b.begin, axes, rank), picked(c, b.end, axes, rank), c.ints(axes), c.ints(steps)});
}

void lift_slice_by_index(MilLift& c) {
  const ValueId x = c.in("x");
  const Bounds b = bounds(c, x);
  if (!c.failed()) c.result(c.squeeze(cut(c, x, b), b.squeezed));
}

/// From begin on so many elements, or all that are left where the size is -1.
void lift_slice_by_size(MilLift& c) {
  const ValueId x = c.in("x"), given = as_int64_vector(c, c.in("begin")), size = as_int64_vector(c, c.in("size"));
  if (c.rank(x) < 0) return c.unsupported("the rank of its operand is not known");
  ValueId begin = given;
  const ir::Tensor* known = c.constant(given);
  if (known == nullptr || std::ranges::any_of(known->ints(), [](int64_t i) { return i < 0; })) {
    const ValueId from_end = c.op("Add", {given, as_vector(c, extents(c, x))});
    begin = c.op("Where", {c.op("Less", {given, c.integer(0)}), from_end, given});
  }
  const ValueId rest = c.op("Equal", {size, c.integer(-1)});
  const ValueId end = c.op("Where", {rest, c.integer(kBeyond), c.op("Add", {begin, size})});
  c.result(c.op("Slice", {x, begin, end}));
}

/// x[.., begin : end, ..] = update along contiguous axes, the first of them first: what lies before, what is replaced,
/// what lies behind.
ValueId replaced(MilLift& c, ValueId x, ValueId update, const Bounds& b, size_t axis) {
  while (axis < b.whole.size() && b.whole[axis]) ++axis;
  if (axis == b.whole.size()) return update;
  const auto at = static_cast<int64_t>(axis);
  const auto part = [&](ValueId from, ValueId to) { return c.op("Slice", {x, from, to, c.ints({at})}); };
  const ValueId begin = picked(c, b.begin, {at}, -1), end = picked(c, b.end, {at}, -1);
  size_t next = axis + 1;
  while (next < b.whole.size() && b.whole[next]) ++next;
  const ValueId middle = next == b.whole.size() ? update : replaced(c, part(begin, end), update, b, next);
  return c.op("Concat", {part(c.ints({0}), begin), middle, part(end, c.ints({kBeyond}))}, {{"axis", at}});
}

/// The same with steps: places of the slice among all elements, then one scattering.
ValueId scattered(MilLift& c, ValueId x, ValueId update, const Bounds& b) {
  const ValueId count = c.op("Size", {x}), shape = as_vector(c, extents(c, x));
  const ValueId all = c.op("Range", {c.integer(0), count, c.integer(1)});
  const ValueId places = c.reshape(cut(c, c.op("Reshape", {all, shape}), b), {-1});
  const ValueId flat =
      c.op("ScatterElements", {c.reshape(x, {-1}), places, c.reshape(update, {-1})}, {{"axis", int64_t{0}}});
  return reshape_to(c, flat, extents(c, x));
}

void lift_slice_update(MilLift& c) {
  const ValueId x = c.in("x");
  const Bounds b = bounds(c, x);
  const ValueId update = c.in("update");
  if (c.failed()) return;
  const bool steps = std::ranges::any_of(b.stride, [](int64_t s) { return s != 1; });
  if (steps) return c.result(scattered(c, x, update, b));
  ValueId y = replaced(c, x, c.unsqueeze(update, b.squeezed), b, 0);
  // Where the slice is known at run time alone, inference would not see that x keeps its shape.
  if (c.type(x).is_static()) y = c.reshape(y, c.type(x).dims());
  c.result(y == update ? c.op("Identity", {y}) : y);
}

constexpr MilRow kRows[] = {
    {"slice_by_index", lift_slice_by_index},
    {"slice_by_size", lift_slice_by_size},
    {"slice_update", lift_slice_update, 9},
};

}  // namespace

std::span<const MilRow> mil_slice_rows() { return kRows; }

}  // namespace assay::coreml

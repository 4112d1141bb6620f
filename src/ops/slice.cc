#include "ops/slice.h"

#include <algorithm>

#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {

Range clamped(int64_t begin, int64_t end, int64_t step, int64_t extent) {
  if (extent == 0) return {};
  const auto bound = [&](int64_t i) {
    if (i < 0) i = i < -extent ? -1 : i + extent;
    return step > 0 ? std::clamp<int64_t>(i, 0, extent) : std::clamp<int64_t>(i, -1, extent - 1);
  };
  const int64_t first = std::max<int64_t>(bound(begin), 0), last = bound(end);
  const int64_t span = step > 0 ? last - first : first - last;
  if (span <= 0) return {0, 0, 1};
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : uint64_t{0} - static_cast<uint64_t>(step);
  const auto count = static_cast<int64_t>((static_cast<uint64_t>(span) - 1) / stride + 1);
  return {first, count, count > 1 ? step : 1};
}

namespace {

/// Why the operands contradict each other; empty when they do not.
std::string contradiction(const Operands& o, int64_t rank) {
  const size_t n = o.starts->size();
  if (o.ends->size() != n || (o.axes && o.axes->size() != n) || (o.steps && o.steps->size() != n))
    return "starts, ends, axes and steps have different lengths";
  std::vector<bool> seen(static_cast<size_t>(rank));
  for (size_t k = 0; k < n; ++k) {
    const int64_t axis = normal_axis(o.axis(k), rank);
    if (axis < 0) return "axis " + std::to_string(o.axis(k)) + " for rank " + std::to_string(rank);
    if (seen[static_cast<size_t>(axis)]) return "axis " + std::to_string(axis) + " is named twice";
    seen[static_cast<size_t>(axis)] = true;
    if (o.step(k) == 0) return "step 0";
  }
  return {};
}

Status infer(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  const Operands o{constant_ints(c, 1), constant_ints(c, 2), constant_ints(c, 3), constant_ints(c, 4)};
  std::vector<ir::Dim> out = c.shape(0);
  const bool axes_known = o.axes || (!c.has(3) && o.starts);
  if (!o.starts || !o.ends || !axes_known || (c.has(4) && !o.steps)) {
    for (size_t i = 0; i < out.size(); ++i) {  // only axes that are certainly not sliced keep their extents
      const auto is_axis = [&](int64_t a) { return normal_axis(a, c.rank(0)) == static_cast<int64_t>(i); };
      if (!o.axes || std::ranges::any_of(*o.axes, is_axis)) out[i] = ir::Dim();
    }
    c.set(0, c.elem(0), std::move(out));
    return {};
  }
  if (const std::string why = contradiction(o, c.rank(0)); !why.empty()) return c.fail("slice_c1", why);
  for (size_t k = 0; k < o.starts->size(); ++k) {
    ir::Dim& d = out[static_cast<size_t>(normal_axis(o.axis(k), c.rank(0)))];
    if (d.known())
      d = clamped((*o.starts)[k], (*o.ends)[k], o.step(k), d.value).count;
    else if ((*o.starts)[k] != 0 || (*o.ends)[k] < INT32_MAX || o.step(k) != 1)
      d = ir::Dim();
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor& in = c.in(0);
  const Operands o{ints_of(c, 1), ints_of(c, 2), ints_of(c, 3), ints_of(c, 4)};
  if (const std::string why = contradiction(o, in.rank()); !why.empty()) return c.fail(Code::model_invalid, why);
  StridedCopy copy{in.dims(), strides_of(in.dims()), strides_of(c.out(0).dims())};
  for (size_t k = 0; k < o.starts->size(); ++k) {
    const auto axis = static_cast<size_t>(normal_axis(o.axis(k), in.rank()));
    const Range r = clamped((*o.starts)[k], (*o.ends)[k], o.step(k), in.dims()[axis]);
    copy.extents[axis] = r.count;
    copy.in_begin += r.begin * copy.in_strides[axis];
    copy.in_strides[axis] *= r.step;
  }
  copy_strided(in, c.out(0), std::move(copy), c.threads);
  return {};
}

Status upgrade_bounds(UpgradeContext& c) {
  ASSAY_CHECK(ints_attr_to_input(c, "starts", 1));
  ASSAY_CHECK(ints_attr_to_input(c, "ends", 2));
  return ints_attr_to_input(c, "axes", 3);
}

constexpr In kIn[] = {{"data", kAnything},
                      {"starts", kIndices},
                      {"ends", kIndices},
                      {"axes", kIndices, kOptional},
                      {"steps", kIndices, kOptional}};
constexpr Out kOut[] = {{"output"}};
constexpr Upgrade kUpgrades[] = {{10, upgrade_bounds}};

}  // namespace

extern const OpDef kSlice = {
    .name = "Slice",
    .since = 13,
    .doc = "A range of each named axis, with steps that may be negative.",
    .in = kIn,
    .out = kOut,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {slice_to_mil, "slice_by_index"},
    .to_nn = {slice_to_nn, "sliceStatic; sliceDynamic"},
};

}  // namespace assay::ops

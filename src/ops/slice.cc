#include <algorithm>

#include "ops/lower/move.h"
#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

struct Range {
  int64_t begin = 0, count = 0, step = 1;
};

/// The elements that a slice takes of one axis. Bounds are clamped as NumPy clamps them, whatever sentinel they are,
/// but for one case: backwards from before the first element takes that element (ONNX's text; NumPy takes none).
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

struct Operands {
  std::optional<ir::Dims> starts, ends, axes, steps;
  int64_t axis(size_t k) const { return axes ? (*axes)[k] : static_cast<int64_t>(k); }
  int64_t step(size_t k) const { return steps ? (*steps)[k] : 1; }
};

/// A slice with constant bounds as Core ML says it: begin, end and step of every axis, and masks where the bound is the
/// axis' own.
struct Masked {
  ir::Dims begin, end, step;
  std::vector<int64_t> begin_mask, end_mask;  ///< 1: from (or up to) the edge

  explicit Masked(size_t rank) : begin(rank, 0), end(rank, 0), step(rank, 1), begin_mask(rank, 1), end_mask(rank, 1) {}
  bool whole() const {
    const auto set = [](int64_t v) { return v == 1; };
    return std::ranges::all_of(begin_mask, set) && std::ranges::all_of(end_mask, set) && std::ranges::all_of(step, set);
  }
};

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

/// One axis of known extent: the elements that clamped() finds. Empty ones are refused before.
void set_known(Masked& m, size_t i, const Range& r, int64_t extent) {
  const int64_t last = r.begin + (r.count - 1) * r.step;  // the last element that is taken
  m.begin[i] = r.begin, m.step[i] = r.step;
  m.end[i] = r.step > 0 ? last + 1 : last - 1;
  m.end_mask[i] = r.step > 0 ? m.end[i] == extent : m.end[i] < 0;
  m.begin_mask[i] = r.begin == (r.step > 0 ? 0 : extent - 1);
  if (m.end_mask[i]) m.end[i] = 0;
}

/// One axis of an extent that is known only at run time; why not, where the formats read the bounds differently.
std::string set_unknown(Masked& m, size_t i, int64_t begin, int64_t end, int64_t step) {
  constexpr int64_t kFar = INT32_MAX;
  m.step[i] = step;
  if (step < 0) {
    m.begin_mask[i] = begin == -1 || begin >= kFar;
    m.end_mask[i] = end <= -kFar;
    if ((!m.begin_mask[i] && begin < 0) || (!m.end_mask[i] && end < 0))
      return "a backward slice of an unknown extent with a bound that counts from the end";
  } else {
    if (begin >= kFar || end <= -kFar) return "the result has no elements";
    m.begin_mask[i] = begin == 0 || begin <= -kFar;
    m.end_mask[i] = end >= kFar;
  }
  if (std::abs(step) > kFar) return "steps of " + std::to_string(step);
  if (!m.begin_mask[i]) m.begin[i] = begin;
  if (!m.end_mask[i]) m.end[i] = std::min(end, kFar);
  return {};
}

/// Constant bounds, for both formats; refused where they are not constant or have no counterpart.
template <class Context>
Result<Masked> masked(const Context& c, const Operands& o) {
  const int64_t rank = c.rank(0);
  Masked m(static_cast<size_t>(rank));
  for (size_t k = 0; k < o.starts->size(); ++k) {
    const auto i = static_cast<size_t>(normal_axis(o.axis(k), rank));
    const int64_t extent = c.dim(0, static_cast<int64_t>(i));
    if (extent < 0) {
      const std::string why = set_unknown(m, i, (*o.starts)[k], (*o.ends)[k], o.step(k));
      if (!why.empty()) return c.refuse(why);
      continue;
    }
    const Range r = clamped((*o.starts)[k], (*o.ends)[k], o.step(k), extent);
    if (r.count == 0) return c.refuse("the result has no elements");
    set_known(m, i, r, extent);
  }
  return m;
}

/// What is known of the operands, when they are known enough to be written at all.
template <class Context>
Result<Operands> known_operands(const Context& c) {
  const Operands o{known_ints(c, 1), known_ints(c, 2), known_ints(c, 3), known_ints(c, 4)};
  if (c.rank(0) < 0) return c.refuse("the rank of its input is known only at run time");
  if ((c.has(3) && !o.axes) || (c.has(4) && !o.steps))
    return c.refuse("which axes are sliced, or by which steps, is known only at run time");
  if (o.starts && o.ends) return o;
  if (o.steps && std::ranges::any_of(*o.steps, [](int64_t s) { return s < 0; }))
    return c.refuse("a backward slice with bounds that are known only at run time");
  if (c.dim(1, 0) < 0) return c.refuse("how many axes are sliced is known only at run time");
  return o;
}

mil::Value bits(const std::vector<int64_t>& values) { return mil::of_bools({values.begin(), values.end()}); }

/// Bounds of all axes from a vector with those of the named ones: 0 (masked) elsewhere.
Result<MilArg> bounds_at_run_time(MilContext& c, size_t operand_at, const Operands& o, std::vector<int64_t>& mask) {
  const int64_t rank = c.rank(0);
  const auto& known = operand_at == 1 ? o.starts : o.ends;
  const int64_t count = c.dim(known ? operand_at : 1, 0);
  ir::Dims values(static_cast<size_t>(rank), 0), place(static_cast<size_t>(rank), count);
  for (int64_t k = 0; k < count; ++k) {
    const auto i = static_cast<size_t>(normal_axis(o.axis(static_cast<size_t>(k)), rank));
    place[i] = k;
    mask[i] = 0;
    if (!known) continue;
    const int64_t bound = (*known)[static_cast<size_t>(k)];
    mask[i] = operand_at == 1 ? bound <= -INT32_MAX : bound >= INT32_MAX;
    values[i] = std::clamp<int64_t>(bound, -INT32_MAX, INT32_MAX);
  }
  if (known) return MilArg(MilContext::ints(values));
  ASSAY_TRY(const MilValue given, operand(c, operand_at, kTakesNumbers));
  const auto ordered = [&](size_t i) { return place[i] == static_cast<int64_t>(i); };
  size_t i = 0;
  while (i < place.size() && ordered(i)) ++i;
  if (i == place.size()) return MilArg(given);
  const MilValue padded = joined(c, {given, mil::of_ints({0})}, count + 1);
  return MilArg(c.make("gather", {{"x", padded}, {"indices", MilContext::ints(place)}, {"axis", mil::of_int(0)}},
                       mil::Type::tensor(mil::DataType::int32, mil::Dims{rank})));
}

Status to_mil(MilContext& c) {
  ASSAY_TRY(const Operands o, known_operands(c));
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans | kTakesSmall));
  if (o.starts && o.ends) {
    ASSAY_TRY(const Masked m, masked(c, o));
    if (m.whole()) return result_carried(c, x);
    return emit_carried(c, "slice_by_index",
                        {{"x", x},
                         {"begin", MilContext::ints(m.begin)},
                         {"end", MilContext::ints(m.end)},
                         {"stride", MilContext::ints(m.step)},
                         {"begin_mask", bits(m.begin_mask)},
                         {"end_mask", bits(m.end_mask)}},
                        x.data());
  }
  Masked m(static_cast<size_t>(x.rank()));
  ASSAY_TRY(MilArg begin, bounds_at_run_time(c, 1, o, m.begin_mask));
  ASSAY_TRY(MilArg end, bounds_at_run_time(c, 2, o, m.end_mask));
  for (int64_t k = 0; o.steps && k < c.dim(1, 0); ++k)
    m.step[static_cast<size_t>(normal_axis(o.axis(static_cast<size_t>(k)), x.rank()))] =
        o.step(static_cast<size_t>(k));
  return emit_carried(c, "slice_by_index",
                      {{"x", x},
                       {"begin", std::move(begin)},
                       {"end", std::move(end)},
                       {"stride", MilContext::ints(m.step)},
                       {"begin_mask", bits(m.begin_mask)},
                       {"end_mask", bits(m.end_mask)}},
                      x.data());
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
    .to_mil = {to_mil, "slice_by_index"},
};

}  // namespace assay::ops

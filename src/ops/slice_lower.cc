// Slice in Core ML's formats: both read bounds as NumPy does but differ from ONNX where a backward slice is clamped.
#include <algorithm>

#include "ops/lower/move_nn.h"
#include "ops/move.h"
#include "ops/slice.h"

namespace assay::ops {
namespace {

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
  const bool empty = (o.starts && std::ranges::any_of(*o.starts, [](int64_t i) { return i >= INT32_MAX; })) ||
                     (o.ends && std::ranges::any_of(*o.ends, [](int64_t i) { return i <= -INT32_MAX; }));
  if (empty) return c.refuse("the result has no elements");
  return o;
}

mil::Value bits(const std::vector<int64_t>& values) { return mil::of_bools({values.begin(), values.end()}); }

/// How the bounds of all axes come from a vector with those of the named ones; masked elsewhere.
struct Bounds {
  bool given = false;    ///< at run time; else `values` says them
  bool ordered = false;  ///< the vector has those of all axes, in order
  ir::Dims values;
  ir::Dims place;             ///< where in the vector each axis' bound stands; behind its end where there is none
  std::vector<int64_t> mask;  ///< 1: from (or up to) the edge
};

template <class Context>
Bounds bounds_of(const Context& c, const Operands& o, bool begin) {
  const auto rank = static_cast<size_t>(c.rank(0));
  const auto& known = begin ? o.starts : o.ends;
  const int64_t count = c.dim(1, 0);
  Bounds b{!known, true, ir::Dims(rank, 0), ir::Dims(rank, count), std::vector<int64_t>(rank, 1)};
  for (int64_t k = 0; k < count; ++k) {
    const auto i = static_cast<size_t>(normal_axis(o.axis(static_cast<size_t>(k)), c.rank(0)));
    b.place[i] = k;
    b.mask[i] = 0;
    if (!known) continue;
    const int64_t bound = (*known)[static_cast<size_t>(k)];
    b.mask[i] = begin ? bound <= -INT32_MAX : bound >= INT32_MAX;
    b.values[i] = b.mask[i] ? 0 : std::clamp<int64_t>(bound, -INT32_MAX, INT32_MAX);
  }
  b.ordered = count == c.rank(0);
  for (size_t i = 0; i < rank; ++i) b.ordered = b.ordered && b.place[i] == static_cast<int64_t>(i);
  return b;
}

template <class Context>
ir::Dims steps_of(const Context& c, const Operands& o) {
  ir::Dims steps(static_cast<size_t>(c.rank(0)), 1);
  for (size_t k = 0; o.steps && k < o.steps->size(); ++k)
    steps[static_cast<size_t>(normal_axis(o.axis(k), c.rank(0)))] = o.step(k);
  return steps;
}

Result<MilArg> mil_bounds(MilContext& c, size_t operand_at, const Bounds& bounds) {
  if (!bounds.given) return MilArg(MilContext::ints(bounds.values));
  ASSAY_TRY(const MilValue given, operand(c, operand_at, kTakesNumbers));
  if (bounds.ordered) return MilArg(given);
  const MilValue padded = joined(c, {given, mil::of_ints({0})}, given.dims().front() + 1);
  return MilArg(c.make("gather", {{"x", padded}, {"indices", MilContext::ints(bounds.place)}, {"axis", mil::of_int(0)}},
                       mil::Type::tensor(mil::DataType::int32, mil::Dims{c.rank(0)})));
}

/// A vector of bounds for all axes, as in the other format.
std::string nn_bounds(NnContext& c, size_t operand_at, const Bounds& bounds) {
  if (!bounds.given) return nn_ints(c, bounds.values);
  if (bounds.ordered) return c.in(operand_at);
  const std::string padded = nn_joined(c, {c.in(operand_at), nn_ints(c, {0})});
  return c.make("gather", {padded, nn_ints(c, bounds.place)}, c.params("gather").set("axis", int64_t{0}));
}

}  // namespace

Status slice_to_mil(MilContext& c) {
  ASSAY_TRY(const Operands o, known_operands(c));
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans | kTakesSmall));
  const auto sliced = [&](MilArg begin, MilArg end, const ir::Dims& step, const std::vector<int64_t>& begin_mask,
                          const std::vector<int64_t>& end_mask) {
    return emit_carried(c, "slice_by_index",
                        {{"x", x},
                         {"begin", std::move(begin)},
                         {"end", std::move(end)},
                         {"stride", MilContext::ints(step)},
                         {"begin_mask", bits(begin_mask)},
                         {"end_mask", bits(end_mask)}},
                        x.data());
  };
  if (o.starts && o.ends) {
    ASSAY_TRY(const Masked m, masked(c, o));
    if (m.whole()) return result_carried(c, x);
    return sliced(MilContext::ints(m.begin), MilContext::ints(m.end), m.step, m.begin_mask, m.end_mask);
  }
  const Bounds begin = bounds_of(c, o, true), end = bounds_of(c, o, false);
  ASSAY_TRY(MilArg from, mil_bounds(c, 1, begin));
  ASSAY_TRY(MilArg to, mil_bounds(c, 2, end));
  return sliced(std::move(from), std::move(to), steps_of(c, o), begin.mask, end.mask);
}

Status slice_to_nn(NnContext& c) {
  ASSAY_TRY(const Operands o, known_operands(c));
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  if (o.starts && o.ends) {
    ASSAY_TRY(const Masked m, masked(c, o));
    return c.result(m.whole() ? x : nn_slice(c, x, {m.begin, m.end, m.step, m.begin_mask, m.end_mask}));
  }
  const Bounds begin = bounds_of(c, o, true), end = bounds_of(c, o, false);
  return c.layer(
      "sliceDynamic", {x, nn_bounds(c, 1, begin), nn_bounds(c, 2, end)},
      c.params("sliceDynamic").set("beginMasks", begin.mask).set("endMasks", end.mask).set("strides", steps_of(c, o)));
}

}  // namespace assay::ops

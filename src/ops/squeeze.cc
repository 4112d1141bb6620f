// Squeeze and Unsqueeze: axes of extent 1 removed or inserted.
#include <algorithm>

#include "ops/lower/move_nn.h"
#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

/// Which of `rank` axes are named; an error when one is out of range or named twice.
Result<std::vector<bool>> marked(const InferContext& c, const ir::Dims& axes, int64_t rank, std::string_view label) {
  std::vector<bool> marks(static_cast<size_t>(rank));
  for (const int64_t wanted : axes) {
    ASSAY_TRY(const int64_t axis, c.axis(wanted, rank, label));
    if (marks[static_cast<size_t>(axis)]) return c.fail(label, "axis " + std::to_string(wanted) + " is named twice");
    marks[static_cast<size_t>(axis)] = true;
  }
  return marks;
}

Status infer_squeeze(InferContext& c) {
  const auto axes = constant_ints(c, 1);
  if (!c.ranked(0) || (c.has(1) && !axes)) {
    std::optional<std::vector<ir::Dim>> shape;
    if (c.ranked(0) && c.ranked(1) && c.rank(1) == 1 && c.shape(1)[0].known() && c.shape(1)[0].value <= c.rank(0))
      shape.emplace(static_cast<size_t>(c.rank(0) - c.shape(1)[0].value));
    c.set(0, c.elem(0), std::move(shape));
    return {};
  }
  const auto& in = c.shape(0);
  std::vector<ir::Dim> out;
  if (!axes) {
    if (std::ranges::any_of(in, [](const ir::Dim& d) { return !d.known(); })) {
      c.set(0, c.elem(0), std::nullopt);
      return {};
    }
    std::ranges::copy_if(in, std::back_inserter(out), [](const ir::Dim& d) { return d.value != 1; });
  } else {
    ASSAY_TRY(const auto marks, marked(c, *axes, c.rank(0), "squeeze_c1"));
    for (size_t i = 0; i < in.size(); ++i) {
      if (!marks[i])
        out.push_back(in[i]);
      else if (in[i].known() && in[i].value != 1)
        return c.fail("squeeze_c2", "axis " + std::to_string(i) + " has extent " + std::to_string(in[i].value));
    }
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status infer_unsqueeze(InferContext& c) {
  const auto axes = constant_ints(c, 1);
  if (!c.ranked(0) || !axes) {
    std::optional<std::vector<ir::Dim>> shape;
    if (c.ranked(0) && c.ranked(1) && c.rank(1) == 1 && c.shape(1)[0].known() && c.shape(1)[0].value <= 64)
      shape.emplace(static_cast<size_t>(c.rank(0) + c.shape(1)[0].value));
    c.set(0, c.elem(0), std::move(shape));
    return {};
  }
  const auto& in = c.shape(0);
  const int64_t rank = c.rank(0) + static_cast<int64_t>(axes->size());
  ASSAY_TRY(const auto marks, marked(c, *axes, rank, "unsqueeze_c1"));
  std::vector<ir::Dim> out;
  size_t next = 0;
  for (const bool inserted : marks) out.push_back(inserted ? ir::Dim(1) : in[next++]);
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status upgrade_axes(UpgradeContext& c) { return ints_attr_to_input(c, "axes", 1); }

/// Which axes leave, and the extents of the others.
struct Squeezed {
  ir::Dims gone;
  std::vector<Extent> rest;
  bool certain = true;  ///< the extents of those that leave are known
};

template <class Context>
Result<Squeezed> squeezed(const Context& c) {
  const auto given = known_ints(c, 1);
  if ((c.has(1) && !given) || !c.out_type().ranked()) return c.refuse("which axes leave is known only at run time");
  Squeezed s;
  for (int64_t i = 0; i < c.rank(0); ++i) {
    const int64_t extent = c.dim(0, i);
    const auto is_axis = [&](int64_t a) { return normal_axis(a, c.rank(0)) == i; };
    if (given ? std::ranges::any_of(*given, is_axis) : extent == 1) {
      s.gone.push_back(i);
      s.certain = s.certain && extent == 1;
    } else {
      s.rest.push_back({extent, i});
    }
  }
  return s;
}

/// Axes that are certainly of extent 1 go by squeeze; where one is known only at run time, the others' extents say the
/// shape, since squeeze keeps an axis that is not 1.
Status squeeze_to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans | kTakesSmall));
  ASSAY_TRY(const Squeezed s, squeezed(c));
  if (s.gone.empty()) return result_carried(c, x);
  if (!s.certain || (s.rest.empty() && s.gone.size() > 1)) return reshape_known(c, x, s.rest);
  return emit_carried(c, "squeeze", {{"x", x}, {"axes", MilContext::ints(s.gone)}}, x.data());
}

Status squeeze_to_nn(NnContext& c) {
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  ASSAY_TRY(Squeezed s, squeezed(c));
  if (!s.certain) {
    ASSAY_TRY(const std::string y, nn_reshape(c, 0, x, s.rest));
    return c.result(y);
  }
  if (s.rest.empty() && !s.gone.empty()) s.gone.pop_back();  // blobs keep one axis
  if (s.gone.empty()) return c.result(x);
  return c.layer("squeeze", {x}, c.params("squeeze").set("axes", s.gone));
}

/// The axes of the result that are inserted, ascending.
template <class Context>
Result<ir::Dims> inserted(const Context& c) {
  auto axes = known_ints(c, 1);
  if (!axes) return c.refuse("where axes are inserted is known only at run time");
  const int64_t rank = c.rank(0) + static_cast<int64_t>(axes->size());
  for (int64_t& a : *axes) a = normal_axis(a, rank);
  std::ranges::sort(*axes);
  return *axes;
}

Status unsqueeze_to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans | kTakesSmall));
  ASSAY_TRY(const ir::Dims axes, inserted(c));
  if (axes.empty()) return result_carried(c, x);
  return emit_carried(c, "expand_dims", {{"x", x}, {"axes", MilContext::ints(axes)}}, x.data());
}

Status unsqueeze_to_nn(NnContext& c) {
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  ASSAY_TRY(ir::Dims axes, inserted(c));
  if (c.rank(0) == 0 && !axes.empty()) axes.erase(axes.begin());  // a scalar's blob has one axis already
  if (axes.empty()) return c.result(x);
  return c.layer("expandDims", {x}, c.params("expandDims").set("axes", axes));
}

constexpr In kSqueezeIn[] = {{"data", kAnything}, {"axes", kInt64, kOptional}};
constexpr In kUnsqueezeIn[] = {{"data", kAnything}, {"axes", kInt64}};
constexpr Out kSqueezeOut[] = {{"squeezed"}};
constexpr Out kUnsqueezeOut[] = {{"expanded"}};
constexpr Upgrade kUpgrades[] = {{13, upgrade_axes}};

}  // namespace

extern const OpDef kSqueeze = {
    .name = "Squeeze",
    .since = 25,
    .doc = "Removes the named axes of extent 1, or all of them.",
    .in = kSqueezeIn,
    .out = kSqueezeOut,
    .upgrades = kUpgrades,
    .infer = infer_squeeze,
    .eval = eval_view,
    .to_mil = {squeeze_to_mil, "squeeze; reshape where an extent is unknown"},
    .to_nn = {squeeze_to_nn, "squeeze; reshapeStatic, reshapeDynamic"},
    .view = true,
};

extern const OpDef kUnsqueeze = {
    .name = "Unsqueeze",
    .since = 25,
    .doc = "Inserts axes of extent 1 at the named places of the result.",
    .in = kUnsqueezeIn,
    .out = kUnsqueezeOut,
    .upgrades = kUpgrades,
    .infer = infer_unsqueeze,
    .eval = eval_view,
    .to_mil = {unsqueeze_to_mil, "expand_dims"},
    .to_nn = {unsqueeze_to_nn, "expandDims"},
    .view = true,
};

}  // namespace assay::ops

// Squeeze and Unsqueeze: axes of extent 1 removed or inserted.
#include <algorithm>

#include "ops/lower/move.h"
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

/// Axes that are certainly of extent 1 go by squeeze; where one is known only at run time, the others' extents say the
/// shape, since squeeze keeps an axis that is not 1.
Status squeeze_to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans | kTakesSmall));
  const auto given = known_ints(c, 1);
  if ((c.has(1) && !given) || !c.out_type().ranked()) return c.refuse("which axes leave is known only at run time");
  ir::Dims gone;
  std::vector<Extent> rest;
  for (int64_t i = 0; i < x.rank(); ++i) {
    const int64_t extent = x.dims()[static_cast<size_t>(i)];
    const bool named = given ? std::ranges::any_of(*given, [&](int64_t a) { return normal_axis(a, x.rank()) == i; })
                             : extent == 1;
    if (named)
      gone.push_back(i);
    else
      rest.push_back({extent, i});
  }
  if (gone.empty()) return result_carried(c, x);
  if (std::ranges::any_of(gone, [&](int64_t i) { return x.dims()[static_cast<size_t>(i)] != 1; }))
    return reshape_known(c, x, rest);
  return emit_carried(c, "squeeze", {{"x", x}, {"axes", MilContext::ints(gone)}}, x.data());
}

Status unsqueeze_to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans | kTakesSmall));
  auto axes = known_ints(c, 1);
  if (!axes) return c.refuse("where axes are inserted is known only at run time");
  if (axes->empty()) return result_carried(c, x);
  const int64_t rank = x.rank() + static_cast<int64_t>(axes->size());
  for (int64_t& a : *axes) a = normal_axis(a, rank);
  std::ranges::sort(*axes);
  return emit_carried(c, "expand_dims", {{"x", x}, {"axes", MilContext::ints(*axes)}}, x.data());
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
    .view = true,
};

}  // namespace assay::ops

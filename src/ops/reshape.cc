// Reshape and Flatten: the same elements under another shape.
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
    .view = true,
};

}  // namespace assay::ops

// Unique elements, or slices along an axis. All NaNs are equal and above every number; -0 equals +0.
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "ops/move.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  std::optional<std::vector<ir::Dim>> out(std::vector<ir::Dim>(1));
  if (c.op().has_attr("axis")) {
    out.reset();
    if (c.ranked(0)) {
      ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", 0), c.rank(0), "unique_c1"));
      out = c.shape(0);
      (*out)[static_cast<size_t>(axis)] = ir::Dim();
    }
  }
  c.set(0, c.elem(0), std::move(out));
  for (size_t i = 1; i < 4; ++i) c.set(i, ir::ElemType::int64, std::vector<ir::Dim>(1));
  return {};
}

int compare(const ir::Tensor& t, int64_t a, int64_t b) {
  const auto order = [](const auto& x, const auto& y) { return x < y ? -1 : y < x ? 1 : 0; };
  if (t.elem() == ir::ElemType::string)
    return order(t.strings()[static_cast<size_t>(a)], t.strings()[static_cast<size_t>(b)]);
  if (ir::is_float(t.elem())) {
    const double x = t.float_at(a), y = t.float_at(b);
    if (std::isnan(x) || std::isnan(y)) return order(std::isnan(x), std::isnan(y));
    return order(x, y);
  }
  if (t.elem() == ir::ElemType::uint64)
    return order(static_cast<uint64_t>(t.int_at(a)), static_cast<uint64_t>(t.int_at(b)));
  return order(t.int_at(a), t.int_at(b));
}

struct Slices {
  const ir::Tensor& t;
  int64_t count, outer, inner;
  int64_t offset(int64_t i, int64_t o) const { return (o * count + i) * inner; }
  int compare_slices(int64_t a, int64_t b) const {
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t k = 0; k < inner; ++k)
        if (const int r = compare(t, offset(a, o) + k, offset(b, o) + k)) return r;
    return 0;
  }
};

/// A number whose order (unsigned) is that of compare().
uint64_t key_of(const ir::Tensor& t, int64_t i) {
  constexpr uint64_t kSign = uint64_t{1} << 63;
  if (!ir::is_float(t.elem())) {
    const auto bits = static_cast<uint64_t>(t.int_at(i));
    return ir::is_signed_integer(t.elem()) ? bits ^ kSign : bits;
  }
  const double x = t.float_at(i);
  if (std::isnan(x)) return UINT64_MAX;
  const auto bits = std::bit_cast<uint64_t>(x == 0 ? 0.0 : x);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

/// The slices in order, equals as they come; single numbers by their keys.
ir::Dims ordered(const Slices& s) {
  ir::Dims order(static_cast<size_t>(s.count));
  std::iota(order.begin(), order.end(), 0);
  if (s.outer != 1 || s.inner != 1 || s.t.elem() == ir::ElemType::string) {
    std::ranges::stable_sort(order, [&](int64_t a, int64_t b) { return s.compare_slices(a, b) < 0; });
    return order;
  }
  std::vector<std::pair<uint64_t, int64_t>> keyed;
  for (const int64_t i : order) keyed.emplace_back(key_of(s.t, i), i);
  std::ranges::sort(keyed);
  for (size_t i = 0; i < order.size(); ++i) order[i] = keyed[i].second;
  return order;
}

struct Group {
  int64_t first, members;
};

Status eval(KernelContext& c) {
  const ir::Tensor& in = c.in(0);
  const bool flat = !c.op.has_attr("axis");
  const ir::Dims dims = flat ? ir::Dims{in.size()} : in.dims();
  const auto axis = static_cast<std::ptrdiff_t>(flat ? 0 : normal_axis(c.op.attr_int("axis", 0), in.rank()));
  const Slices s{in, dims[static_cast<size_t>(axis)], volume({dims.begin(), dims.begin() + axis}),
                 volume({dims.begin() + axis + 1, dims.end()})};
  const ir::Dims order = ordered(s);
  std::vector<Group> groups;
  ir::Dims inverse(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || s.compare_slices(order[i - 1], order[i]) != 0) groups.push_back({order[i], 0});
    ++groups.back().members;
    inverse[static_cast<size_t>(order[i])] = static_cast<int64_t>(groups.size()) - 1;
  }
  if (c.op.attr_int("sorted", 1) == 0) {  // in order of first appearance
    ir::Dims rank(groups.size()), place(groups.size());
    std::iota(rank.begin(), rank.end(), 0);
    std::ranges::sort(rank, {}, [&](int64_t g) { return groups[static_cast<size_t>(g)].first; });
    for (size_t i = 0; i < rank.size(); ++i) place[static_cast<size_t>(rank[i])] = static_cast<int64_t>(i);
    for (int64_t& g : inverse) g = place[static_cast<size_t>(g)];
    std::ranges::sort(groups, {}, &Group::first);
  }
  const auto count = static_cast<int64_t>(groups.size());
  if (c.wants(0)) {
    ir::Dims out = dims;
    out[static_cast<size_t>(axis)] = count;
    c.allocate(0, out);
    for (int64_t o = 0; o < s.outer; ++o)
      for (int64_t g = 0; g < count; ++g)
        copy_run(in, s.offset(groups[static_cast<size_t>(g)].first, o), c.out(0), (o * count + g) * s.inner, s.inner);
  }
  const auto write = [&](size_t i, int64_t n, const auto& value) {
    if (!c.wants(i)) return;
    c.allocate(i, {n});
    for (int64_t k = 0; k < n; ++k) c.out(i).set_int(k, value(static_cast<size_t>(k)));
  };
  write(1, count, [&](size_t g) { return groups[g].first; });
  write(2, s.count, [&](size_t i) { return inverse[i]; });
  write(3, count, [&](size_t g) { return groups[g].members; });
  return {};
}

constexpr In kIn[] = {{"X", kAnything}};
constexpr Out kOut[] = {{"Y"}, {"indices", kOptional}, {"inverse_indices", kOptional}, {"counts", kOptional}};
constexpr AttrDoc kAttrs[] = {{"axis", "-"}, {"sorted", "1"}};

}  // namespace

extern const OpDef kUnique = {
    .name = "Unique",
    .since = 11,
    .doc = "Each distinct element (or slice) once, with first positions, inverse and counts.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no operator finds distinct elements"},
    .to_nn = {nullptr, "no layer finds distinct elements"},
};

}  // namespace assay::ops

// TopK. Of equals the lower index comes first; a NaN ranks above every number.
#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "ops/lower/move_nn.h"
#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    c.set(1, ir::ElemType::int64, std::nullopt);
    return {};
  }
  ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", -1), c.rank(0), "top_k_c1"));
  std::vector<ir::Dim> out = c.shape(0);
  ir::Dim& d = out[static_cast<size_t>(axis)];
  const auto k = constant_ints(c, 1);
  if (k && (k->size() != 1 || k->front() < 0 || (d.known() && k->front() > d.value)))
    return c.fail("top_k_c2", "K " + ir::to_string(*k) + " for an axis of " + ir::to_string(c.type(0)));
  d = k ? ir::Dim(k->front()) : ir::Dim();
  c.set(0, c.elem(0), out);
  c.set(1, ir::ElemType::int64, std::move(out));
  return {};
}

/// Keys whose order (by <, equal for ties) is that of the elements.
double key(const ir::Tensor& t, int64_t i, double) { return t.float_at(i); }
int64_t key(const ir::Tensor& t, int64_t i, int64_t) {
  const int64_t v = t.int_at(i);
  return t.elem() == ir::ElemType::uint64 ? static_cast<int64_t>(static_cast<uint64_t>(v) ^ (uint64_t{1} << 63)) : v;
}
bool below(double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; }
bool below(int64_t a, int64_t b) { return a < b; }

template <class Key>
void select(KernelContext& c, size_t axis) {
  const ir::Tensor& in = c.in(0);
  const bool largest = c.op.attr_int("largest", 1) != 0;
  const auto at = static_cast<std::ptrdiff_t>(axis);
  const int64_t extent = in.dims()[axis], inner = volume({in.dims().begin() + at + 1, in.dims().end()});
  const int64_t wanted = c.in(1).int_at(0), lines = extent == 0 ? 0 : in.size() / extent;
  const auto run = [&](size_t begin, size_t end) {
    std::vector<Key> keys(static_cast<size_t>(extent));
    ir::Dims order(keys.size());
    for (auto n = static_cast<int64_t>(begin); n < static_cast<int64_t>(end); ++n) {
      const int64_t base = n / inner * extent * inner + n % inner, to = n / inner * wanted * inner + n % inner;
      for (int64_t i = 0; i < extent; ++i) keys[static_cast<size_t>(i)] = key(in, base + i * inner, Key{});
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + wanted, order.end(), [&](int64_t a, int64_t b) {
        const Key x = keys[static_cast<size_t>(a)], y = keys[static_cast<size_t>(b)];
        if (below(x, y)) return !largest;
        if (below(y, x)) return largest;
        return a < b;
      });
      for (int64_t i = 0; i < wanted; ++i) {
        const int64_t from = order[static_cast<size_t>(i)];
        if (c.wants(0)) copy_run(in, base + from * inner, c.out(0), to + i * inner, 1);
        if (c.wants(1)) c.out(1).set_int(to + i * inner, from);
      }
    }
  };
  c.threads.for_each(static_cast<size_t>(lines),
                     static_cast<size_t>(std::max<int64_t>(1, 4096 / std::max<int64_t>(extent, 1))), run);
}

/// A float32 whose order (unsigned) is that of the elements.
uint32_t rank_of(float x) {
  constexpr uint32_t kSign = uint32_t{1} << 31;
  if (x != x) return UINT32_MAX;
  const auto bits = std::bit_cast<uint32_t>(x == 0 ? 0.0F : x);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

/// Writes the `wanted` largest of `keys`, of a line that starts at `line`, from place `to` on.
void put_first(KernelContext& c, std::vector<uint64_t>& keys, int64_t wanted, const float* line, int64_t to,
               int64_t step) {
  const auto end = keys.begin() + wanted;
  if (wanted * 8 > static_cast<int64_t>(keys.size())) {  // a heap of many costs more than two passes
    std::nth_element(keys.begin(), end - (wanted > 0 ? 1 : 0), keys.end(), std::greater<>());
    std::sort(keys.begin(), end, std::greater<>());
  } else {
    std::partial_sort(keys.begin(), end, keys.end(), std::greater<>());
  }
  for (int64_t i = 0; i < wanted; ++i) {
    const auto from = static_cast<int64_t>(UINT32_MAX - static_cast<uint32_t>(keys[static_cast<size_t>(i)]));
    if (c.wants(0)) c.out(0).mutable_data<float>()[to + i * step] = line[from * step];
    if (c.wants(1)) c.out(1).mutable_data<int64_t>()[to + i * step] = from;
  }
}

/// Of float32: element and index in one number, the larger the further in front; equals by falling index.
void select_singles(KernelContext& c, size_t axis) {
  const float* in = c.in(0).data<float>();
  const uint32_t turned = c.op.attr_int("largest", 1) != 0 ? 0 : UINT32_MAX;
  const ir::Dims& dims = c.in(0).dims();
  const int64_t extent = dims[axis], inner = volume({dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, dims.end()});
  const int64_t wanted = c.in(1).int_at(0), lines = c.in(0).size() / extent;
  c.threads.for_each(static_cast<size_t>(lines), static_cast<size_t>(std::max<int64_t>(1, 16384 / extent)),
                     [&](size_t begin, size_t end) {
                       std::vector<uint64_t> keys(static_cast<size_t>(extent));
                       for (auto n = static_cast<int64_t>(begin); n < static_cast<int64_t>(end); ++n) {
                         const int64_t base = n / inner * extent * inner + n % inner;
                         for (int64_t i = 0; i < extent; ++i)
                           keys[static_cast<size_t>(i)] = uint64_t{rank_of(in[base + i * inner]) ^ turned} << 32 |
                                                          (UINT32_MAX - static_cast<uint32_t>(i));
                         put_first(c, keys, wanted, in + base, n / inner * wanted * inner + n % inner, inner);
                       }
                     });
}

Status eval(KernelContext& c) {
  const int64_t axis = normal_axis(c.op.attr_int("axis", -1), c.in(0).rank());
  if (axis < 0) return axis_error(c, c.op.attr_int("axis", -1), c.in(0).rank());
  const int64_t extent = c.in(0).dims()[static_cast<size_t>(axis)];
  if (c.in(1).size() != 1 || c.in(1).int_at(0) < 0 || c.in(1).int_at(0) > extent)
    return c.fail(Code::value_range, "K " + ir::to_string(c.in(1).ints()) + " for axis " + std::to_string(axis) +
                                         " with extent " + std::to_string(extent));
  ASSAY_CHECK(allocate_outputs(c));
  const bool counts = extent > 0 && extent <= int64_t{UINT32_MAX};
  if (c.in(0).elem() == ir::ElemType::float32 && counts)
    select_singles(c, static_cast<size_t>(axis));
  else if (ir::is_float(c.in(0).elem()))
    select<double>(c, static_cast<size_t>(axis));
  else
    select<int64_t>(c, static_cast<size_t>(axis));
  return {};
}

/// K was an attribute before 10.
Status upgrade_k(UpgradeContext& c) {
  if (c.op.has_input(1)) return {};
  c.set_input(1, c.constant(ir::Tensor::of_ints({c.op.attr_int("k", -1)})));
  c.op.remove_attr("k");
  return {};
}

/// K when it is a constant within the axis.
template <class Context>
Result<int64_t> known_k(const Context& c) {
  const auto k = known_ints(c, 1);
  if (!k) return c.refuse("K is known only at run time");
  if (k->size() != 1 || k->front() < 1) return c.refuse("the result has no elements");
  return k->front();
}

Status to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesSmall));
  ASSAY_TRY(const int64_t k, known_k(c));
  const int64_t axis = axis_of(c.op, -1, x.rank());
  MilParams params = {{"x", x},
                      {"k", mil::of_int(static_cast<int32_t>(k))},
                      {"axis", mil::of_int(static_cast<int32_t>(axis))},
                      {"ascending", mil::of_bool(c.op.attr_int("largest", 1) == 0)}};
  mil::Type values = x.type;
  (*values.dims)[static_cast<size_t>(axis)] = k;
  const mil::Type indices = mil::Type::tensor(mil::DataType::int32, values.dims);
  if (c.wants(0) && c.wants(1) && x.data() == mil_type(c.type(0))->data) return c.emit("topk", params);
  const std::vector<MilValue> both = c.make_several("topk", params, {values, indices});
  if (c.wants(0)) ASSAY_CHECK(result_carried(c, both[0], 0));
  return c.wants(1) ? c.result(both[1], 1) : Status();
}

Status to_nn(NnContext& c) {
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  ASSAY_TRY(const int64_t k, known_k(c));
  mil::Message params = c.params("topK");
  params.set("axis", axis_of(c.op, -1, c.rank(0))).set("K", k);
  params.set("useBottomK", int64_t{c.op.attr_int("largest", 1) == 0});
  if (c.wants(0) && c.wants(1)) return c.layer("topK", {x}, std::move(params));
  const std::vector<std::string> both = c.make_several("topK", {x}, 2, std::move(params));
  ASSAY_CHECK(c.result(both[0], 0));
  return c.result(both[1], 1);
}

constexpr In kIn[] = {{"X", kNumbers}, {"K", kInt64}};
constexpr Out kOut[] = {{"Values", kOptional}, {"Indices", kOptional}};
constexpr AttrDoc kAttrs[] = {{"axis", "-1"}, {"largest", "1"}, {"sorted", "1"}};
constexpr Upgrade kUpgrades[] = {{10, upgrade_k}};

}  // namespace

extern const OpDef kTopK = {
    .name = "TopK",
    .since = 24,
    .doc = "The K largest (or smallest) elements along an axis, sorted, and their indices.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "topk; the order of equals is not promised"},
    .to_nn = {to_nn, "topK; the order of equals is not promised"},
};

}  // namespace assay::ops

// (x - offset) * scale, each step rounded; both one for all, or one a feature.
#include "ops/ml/features.h"
#include "ops/ml/lower.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Status check_count(const KernelContext& c, std::string_view attr, size_t count, size_t columns) {
  if (count == 1 || count == columns) return {};
  return c.fail(Code::model_invalid, std::string(attr) + " has " + std::to_string(count) + " values for " +
                                         std::to_string(columns) + " features: there must be one, or one a feature");
}

template <class T>
Status run(KernelContext& c) {
  std::vector<T> offset = numbers_of<T>(c.op, "offset"), scale = numbers_of<T>(c.op, "scale");
  const size_t columns = c.in(0).rank() == 0 ? 1 : static_cast<size_t>(c.in(0).dims().back());
  if (offset.empty()) offset.push_back(0);
  if (scale.empty()) scale.push_back(1);
  ASSAY_CHECK(check_count(c, "offset", offset.size(), columns));
  ASSAY_CHECK(check_count(c, "scale", scale.size(), columns));
  const num::Arith<T> arith(c.policy());
  const auto tile = [&](const std::vector<T>& values, size_t at, T* to, size_t n) {
    for (size_t i = 0; i < n; ++i) to[i] = values[values.size() == 1 ? 0 : (at + i) % columns];
  };
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    std::vector<T> buffer(3 * kChunk);
    T *y = buffer.data() + kChunk, *operand = y + kChunk;
    for (size_t at = from; at < to; at += kChunk) {
      const size_t n = std::min(kChunk, to - at);
      const T* x = load(c.in(0), static_cast<int64_t>(at), n, buffer.data());
      tile(offset, at, operand, n);
      arith.sub(x, operand, y, n);
      tile(scale, at, operand, n);
      arith.mul(y, operand, y, n);
      store(c.out(0), static_cast<int64_t>(at), n, y, c.policy());
    }
  });
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  return computes_float64(c) ? run<double>(c) : run<float>(c);
}

Status infer(InferContext& c) {
  c.set(0, ir::ElemType::float32, c.type(0).shape);
  return {};
}

template <class Context>
Status check_features(const Context& c) {
  for (const char* attr : {"offset", "scale"}) ASSAY_CHECK(check_beside(c, attr, c.op.attr_floats(attr).size()));
  return {};
}
Status to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  ASSAY_CHECK(check_features(c));
  const MilValue moved = c.binary("sub", c.in(0), mil_numbers(c, "offset", 0));
  return c.emit("mul", {{"x", moved}, {"y", mil_numbers(c, "scale", 1)}});
}
Status to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  ASSAY_CHECK(check_features(c));
  const std::string moved = c.make("subtractBroadcastable", {c.in(0), nn_numbers(c, "offset", 0)});
  return c.layer("multiplyBroadcastable", {moved, nn_numbers(c, "scale", 1)});
}

constexpr In kIn[] = {{"X", kFeatures}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"offset", "-"}, {"scale", "-"}};

}  // namespace

extern const OpDef kScaler = {
    .domain = kMl,
    .name = "Scaler",
    .doc = "(x - offset) * scale, with one of each for all, or one a feature.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::elementwise,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "sub, mul"},
    .to_nn = {to_nn, "subtractBroadcastable, multiplyBroadcastable"},
    .bound = {.f32 = 1},
};

}  // namespace assay::ops

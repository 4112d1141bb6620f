#include <cmath>

#include "ops/ml/features.h"
#include "ops/ml/lower.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

/// The largest integer that is not above the threshold, so that integers compare exactly; nullopt: all are above.
std::optional<int64_t> whole_threshold(double threshold) {
  if (std::isnan(threshold) || threshold >= 0x1p63) return INT64_MAX;  // none is above
  if (threshold < -0x1p63) return std::nullopt;
  return static_cast<int64_t>(std::floor(threshold));
}

template <class T>
void floats(KernelContext& c, T threshold) {
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    T buffer[kChunk], out[kChunk];
    for (size_t at = from; at < to; at += kChunk) {
      const size_t n = std::min(kChunk, to - at);
      const T* x = load(c.in(0), static_cast<int64_t>(at), n, buffer);
      for (size_t i = 0; i < n; ++i) out[i] = x[i] > threshold ? T(1) : T(0);
      store(c.out(0), static_cast<int64_t>(at), n, out, c.policy());
    }
  });
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  float threshold = c.op.attr_float("threshold", 0);
  if (c.policy().attribute) num::round_in_place(&threshold, 1, *c.policy().attribute);
  if (ir::is_float(c.in(0).elem())) {
    computes_float64(c) ? floats<double>(c, threshold) : floats<float>(c, threshold);
    return {};
  }
  const auto whole = whole_threshold(threshold);
  for (int64_t i = 0; i < c.in(0).size(); ++i) c.out(0).set_int(i, !whole || c.in(0).int_at(i) > *whole);
  return {};
}

Status to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const MilValue x = c.in(0), threshold = c.constant_value(c.number(c.op.attr_float("threshold", 0)));
  return c.result(c.cast(c.compare("greater", x, threshold), x.data()));
}
Status to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const double threshold = c.op.attr_float("threshold", 0);
  return c.layer("greaterThan", {c.in(0)}, c.params("greaterThan").set("alpha", threshold));
}

constexpr In kIn[] = {{"X", kFeatures}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"threshold", "0"}};

}  // namespace

extern const OpDef kBinarizer = {
    .domain = kMl,
    .name = "Binarizer",
    .doc = "1 where an element is above the threshold, else 0.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer_same,
    .eval = eval,
    .to_mil = {to_mil, "greater, cast"},
    .to_nn = {to_nn, "greaterThan"},
};

}  // namespace assay::ops

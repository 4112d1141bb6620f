// Gelu and its approximations, with what was fused in front of them.
#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

Id gelu(Compose& c, Id x, const char* approximate) {
  return c.op("Gelu", {x}, {{"approximate", std::string(approximate)}});
}
Id with_bias(Compose& c, Id x, size_t bias) { return c.has(bias) ? c.op("Add", {x, c.in(bias)}) : x; }

Status plain(Compose& c) {
  c.give(0, gelu(c, c.in(0), "none"));
  return {};
}
Status biased(Compose& c) {
  c.give(0, gelu(c, with_bias(c, c.in(0), 1), "none"));
  return {};
}
Status fast(Compose& c) {
  c.give(0, gelu(c, with_bias(c, c.in(0), 1), "tanh"));
  return {};
}
Status quick(Compose& c) {
  const Id x = c.in(0), scaled = c.op("Mul", {x, c.number(c.node().attr_float("alpha", 1.702f), x)});
  c.give(0, c.op("Mul", {x, c.op("Sigmoid", {scaled})}));
  return {};
}
Status product_fast(Compose& c) {
  c.give(0, gelu(c, with_bias(c, c.op("MatMul", {c.in(0), c.in(1)}), 2), "tanh"));
  return {};
}
/// The first half of the last axis times the Gelu of the second.
Status split(Compose& c) {
  const Id x = with_bias(c, c.in(0), 1);
  const auto halves = c.several("Split", {x}, 2, {{"axis", int64_t{-1}}, {"num_outputs", int64_t{2}}});
  c.give(0, c.op("Mul", {halves[0], gelu(c, halves[1], "none")}));
  return {};
}

constexpr In kX[] = {{"X", kFloats}};
constexpr In kAB[] = {{"A", kFloats}, {"B", kFloats}};
constexpr In kXBias[] = {{"X", kFloats}, {"bias", kFloats, kOptional}};
constexpr In kXWBias[] = {{"X", kFloats}, {"W", kFloats}, {"bias", kFloats, kOptional}};
constexpr In kSplitIn[] = {{"X", kFloats}, {"bias", kFloats}};
constexpr Out kY[] = {{"Y"}};
constexpr AttrDoc kAlpha[] = {{"alpha", "1.702"}};

}  // namespace

ASSAY_COMPOSED(kMicrosoftBiasGelu, kMicrosoft, "BiasGelu", kAB, kY, {}, biased, "Add, Gelu.")
ASSAY_COMPOSED(kMicrosoftBiasSplitGelu, kMicrosoft, "BiasSplitGelu", kSplitIn, kY, {}, split,
               "Add; the first half of the last axis times the Gelu of the second.")
ASSAY_COMPOSED(kMicrosoftFastGelu, kMicrosoft, "FastGelu", kXBias, kY, {}, fast, "Add, Gelu by tanh.")
ASSAY_COMPOSED(kMicrosoftGelu, kMicrosoft, "Gelu", kX, kY, {}, plain, "Gelu by erf.")
ASSAY_COMPOSED(kMicrosoftGemmFastGelu, kMicrosoft, "GemmFastGelu", kXWBias, kY, {}, product_fast,
               "MatMul, Add, Gelu by tanh.")
ASSAY_COMPOSED(kMicrosoftQuickGelu, kMicrosoft, "QuickGelu", kX, kY, kAlpha, quick, "x times sigmoid(alpha x).")

}  // namespace assay::ops

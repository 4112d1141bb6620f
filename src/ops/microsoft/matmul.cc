// Matrix products with transposed operands, a factor and an activation.
#include <numeric>

#include "ops/microsoft/activation.h"
#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

/// The operand as MatMul takes it. `batch`: its first axis moves behind the batch axes; then `matrix`: the last two are
/// exchanged.
Result<Id> operand(Compose& c, size_t i, bool matrix, bool batch) {
  const Id x = c.in(i);
  if (!matrix && !batch) return x;
  if (!c.ranked(x)) return c.fail("the rank of input " + std::to_string(i) + " is not known");
  const int64_t rank = c.rank(x);
  if (rank < 2) return x;  // a vector has nothing to exchange
  ir::Dims perm(static_cast<size_t>(rank));
  std::iota(perm.begin(), perm.end(), 0);
  if (batch) std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
  if (matrix) std::swap(perm[perm.size() - 2], perm.back());
  return c.transpose(x, perm);
}

Result<Id> product(Compose& c) {
  const ir::Op& node = c.node();
  ASSAY_TRY(const Id a, operand(c, 0, node.attr_int("transA", 0) != 0, node.attr_int("transBatchA", 0) != 0));
  ASSAY_TRY(const Id b, operand(c, 1, node.attr_int("transB", 0) != 0, node.attr_int("transBatchB", 0) != 0));
  const Id y = c.op("MatMul", {a, b});
  const float alpha = node.attr_float("alpha", 1);
  return alpha == 1 ? y : c.op("Mul", {y, c.number(alpha, y)});
}

Status fused(Compose& c) {
  ASSAY_TRY(const Id y, product(c));
  c.give(0, y);
  return {};
}
Status fused_activation(Compose& c) {
  ASSAY_TRY(const Id y, product(c));
  ASSAY_TRY(const Id z, activate(c, y, c.node().attr_string("activation", "")));
  c.give(0, z);
  return {};
}
Status fused_gemm(Compose& c) {
  std::vector<ir::Attr> attrs;
  for (const ir::Attr& attr : c.node().attrs)
    if (!attr.name.starts_with("activation")) attrs.push_back(attr);
  const Id y = c.op("Gemm", {c.in(0), c.in(1), c.in(2)}, std::move(attrs));
  ASSAY_TRY(const Id z, activate(c, y, c.node().attr_string("activation", "")));
  c.give(0, z);
  return {};
}

constexpr In kAB[] = {{"A", kFloats}, {"B", kFloats}};
constexpr In kGemmIn[] = {{"A", kFloats}, {"B", kFloats}, {"C", kFloats, kOptional}};
constexpr Out kY[] = {{"Y"}};
constexpr AttrDoc kOldAttrs[] = {{"alpha", "1"}, {"transA", "0"}, {"transB", "0"}};
constexpr AttrDoc kAttrs[] = {
    {"alpha", "1"}, {"transA", "0"}, {"transB", "0"}, {"transBatchA", "0"}, {"transBatchB", "0"}};
constexpr AttrDoc kActivationAttrs[] = {{"activation", ""},       {"activation_alpha", "-"}, {"activation_axis", "-"},
                                        {"activation_beta", "-"}, {"activation_gamma", "-"}, {"alpha", "1"},
                                        {"transA", "0"},          {"transB", "0"},           {"transBatchA", "0"},
                                        {"transBatchB", "0"}};
constexpr AttrDoc kGemmAttrs[] = {
    {"activation", "-"}, {"activation_alpha", "-"}, {"activation_beta", "-"}, {"activation_gamma", "-"}, {"alpha", "1"},
    {"beta", "1"},       {"transA", "0"},           {"transB", "0"}};

}  // namespace

ASSAY_COMPOSED(kMicrosoftFusedGemm, kMicrosoft, "FusedGemm", kGemmIn, kY, kGemmAttrs, fused_gemm, "Gemm, activation.")
ASSAY_COMPOSED(kMicrosoftFusedMatMul, kMicrosoft, "FusedMatMul", kAB, kY, kAttrs, fused,
               "Transposes, MatMul, times alpha.")
ASSAY_COMPOSED(kMicrosoftFusedMatMulActivation, kMicrosoft, "FusedMatMulActivation", kAB, kY, kActivationAttrs,
               fused_activation, "Transposes, MatMul, times alpha, activation.")
ASSAY_COMPOSED(kMicrosoftTransposeMatMul, kMicrosoft, "TransposeMatMul", kAB, kY, kOldAttrs, fused,
               "Older name of FusedMatMul.")

}  // namespace assay::ops

// Multinomial: for each sample the first class whose running sum of weights exceeds a drawn part of their total.
// Weights are exp(x - max); all of it in float64, whatever the policy: what comes out is a decision.
#include <cmath>
#include <vector>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"
#include "ops/random_stream.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  const auto type = ir::elem_from_onnx(c.op().attr_int("dtype", static_cast<int64_t>(ir::ElemType::int32)));
  if (!type || !kIndices.has(*type)) return c.fail("multinomial_c1", "dtype is neither int32 nor int64");
  const int64_t samples = c.op().attr_int("sample_size", 1);
  if (samples < 0) return c.fail("multinomial_c2", "sample_size is " + std::to_string(samples));
  std::vector<ir::Dim> shape = {ir::Dim(), samples};
  if (c.ranked(0)) {
    if (c.rank(0) != 2) return c.fail("multinomial_c3", "the input has rank " + std::to_string(c.rank(0)) + ", not 2");
    shape[0] = c.shape(0)[0];
    if (shape[0].known()) ASSAY_CHECK(check_size(c, {shape[0].value, samples}));
  }
  c.set(0, *type, std::move(shape));
  return {};
}

/// Running sums of the weights of one row; nothing when they have no total to divide.
bool running_sums(const ir::Tensor& x, int64_t row, std::vector<double>& sums) {
  const size_t n = sums.size();
  const double* values = load(x, row * static_cast<int64_t>(n), n, sums.data());
  const num::Arith<double> arith{num::Policy{}};
  const double top = arith.max_of(values, n);
  if (!std::isfinite(top)) return false;
  arith.sub(values, top, sums.data(), n);
  arith.apply(num::Function::exp, sums.data(), sums.data(), n);
  for (size_t i = 1; i < n; ++i) sums[i] += sums[i - 1];
  return true;
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const int64_t rows = c.in(0).dims()[0], samples = c.out(0).dims()[1];
  if (c.out(0).size() == 0) return {};
  const RandomStream stream(c.op);
  std::vector<double> sums(static_cast<size_t>(c.in(0).dims()[1]));
  for (int64_t row = 0; row < rows; ++row) {
    if (sums.empty() || !running_sums(c.in(0), row, sums))
      return c.fail(Code::value_range,
                    "row " + std::to_string(row) + " says no probabilities: its largest element is not finite");
    for (int64_t s = 0; s < samples; ++s) {
      double u = 0;
      stream.uniform(static_cast<uint64_t>(row * samples + s), 1, &u);
      const double wanted = u * sums.back();
      // Rounding may bring `wanted` up to the total; then the last class that weighs anything is meant.
      auto at = std::upper_bound(sums.begin(), sums.end(), wanted);
      if (at == sums.end()) at = std::lower_bound(sums.begin(), sums.end(), sums.back());
      c.out(0).set_int(row * samples + s, at - sums.begin());
    }
  }
  return {};
}

constexpr In kIn[] = {{"input", kFloats}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"dtype", "int32"}, {"sample_size", "1"}, {"seed", "-"}};
constexpr num::Function kCalls[] = {num::Function::exp};

}  // namespace

extern const OpDef kMultinomial = {
    .name = "Multinomial",
    .since = 22,
    .doc = "Classes drawn by their unnormalised log-probabilities, by Philox4x32-10.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .elementary = kCalls,
    .upgrades = kNamesDraws,
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "Core ML does not say which numbers are drawn"},
    .to_nn = {.says = "Core ML does not say which numbers are drawn"},
};

}  // namespace assay::ops

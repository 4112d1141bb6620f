#include <cmath>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/legacy_broadcast.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

template <class T>
void pow_span(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  arith.pow(in[0], in[1], out, n);
}

// Modulo 2^64. Negative exponents: 1 / base^|e| toward zero, so 0 but for 1 and -1 (and 0, which ONNX leaves open).
uint64_t power(uint64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    return base == ~uint64_t{0} ? (exponent % 2 != 0 ? base : 1) : 0;
  }
  uint64_t result = 1;
  for (auto e = static_cast<uint64_t>(exponent); e != 0; e >>= 1, base *= base) {
    if ((e & 1) != 0) result *= base;
  }
  return result;
}
void pow_int(const float*, const int64_t* const* in, int64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<int64_t>(power(static_cast<uint64_t>(in[0][i]), in[1][i]));
}

// An integer base with a float exponent: whole exponents exactly; others have no meaning that runtimes share.
Status integer_by_float(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor& exponents = c.in(1);
  ir::Tensor whole = ir::Tensor::allocate(ir::ElemType::int64, exponents.dims());
  for (int64_t i = 0; i < exponents.size(); ++i) {
    const double e = exponents.float_at(i);
    if (e != std::floor(e) || !(std::abs(e) < 0x1p31))
      return c.fail(Code::type_unsupported, "an integer to a power that is not a whole number");
    whole.set_int(i, static_cast<int64_t>(e));
  }
  c.inputs[1] = &whole;
  return eval_elementwise(c);
}

Status eval(KernelContext& c) {
  if (!ir::is_float(c.in(0).elem()) && ir::is_float(c.in(1).elem())) return integer_by_float(c);
  return eval_elementwise(c);
}

constexpr In kIn[] = {{"X", kNumbers}, {"Y", kNumbers}};
constexpr Out kOut[] = {{"Z"}};

}  // namespace

extern const OpDef kPow = {
    .name = "Pow",
    .since = 15,
    .doc = "X to the power Y, in X's type.",
    .in = kIn,
    .out = kOut,
    .mixed = true,
    .numeric = Numeric::elementwise,
    .upgrades = kBroadcastUpgrades,
    .infer = infer_broadcast,
    .eval = eval,
    .elementwise = {pow_span<float>, pow_span<double>, nullptr, pow_int},
    .bound = {.f32 = 1.0},
};

}  // namespace assay::ops

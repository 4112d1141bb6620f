#include <algorithm>
#include <cmath>
#include <optional>

#include "ops/broadcast.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/legacy_broadcast.h"
#include "ops/lower/elementwise.h"
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

/// Toward zero, within the type; what is no number is 0.
int64_t cut(double x, ir::ElemType type) {
  if (std::isnan(x)) return 0;
  const bool is_signed = ir::is_signed_integer(type);
  const int bits = ir::elem_bits(type) - (is_signed ? 1 : 0);
  const double end = std::ldexp(1.0, bits);
  const auto largest = static_cast<int64_t>(bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1);
  if (x >= end) return largest;
  if (x < 0) return !is_signed ? 0 : x < -end ? -largest - 1 : static_cast<int64_t>(x);
  return static_cast<int64_t>(static_cast<uint64_t>(x));
}

/// Powers that are no whole numbers, element by element: computed in float64 and cut.
Status integer_by_fraction(KernelContext& c) {
  const Broadcast bases(c.in(0).dims(), c.out(0).dims()), exponents(c.in(1).dims(), c.out(0).dims());
  for (int64_t i = 0; i < c.out(0).size(); ++i) {
    double base = 0, exponent = 0;
    bases.runs(i, 1, [&](size_t, int64_t at, size_t, bool) { base = c.in(0).float_at(at); });
    exponents.runs(i, 1, [&](size_t, int64_t at, size_t, bool) { exponent = c.in(1).float_at(at); });
    c.out(0).set_int(i, cut(num::pow(base, exponent), c.out(0).elem()));
  }
  return {};
}

// An integer base with a float exponent: whole exponents exactly.
Status integer_by_float(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor& exponents = c.in(1);
  ir::Tensor whole = ir::Tensor::allocate(ir::ElemType::int64, exponents.dims());
  for (int64_t i = 0; i < exponents.size(); ++i) {
    const double e = exponents.float_at(i);
    if (e != std::floor(e) || !(std::abs(e) < 0x1p31)) return integer_by_fraction(c);
    whole.set_int(i, static_cast<int64_t>(e));
  }
  c.inputs[1] = &whole;
  return eval_elementwise(c);
}

Status eval(KernelContext& c) {
  if (!ir::is_float(c.in(0).elem()) && ir::is_float(c.in(1).elem())) return integer_by_float(c);
  return eval_elementwise(c);
}

constexpr int64_t kMostFactors = 8;  // of a power of integers that is written as products

/// The exponent when it is one known number.
template <class Context>
std::optional<double> known_exponent(const Context& c) {
  const ir::Tensor* e = c.constant(1);
  return e != nullptr && e->size() == 1 ? std::optional(e->float_at(0)) : std::nullopt;
}

/// Integers: x * x * ..., the only form in which every factor and product is an integer for certain.
template <class Context, class Value, class Multiply>
Status product(Context& c, const Value& x, Multiply multiply) {
  const auto e = known_exponent(c);
  if (!e || *e < 1 || *e > kMostFactors || *e != std::floor(*e) || c.rank(1) > c.rank(0))
    return c.refuse("powers of integers are written for constant exponents from 1 to 8 alone");
  Value y = x;
  for (double factor = 1; factor < *e; ++factor) y = multiply(y, x);
  return c.result(y);
}

bool is_two(const ir::Tensor* base) { return base != nullptr && base->size() == 1 && base->float_at(0) == 2; }

/// Runtimes have squared the exponent where the base is the constant 2: exp2 says the same without it.
Status to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_numbers(c));
  const MilValue x = c.in(0);
  if (!ir::is_float(c.elem(0)))
    return product(c, x, [&](const MilValue& a, const MilValue& b) { return c.binary("mul", a, b); });
  ASSAY_CHECK(mil_takes_numbers(c, 1));
  const MilValue y = c.cast(c.in(1), x.data());
  if (is_two(c.constant(0)) && c.rank(0) <= c.rank(1)) return c.emit("exp2", {{"x", y}});
  return c.emit("pow", {{"x", x}, {"y", y}});
}

Status to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_numbers(c));
  ASSAY_CHECK(nn_takes_numbers(c, 1));
  if (!ir::is_float(c.elem(0)))
    return product(c, c.in(0), [&](const std::string& a, const std::string& b) {
      return c.make("multiplyBroadcastable", {a, b});
    });
  if (is_two(c.constant(0)) && c.rank(0) <= std::max<int64_t>(c.rank(1), 1)) return c.layer("exp2", {c.in(1)});
  return nn_plain<"powBroadcastable">(c);
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
    .to_mil = {to_mil, "pow; base 2: exp2; integers: mul"},
    .to_nn = {to_nn, "powBroadcastable; base 2: exp2; integers: multiplyBroadcastable"},
    .bound = {.f32 = 1.0},
};

}  // namespace assay::ops

#include <algorithm>
#include <array>
#include <cmath>

#include "num/elementary.h"
#include "ops/divisors.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

// The remainder of the truncated quotient is exact. Where its sign is not the divisor's (fmod = 0), the divisor is
// added to it, which rounds; of zeros only the sign changes.
template <class T>
void toward_divisor(const T* divisors, T* rests, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (rests[i] == 0)
      rests[i] = std::copysign(T{0}, divisors[i]);
    else if (std::signbit(rests[i]) != std::signbit(divisors[i]))
      rests[i] += divisors[i];
  }
}

template <class T>
void mod_span(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  std::array<T, kChunk> divisors;  // the result may lie over them
  for (size_t begin = 0; begin < n; begin += kChunk) {
    const size_t count = std::min(n - begin, kChunk);
    std::copy_n(in[1] + begin, count, divisors.data());
    num::fmod(in[0] + begin, divisors.data(), out + begin, count);
    if (params[0] == 0) toward_divisor(divisors.data(), out + begin, count);
  }
  arith.step(out, n);
}

// fmod = 0: the sign of the divisor; 1: the sign of the dividend. Divisors are not 0 (eval).
void mod_int(const float* params, const int64_t* const* in, int64_t* out, size_t n) {
  const bool c_sign = params[0] != 0;
  for (size_t i = 0; i < n; ++i) {
    const int64_t a = in[0][i], b = in[1][i];
    int64_t r = b == -1 ? 0 : a % b;
    if (!c_sign && r != 0 && (r < 0) != (b < 0)) r += b;
    out[i] = r;
  }
}
void mod_uint(const float*, const uint64_t* const* in, uint64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = in[0][i] % in[1][i];
}
void params(const ir::Op& op, float* values) { values[0] = op.attr_int("fmod", 0) != 0; }

Status infer(InferContext& c) {
  const int64_t fmod = c.op().attr_int("fmod", 0);
  if (fmod != 0 && fmod != 1) return c.fail("mod_c1", "fmod is " + std::to_string(fmod) + ", not 0 or 1");
  return infer_broadcast(c);
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_CHECK(check_divisors(c));
  return eval_elementwise(c);
}

/// The remainder of the absolute values with the dividend's sign, which zeros have too.
Status float_remainder(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const MilValue a = c.in(0), b = c.in(1), zero = c.constant_value(c.number(0));
  const MilValue size = c.unary("abs", a), divisor = c.unary("abs", b), rest = c.binary("mod", size, divisor);
  const MilValue above = c.compare("greater", a, zero), at_zero = c.binary("sub", a, rest);
  const MilValue from_zero = c.select(above, rest, at_zero);
  const MilValue below = c.compare("less", a, zero), negative = c.binary("mul", rest, -1);
  return c.result(c.select(below, negative, from_zero));
}

/// `mod` has the divisor's sign: what remains beyond the dividend's side of zero is taken back.
Status to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_numbers(c));
  if (c.op.attr_int("fmod", 0) == 0) return mil_binary<"mod">(c);
  if (ir::is_float(c.elem(0))) return float_remainder(c);
  const MilValue a = c.in(0), b = c.in(1), rest = c.binary("mod", a, b);
  const MilValue remains = c.compare("not_equal", rest, c.constant_value(mil::of_int(0)));
  const MilValue wrong = c.cast(c.binary("logical_and", remains, mil_signs_differ(c, a, b)), mil::DataType::int32);
  return c.emit("sub", {{"x", rest}, {"y", c.binary("mul", wrong, b)}});
}

Status to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_numbers(c));
  if (c.op.attr_int("fmod", 0) == 0) return nn_plain<"modBroadcastable">(c);
  const std::string a = c.in(0);
  const std::string rest =
      c.make("modBroadcastable", {nn_function(c, NnFunction::abs, a), nn_function(c, NnFunction::abs, c.in(1))});
  const std::string at_zero = c.make("subtractBroadcastable", {a, rest});
  const std::string from_zero = nn_where(c, nn_against(c, "greaterThan", a, 0), rest, at_zero);
  const std::string negative = c.make("multiplyBroadcastable", {rest, c.number(-1)});
  return c.result(nn_where(c, nn_against(c, "lessThan", a, 0), negative, from_zero));
}

constexpr In kIn[] = {{"A", kNumbers}, {"B", kNumbers}};
constexpr Out kOut[] = {{"C"}};
constexpr AttrDoc kAttrs[] = {{"fmod", "0"}};

}  // namespace

extern const OpDef kMod = {
    .name = "Mod",
    .since = 28,
    .doc = "The remainder, with the divisor's sign or (fmod = 1) the dividend's.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::elementwise,
    .infer = infer,
    .eval = eval,
    .elementwise = {mod_span<float>, mod_span<double>, params, mod_int, mod_uint},
    .to_mil = {to_mil, "mod; with the dividend's sign: and comparisons, select"},
    .to_nn = {to_nn, "modBroadcastable; with the dividend's sign: and comparisons, whereBroadcastable"},
    .in_place = true,
};

}  // namespace assay::ops

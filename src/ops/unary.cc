// Operators of one operand without an elementary function: signs, rounding to integers, reciprocal.
#include <type_traits>

#include "ops/element_spans.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/plain_steps.h"

namespace assay::ops {
namespace {

#define ASSAY_SPAN(name)                                                                             \
  template <class T>                                                                                 \
  void name##_span(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) { \
    arith.name(in[0], out, n);                                                                       \
  }
ASSAY_SPAN(abs)
ASSAY_SPAN(neg)
ASSAY_SPAN(floor)
ASSAY_SPAN(ceil)
ASSAY_SPAN(round)
#undef ASSAY_SPAN

template <class T>
void reciprocal_span(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  arith.div(T(1), in[0], out, n);
}

// -1, 0 or 1; NaN stays NaN: x - x of an infinity is not taken, so only NaN gives NaN.
template <class T>
void sign_span(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  if constexpr (std::is_same_v<T, float>) {
    if (plain_steps(arith.policy())) return signs_of(in[0], n, out);
  }
  arith.add(in[0], T(0), out, n);
  for (size_t i = 0; i < n; ++i) out[i] = out[i] > 0 ? T(1) : out[i] < 0 ? T(-1) : out[i];
}

void abs_int(const float*, const int64_t* const* in, int64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const auto x = static_cast<uint64_t>(in[0][i]);
    out[i] = static_cast<int64_t>(in[0][i] < 0 ? -x : x);
  }
}
void neg_int(const float*, const int64_t* const* in, int64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<int64_t>(-static_cast<uint64_t>(in[0][i]));
}
void sign_int(const float*, const int64_t* const* in, int64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = (in[0][i] > 0) - (in[0][i] < 0);
}
void abs_uint(const float*, const uint64_t* const* in, uint64_t* out, size_t n) { std::copy_n(in[0], n, out); }
void sign_uint(const float*, const uint64_t* const* in, uint64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = in[0][i] != 0;
}

Status neg_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_numbers(c));
  const bool whole = !ir::is_float(c.elem(0));
  return c.emit("mul", {{"x", c.in(0)}, {"y", whole ? mil::of_int(-1) : c.number(-1)}});
}
Status neg_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_numbers(c));
  return c.layer("multiplyBroadcastable", {c.in(0), c.number(-1)});
}

/// `inverse` adds its epsilon to the operand first, which takes the sign from -0 even when it is 0.
Status reciprocal_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return c.emit("real_div", {{"x", c.number(1)}, {"y", c.in(0)}});
}
Status reciprocal_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return c.layer("divideBroadcastable", {c.number(1), c.in(0)});
}

Status abs_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_numbers(c));
  return c.layer("unary", {c.in(0)}, nn_function_params(NnFunction::abs));
}

Status round_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return c.result(nn_rounded(c, c.in(0)));
}

constexpr Lowering<MilContext> kAbsMil{mil_number_function<"abs">, "abs"};
constexpr Lowering<MilContext> kCeilMil{mil_function<"ceil">, "ceil"}, kFloorMil{mil_function<"floor">, "floor"};
constexpr Lowering<MilContext> kNegMil{neg_to_mil, "mul by -1"}, kReciprocalMil{reciprocal_to_mil, "real_div"};
constexpr Lowering<MilContext> kRoundMil{mil_function<"round">, "round"};
constexpr Lowering<MilContext> kSignMil{mil_number_function<"sign">, "sign"};
constexpr Lowering<NnContext> kAbsNn{abs_to_nn, "unary ABS"};
constexpr Lowering<NnContext> kCeilNn{nn_function_layer<"ceil">, "ceil"}, kFloorNn{nn_function_layer<"floor">, "floor"};
constexpr Lowering<NnContext> kNegNn{neg_to_nn, "multiplyBroadcastable by -1"};
constexpr Lowering<NnContext> kReciprocalNn{reciprocal_to_nn, "divideBroadcastable"};
constexpr Lowering<NnContext> kRoundNn{round_to_nn, "floor, comparisons, whereBroadcastable: `round` leaves ties open"};
constexpr Lowering<NnContext> kSignNn{nn_arithmetic<"sign">, "sign"};

constexpr In kNumbersIn[] = {{"X", kNumbers}};
constexpr In kSignedIn[] = {{"X", kFloats | kSigned}};
constexpr In kFloatsIn[] = {{"X", kFloats}};
constexpr Out kOut[] = {{"Y"}};

}  // namespace

#define ASSAY_ROW(row, onnx, version, types, function, signed_function, unsigned_function, sentence)                 \
  extern const OpDef row = {                                                                                         \
      .name = onnx,                                                                                                  \
      .since = version,                                                                                              \
      .doc = sentence,                                                                                               \
      .in = types,                                                                                                   \
      .out = kOut,                                                                                                   \
      .numeric = Numeric::elementwise,                                                                               \
      .infer = infer_same,                                                                                           \
      .eval = eval_elementwise,                                                                                      \
      .elementwise = {function##_span<float>, function##_span<double>, nullptr, signed_function, unsigned_function}, \
      .to_mil = row##Mil,                                                                                            \
      .to_nn = row##Nn,                                                                                              \
      .in_place = true,                                                                                              \
      .bound = {.f32 = 0.5},                                                                                         \
  };
ASSAY_ROW(kAbs, "Abs", 13, kNumbersIn, abs, abs_int, abs_uint, "The absolute value.")
ASSAY_ROW(kCeil, "Ceil", 13, kFloatsIn, ceil, nullptr, nullptr, "The smallest integer that is not less.")
ASSAY_ROW(kFloor, "Floor", 13, kFloatsIn, floor, nullptr, nullptr, "The largest integer that is not greater.")
ASSAY_ROW(kNeg, "Neg", 13, kSignedIn, neg, neg_int, nullptr, "The negative; of the smallest integer, itself.")
ASSAY_ROW(kReciprocal, "Reciprocal", 13, kFloatsIn, reciprocal, nullptr, nullptr, "1 / x.")
ASSAY_ROW(kRound, "Round", 22, kFloatsIn, round, nullptr, nullptr, "The nearest integer, ties to even.")
ASSAY_ROW(kSign, "Sign", 13, kNumbersIn, sign, sign_int, sign_uint, "-1, 0 or 1; NaN of NaN.")
#undef ASSAY_ROW

}  // namespace assay::ops

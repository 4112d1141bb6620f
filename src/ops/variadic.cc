// Max, Min, Sum and Mean of any number of operands, taken from the left.
#include <algorithm>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/span.h"

namespace assay::ops {
namespace {

void count_param(const ir::Op& op, float* params) { params[0] = static_cast<float>(op.inputs.size()); }

// op(a, b, y, m) over all operands; the output is written last, so it may be any of them.
template <class T, class Op>
void fold(const float* params, const T* const* in, T* out, size_t n, Op op) {
  const auto count = static_cast<size_t>(params[0]);
  for_blocks(n, [&](size_t i, size_t m) {
    T t[kBlock];
    std::copy_n(in[0] + i, m, t);
    for (size_t k = 1; k < count; ++k) op(t, in[k] + i, t, m);
    std::copy_n(t, m, out + i);
  });
}

template <class T>
void max_span(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  fold(params, in, out, n, [&](const T* a, const T* b, T* y, size_t m) { arith.max(a, b, y, m); });
}
template <class T>
void min_span(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  fold(params, in, out, n, [&](const T* a, const T* b, T* y, size_t m) { arith.min(a, b, y, m); });
}
template <class T>
void sum_span(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  fold(params, in, out, n, [&](const T* a, const T* b, T* y, size_t m) { arith.add(a, b, y, m); });
}
template <class T>
void mean_span(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  sum_span(arith, params, in, out, n);
  arith.div(out, T(params[0]), out, n);
}

template <class T>
void max_int(const float* params, const T* const* in, T* out, size_t n) {
  fold(params, in, out, n, [](const T* a, const T* b, T* y, size_t m) {
    for (size_t i = 0; i < m; ++i) y[i] = std::max(a[i], b[i]);
  });
}
template <class T>
void min_int(const float* params, const T* const* in, T* out, size_t n) {
  fold(params, in, out, n, [](const T* a, const T* b, T* y, size_t m) {
    for (size_t i = 0; i < m; ++i) y[i] = std::min(a[i], b[i]);
  });
}

template <Word kType>
MilValue folded(MilContext& c) {
  MilValue y = mil_widened(c, 0);
  for (size_t i = 1; i < c.input_count(); ++i) y = c.binary(kType.view(), y, mil_widened(c, i));
  return y;
}
template <Word kType>
Status fold_to_mil(MilContext& c) {
  return mil_narrowed(c, folded<kType>(c));
}
Status mean_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const MilValue sum = folded<"add">(c);
  return c.emit("real_div", {{"x", sum}, {"y", c.number(static_cast<double>(c.input_count()))}});
}

template <Word kKind>
std::string folded(NnContext& c) {
  std::string y = c.in(0);
  for (size_t i = 1; i < c.input_count(); ++i) y = c.make(kKind.view(), {y, c.in(i)});
  return y;
}
template <Word kKind>
Status fold_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_comparable(c));
  return c.result(folded<kKind>(c));
}
Status mean_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const std::string sum = folded<"addBroadcastable">(c);
  return c.layer("divideBroadcastable", {sum, c.number(static_cast<double>(c.input_count()))});
}

constexpr Lowering<MilContext> kMaxMil{fold_to_mil<"maximum">, "maximum"}, kMinMil{fold_to_mil<"minimum">, "minimum"};
constexpr Lowering<MilContext> kSumMil{fold_to_mil<"add">, "add"}, kMeanMil{mean_to_mil, "add, real_div"};
constexpr Lowering<NnContext> kMaxNn{fold_to_nn<"maxBroadcastable">, "maxBroadcastable"};
constexpr Lowering<NnContext> kMinNn{fold_to_nn<"minBroadcastable">, "minBroadcastable"};
constexpr Lowering<NnContext> kSumNn{fold_to_nn<"addBroadcastable">, "addBroadcastable"};
constexpr Lowering<NnContext> kMeanNn{mean_to_nn, "addBroadcastable, divideBroadcastable"};

constexpr In kNumbersIn[] = {{"data_0", kNumbers, kVariadic}};
constexpr In kFloatsIn[] = {{"data_0", kFloats, kVariadic}};
constexpr Out kOut[] = {{"result"}};

}  // namespace

#define ASSAY_ROW(row, onnx, types, function, signed_function, unsigned_function, ulp, sentence)           \
  extern const OpDef row = {                                                                               \
      .name = onnx,                                                                                        \
      .since = 13,                                                                                         \
      .doc = sentence,                                                                                     \
      .in = types,                                                                                         \
      .out = kOut,                                                                                         \
      .numeric = Numeric::elementwise,                                                                     \
      .infer = infer_broadcast,                                                                            \
      .eval = eval_elementwise,                                                                            \
      .elementwise = {function<float>, function<double>, count_param, signed_function, unsigned_function}, \
      .to_mil = row##Mil,                                                                                  \
      .to_nn = row##Nn,                                                                                    \
      .in_place = true,                                                                                    \
      .bound = {.f32 = ulp},                                                                               \
  };
ASSAY_ROW(kMax, "Max", kNumbersIn, max_span, max_int<int64_t>, max_int<uint64_t>, 0, "The largest of the operands.")
ASSAY_ROW(kMean, "Mean", kFloatsIn, mean_span, nullptr, nullptr, 2, "The sum of the operands over their number.")
ASSAY_ROW(kMin, "Min", kNumbersIn, min_span, min_int<int64_t>, min_int<uint64_t>, 0, "The smallest of the operands.")
ASSAY_ROW(kSum, "Sum", kFloatsIn, sum_span, nullptr, nullptr, 1, "The sum of the operands, from the left.")
#undef ASSAY_ROW

}  // namespace assay::ops

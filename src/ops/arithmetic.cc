// Add, Sub, Mul, Div: one step each. Integers wrap modulo 2^n; integer division truncates toward zero.
#include <functional>
#include <limits>

#include "ops/divisors.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/legacy_broadcast.h"
#include "ops/lower/elementwise.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

#define ASSAY_FLOAT(name)                                                                            \
  template <class T>                                                                                 \
  void name##_span(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) { \
    arith.name(in[0], in[1], out, n);                                                                \
  }
ASSAY_FLOAT(add)
ASSAY_FLOAT(sub)
ASSAY_FLOAT(mul)
ASSAY_FLOAT(div)
#undef ASSAY_FLOAT

// Unsigned arithmetic wraps; the signed result has the same bits.
#define ASSAY_INTEGER(name, op)                                                                    \
  template <class T>                                                                               \
  void name##_int(const float*, const T* const* in, T* out, size_t n) {                            \
    for (size_t i = 0; i < n; ++i)                                                                 \
      out[i] = static_cast<T>(static_cast<uint64_t>(in[0][i]) op static_cast<uint64_t>(in[1][i])); \
  }
ASSAY_INTEGER(add, +)
ASSAY_INTEGER(sub, -)
ASSAY_INTEGER(mul, *)
#undef ASSAY_INTEGER

// Divisors are not 0 (eval_div). A quotient beyond the largest number, which ONNX leaves undefined, wraps.
int64_t divide(int64_t a, int64_t b) {
  if (b == -1) return static_cast<int64_t>(-static_cast<uint64_t>(a));
  return a / b;
}
uint64_t divide(uint64_t a, uint64_t b) { return a / b; }
template <class T>
void div_int(const float*, const T* const* in, T* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = divide(in[0][i], in[1][i]);
}

Status eval_div(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_CHECK(check_divisors(c));
  return eval_elementwise(c);
}

// ---- Integers of one shape as they are stored: unsigned arithmetic wraps at their own width.

template <class U, class Op>
void combine_integers(KernelContext& c, Op op) {
  const U *a = c.in(0).data<U>(), *b = c.in(1).data<U>();
  U* out = c.out(0).mutable_data<U>();
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) out[i] = op(a[i], b[i]);
  });
}

template <class Op>
Status eval_wrapping(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::ElemType elem = c.out(0).elem();
  const bool one_shape = c.in(0).dims() == c.out(0).dims() && c.in(1).dims() == c.out(0).dims();
  if (!one_shape || (elem != ir::ElemType::int32 && elem != ir::ElemType::int64)) return eval_elementwise(c);
  elem == ir::ElemType::int32 ? combine_integers<uint32_t>(c, Op()) : combine_integers<uint64_t>(c, Op());
  return {};
}

/// Of integers: floor_div rounds down, so one is added where something remains and the signs differ.
Status div_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_numbers(c));
  if (ir::is_float(c.elem(0))) return mil_binary<"real_div">(c);
  const MilValue a = c.in(0), b = c.in(1), quotient = c.binary("floor_div", a, b);
  const MilValue rest = c.binary("sub", a, c.binary("mul", quotient, b));
  const MilValue remains = c.compare("not_equal", rest, c.constant_value(mil::of_int(0)));
  const MilValue up = c.binary("logical_and", remains, mil_signs_differ(c, a, b));
  return c.emit("add", {{"x", quotient}, {"y", c.cast(up, mil::DataType::int32)}});
}

/// Quotients of integers up to 2^24 that are not whole stay on their side of the whole number when they are rounded.
Status div_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_numbers(c));
  if (ir::is_float(c.elem(0))) return nn_plain<"divideBroadcastable">(c);
  return c.result(nn_truncated(c, c.make("divideBroadcastable", c.all_inputs())));
}

constexpr In kIn[] = {{"A", kNumbers}, {"B", kNumbers}};
constexpr Out kOut[] = {{"C"}};

}  // namespace

#define ASSAY_ROW(row, onnx, function, evaluate, mil, nn, sentence)                                      \
  extern const OpDef row = {                                                                             \
      .name = onnx,                                                                                      \
      .since = 14,                                                                                       \
      .doc = sentence,                                                                                   \
      .in = kIn,                                                                                         \
      .out = kOut,                                                                                       \
      .numeric = Numeric::elementwise,                                                                   \
      .upgrades = kBroadcastUpgrades,                                                                    \
      .infer = infer_broadcast,                                                                          \
      .eval = evaluate,                                                                                  \
      .elementwise = {function##_span<float>, function##_span<double>, nullptr, function##_int<int64_t>, \
                      function##_int<uint64_t>},                                                         \
      .to_mil = mil,                                                                                     \
      .to_nn = nn,                                                                                       \
      .in_place = true,                                                                                  \
      .bound = {.f32 = 0.5},                                                                             \
  };
#define ASSAY_MIL(type) Lowering<MilContext>({mil_arithmetic<type>, type})
#define ASSAY_NN(kind) Lowering<NnContext>({nn_arithmetic<kind>, kind})
ASSAY_ROW(kAdd, "Add", add, eval_wrapping<std::plus<>>, ASSAY_MIL("add"), ASSAY_NN("addBroadcastable"),
          "The sum of two tensors.")
ASSAY_ROW(kSub, "Sub", sub, eval_wrapping<std::minus<>>, ASSAY_MIL("sub"), ASSAY_NN("subtractBroadcastable"),
          "The difference of two tensors.")
ASSAY_ROW(kMul, "Mul", mul, eval_wrapping<std::multiplies<>>, ASSAY_MIL("mul"), ASSAY_NN("multiplyBroadcastable"),
          "The product of two tensors.")
ASSAY_ROW(kDiv, "Div", div, eval_div,
          Lowering<MilContext>({div_to_mil, "real_div; integers: floor_div, with a correction toward zero"}),
          Lowering<NnContext>({div_to_nn, "divideBroadcastable; integers: and floor, ceil"}),
          "The quotient of two tensors; of integers, toward zero.")
#undef ASSAY_NN
#undef ASSAY_MIL
#undef ASSAY_ROW

}  // namespace assay::ops

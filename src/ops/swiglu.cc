#include "ops/elementwise.h"
#include "ops/lower/attention.h"
#include "ops/shapes.h"
#include "ops/span.h"

namespace assay::ops {
namespace {

// (a * sigmoid(alpha * a)) * b
template <class T>
void swiglu(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    T gate[kBlock];
    swish_block(arith, T(params[0]), in[0] + i, gate, m);
    arith.mul(gate, in[1] + i, out + i, m);
  });
}
void params(const ir::Op& op, float* values) { values[0] = op.attr_float("alpha", 1.0f); }

// Equal shapes: nothing is broadcast.
Status infer(InferContext& c) {
  const InputShapes in(c);
  if (!in.ranked(0)) {
    c.set(0, c.type(in.ranked(1) ? 1 : 0));
    return {};
  }
  std::vector<ir::Dim> shape = c.shape(0);
  ASSAY_CHECK(in.check_rank(1, shape.size(), "swiglu_c1"));
  for (size_t k = 0; k < shape.size(); ++k) ASSAY_CHECK(in.meet(shape[k], 1, k, "swiglu_c1"));
  c.set(0, c.elem(0), std::move(shape));
  return {};
}

Status eval(KernelContext& c) {
  if (c.in(0).dims() != c.in(1).dims()) return c.fail(Code::model_invalid, "swiglu_c1: A and B have different shapes");
  return eval_elementwise(c);
}

constexpr In kIn[] = {{"A", kFloats}, {"B", kFloats}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"alpha", "1"}};
constexpr num::Function kCalls[] = {num::Function::exp};

}  // namespace

extern const OpDef kSwiGLU = {
    .name = "SwiGLU",
    .since = 28,
    .doc = "A * sigmoid(alpha * A) * B, of equal shapes.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::elementwise,
    .elementary = kCalls,
    .infer = infer,
    .eval = eval,
    .elementwise = {swiglu<float>, swiglu<double>, params},
    .to_mil = {swiglu_to_mil, "sigmoid, mul"},
    .to_nn = {swiglu_to_nn, "activation sigmoid, multiplyBroadcastable"},
    .in_place = true,
    .bound = {.f32 = 5},
};

}  // namespace assay::ops

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/rules.h"
#include "ops/span.h"

namespace assay::ops {
namespace {

using num::Function;

// (0.5 * x) * (1 + erf(x * (1 / sqrt 2)))
template <class T>
void exact_block(const num::Arith<T>& arith, const T* x, T* y, size_t n) {
  T t[kBlock], half[kBlock];
  arith.mul(x, T(0.70710678118654752440), t, n);
  arith.apply(Function::erf, t, t, n);
  arith.add(t, T(1), t, n);
  arith.mul(x, T(0.5), half, n);
  arith.mul(half, t, y, n);
}

// (0.5 * x) * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * pow(x, 3))))
template <class T>
void tanh_block(const num::Arith<T>& arith, const T* x, T* y, size_t n) {
  T t[kBlock], half[kBlock];
  const T factor = arith.sqrt(T(0.63661977236758134308));
  std::fill_n(t, n, T(3));
  arith.pow(x, t, t, n);
  arith.mul(t, T(0.044715f), t, n);
  arith.add(x, t, t, n);
  arith.mul(t, factor, t, n);
  arith.apply(Function::tanh, t, t, n);
  arith.add(t, T(1), t, n);
  arith.mul(x, T(0.5), half, n);
  arith.mul(half, t, y, n);
}

template <class T>
void gelu(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    if (params[0] != 0)
      tanh_block(arith, in[0] + i, out + i, m);
    else
      exact_block(arith, in[0] + i, out + i, m);
  });
}
void params(const ir::Op& op, float* values) { values[0] = op.attr_string("approximate", "none") == "tanh" ? 1 : 0; }

constexpr In kIn[] = {{"X", kFloats}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"approximate", "none"}};
constexpr Function kCalls[] = {Function::erf, Function::tanh};

}  // namespace

extern const OpDef kGelu = {
    .name = "Gelu",
    .since = 20,
    .doc = "x times the normal distribution function, by erf or by its tanh approximation.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::elementwise,
    .elementary = kCalls,
    .infer = infer_same,
    .eval = eval_elementwise,
    .elementwise = {gelu<float>, gelu<double>, params},
    .to_mil = {gelu_to_mil, "gelu"},
    .to_nn = {gelu_to_nn, "gelu"},
    .in_place = true,
    .bound = {.f32 = 1e6},  // 1 + erf cancels for large negative x
};

}  // namespace assay::ops

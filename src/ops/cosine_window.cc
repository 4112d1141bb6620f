// HannWindow, HammingWindow, BlackmanWindow: a0 - a1 cos(w) + a2 cos(2 w) with w = i * (tau / size), the steps of
// ONNX's function bodies; size is one less where the window is symmetric.
#include <string>
#include <vector>

#include "ops/elementwise.h"
#include "ops/fourier.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

struct Coefficients {
  double a0, a1, a2;
};
constexpr Coefficients kHann{0.5, 0.5, 0}, kHamming{0.54347826087, 0.45652173913, 0}, kBlackman{0.42, 0.5, 0.08};

/// A window is as long as what it is laid over.
std::string size_problem(int64_t size) {
  if (size >= 0 && size <= kLongestTransform) return "";
  return "a window of " + std::to_string(size) + " points; there may be 0 to " + std::to_string(kLongestTransform);
}

Status infer(InferContext& c) {
  const auto type = ir::elem_from_onnx(c.op().attr_int("output_datatype", 1));
  if (!type || !kNumbers.has(*type)) return c.fail("window_c1", "output_datatype is no type of numbers");
  std::vector<ir::Dim> shape(1);
  if (const ir::Tensor* size = c.constant(0)) {
    if (size->size() != 1) return c.fail("window_c2", "size is not one number");
    if (std::string why = size_problem(size->int_at(0)); !why.empty()) return c.fail("window_c3", std::move(why));
    shape[0] = size->int_at(0);
  }
  c.set(0, *type, std::move(shape));
  return {};
}

template <class T>
void run(KernelContext& c, const Coefficients& a) {
  const num::Arith<T> arith(c.policy());
  const T size = static_cast<T>(c.in(0).int_at(0));
  const T divisor = c.op.attr_int("periodic", 1) != 0 ? size : arith.sub(size, T(1));
  const T increment = arith.div(static_cast<T>(6.283185307179586), divisor);
  const bool exact = ir::is_integer(c.out(0).elem());
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    std::vector<T> w(kChunk), y(kChunk);
    for (size_t at = from; at < to; at += kChunk) {
      const size_t n = std::min(kChunk, to - at);
      for (size_t i = 0; i < n; ++i) w[i] = static_cast<T>(at + i);
      arith.mul(w.data(), increment, w.data(), n);
      arith.apply(num::Function::cos, w.data(), y.data(), n);
      arith.mul(y.data(), static_cast<T>(a.a1), y.data(), n);
      arith.sub(static_cast<T>(a.a0), y.data(), y.data(), n);
      arith.mul(w.data(), T(2), w.data(), n);
      arith.apply(num::Function::cos, w.data(), w.data(), n);
      arith.mul(w.data(), static_cast<T>(a.a2), w.data(), n);
      arith.add(y.data(), w.data(), y.data(), n);
      if (exact)  // toward zero, as Cast does; a window of one symmetric point has no number to cut
        for (size_t i = 0; i < n; ++i)
          c.out(0).set_int(static_cast<int64_t>(at + i), y[i] == y[i] ? static_cast<int64_t>(y[i]) : 0);
      else
        store(c.out(0), static_cast<int64_t>(at), n, y.data(), c.policy());
    }
  });
}

template <const Coefficients& kCoefficients>
Status eval(KernelContext& c) {
  if (c.in(0).size() != 1) return c.fail(Code::model_invalid, "size is not one number");
  if (std::string why = size_problem(c.in(0).int_at(0)); !why.empty()) return c.fail(Code::value_range, std::move(why));
  ASSAY_CHECK(allocate_outputs(c));
  const bool wide = c.policy().compute == num::FormatId::float64 || c.out(0).elem() == ir::ElemType::float64;
  wide ? run<double>(c, kCoefficients) : run<float>(c, kCoefficients);
  return {};
}

constexpr In kIn[] = {{"size", kIndices, kExempt}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"output_datatype", "float32"}, {"periodic", "1"}};
constexpr num::Function kCos[] = {num::Function::cos};

}  // namespace

#define ASSAY_ROW(row, onnx, coefficients, sentence)                                                \
  extern const OpDef row = {                                                                        \
      .name = onnx,                                                                                 \
      .since = 17,                                                                                  \
      .doc = sentence,                                                                              \
      .in = kIn,                                                                                    \
      .out = kOut,                                                                                  \
      .attrs = kAttrs,                                                                              \
      .numeric = Numeric::composite,                                                                \
      .elementary = kCos,                                                                           \
      .infer = infer,                                                                               \
      .eval = eval<coefficients>,                                                                   \
      .to_mil = {.says = "its cosines are not Core ML's; a window of constant size can be folded"}, \
      .to_nn = {.says = "its cosines are not Core ML's; a window of constant size can be folded"},  \
  };
ASSAY_ROW(kBlackmanWindow, "BlackmanWindow", kBlackman, "0.42 - 0.5 cos(w) + 0.08 cos(2 w), w = i * (tau / size).")
ASSAY_ROW(kHammingWindow, "HammingWindow", kHamming, "25/46 - 21/46 cos(w), w = i * (tau / size).")
ASSAY_ROW(kHannWindow, "HannWindow", kHann, "0.5 - 0.5 cos(w), w = i * (tau / size).")
#undef ASSAY_ROW

}  // namespace assay::ops

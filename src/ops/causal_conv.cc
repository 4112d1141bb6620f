// A depthwise convolution along time that sees the past alone, which it is given and hands on.
#include "base/checked.h"
#include "ops/contraction/convolution.h"
#include "ops/elementwise.h"
#include "ops/lower/attention.h"
#include "ops/move.h"
#include "ops/shapes.h"
#include "ops/span.h"

namespace assay::ops {
namespace {

constexpr size_t kX = 0, kWeight = 1, kBias = 2, kPast = 3, kOutput = 0, kPresent = 1;

struct CausalShapes {
  ir::Dim batches, channels, length, kernel;
  ir::Dim kept() const { return kernel.known() ? ir::Dim(kernel.value - 1) : ir::Dim{}; }
};

Result<CausalShapes> shapes_of(const InputShapes& in) {
  const std::string f = in.op().attr_string("activation", "none");
  if (f != "none" && f != "silu" && f != "swish") return in.fail("causalconvwithstate_c1", "activation is '" + f + "'");
  CausalShapes s;
  for (const size_t i : {kX, kWeight, kPast})
    if (in.has(i)) ASSAY_CHECK(in.check_rank(i, 3, "causalconvwithstate_c2"));
  if (in.has(kBias)) ASSAY_CHECK(in.check_rank(kBias, 1, "causalconvwithstate_c2"));
  s.batches = in.dim(kX, 0), s.channels = in.dim(kX, 1), s.length = in.dim(kX, 2);
  ASSAY_CHECK(in.meet(s.channels, kWeight, 0, "causalconvwithstate_c3"));
  ir::Dim one(1);
  ASSAY_CHECK(in.meet(one, kWeight, 1, "causalconvwithstate_c3"));
  s.kernel = in.dim(kWeight, 2);
  if (s.kernel.known() && s.kernel.value == 0) return in.fail("causalconvwithstate_c4", "the kernel has no elements");
  if (in.has(kBias)) ASSAY_CHECK(in.meet(s.channels, kBias, 0, "causalconvwithstate_c5"));
  if (!in.has(kPast)) return s;
  ASSAY_CHECK(in.meet(s.batches, kPast, 0, "causalconvwithstate_c6"));
  ASSAY_CHECK(in.meet(s.channels, kPast, 1, "causalconvwithstate_c6"));
  ir::Dim kept = s.kept();
  ASSAY_CHECK(in.meet(kept, kPast, 2, "causalconvwithstate_c6"));
  return s;
}

Status infer(InferContext& c) {
  ASSAY_TRY(const CausalShapes s, shapes_of(InputShapes(c)));
  c.set(kOutput, c.elem(kX), std::vector<ir::Dim>{s.batches, s.channels, s.length});
  c.set(kPresent, c.elem(kX), std::vector<ir::Dim>{s.batches, s.channels, s.kept()});
  return {};
}

/// Past and input along time; without a past, zeros, which are multiplied like any elements.
ir::Tensor padded_input(const KernelContext& c, const ir::Dims& dims, int64_t kept) {
  const ir::Tensor& x = c.in(kX);
  ir::Tensor padded = ir::Tensor::allocate(x.elem(), dims);
  const ir::Tensor past = c.has(kPast) ? as_storage(c.in(kPast), x.elem()) : ir::Tensor();
  const ir::Tensor zero = as_storage(ir::Tensor::scalar(0.0f), x.elem());
  const int64_t length = dims[2] - kept;
  for (int64_t row = 0; row < dims[0] * dims[1]; ++row) {
    if (kept != 0 && c.has(kPast))
      copy_run(past, row * kept, padded, row * dims[2], kept);
    else
      fill_run(zero, 0, padded, row * dims[2], kept);
    copy_run(x, row * length, padded, row * dims[2] + kept, length);
  }
  return padded;
}

contraction::Window window_of(const ir::Dims& padded, int64_t kernel) {
  contraction::Window w;
  w.images = static_cast<size_t>(padded[0]);
  w.channels = w.outputs = w.groups = static_cast<size_t>(padded[1]);
  w.in[2] = static_cast<size_t>(padded[2]);
  w.kernel[2] = static_cast<size_t>(kernel);
  w.out[2] = static_cast<size_t>(padded[2] - kernel + 1);
  return w;
}

/// y = x * sigmoid(x) of what the convolution left unrounded.
template <class T>
void activate(KernelContext& c, const ir::Tensor& sums) {
  const num::Arith<T> arith(c.policy());
  for_each_chunk(c.threads, static_cast<size_t>(sums.size()), [&](size_t begin, size_t end) {
    T buffer[kBlock], y[kBlock];
    for_blocks(end - begin, [&](size_t i, size_t m) {
      const auto at = static_cast<int64_t>(begin + i);
      const T* x = load(sums, at, m, buffer);
      sigmoid_block(arith, x, y, m);
      arith.mul(x, y, y, m);
      store(c.out(kOutput), at, m, y, c.policy());
    });
  });
}

Status convolve(KernelContext& c, const ir::Tensor& padded, int64_t kernel) {
  const bool activates = c.op.attr_string("activation", "none") != "none";
  ir::Op op = c.op;
  if (activates) op.policy.result.reset();  // one node, one rounding: behind the activation
  KernelContext inner(c.graph, op, c.threads);
  inner.inputs = {&padded, &c.in(kWeight), c.has(kBias) ? &c.in(kBias) : nullptr};
  const bool wide = computes_float64(c);
  const ir::ElemType sums = wide ? ir::ElemType::float64 : ir::ElemType::float32;
  inner.outputs = {activates ? ir::Tensor::allocate(sums, c.out(kOutput).dims()) : c.out(kOutput)};
  ASSAY_CHECK(contraction::convolve(inner, window_of(padded.dims(), kernel)));
  if (activates) wide ? activate<double>(c, inner.outputs[0]) : activate<float>(c, inner.outputs[0]);
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_TRY(const CausalShapes s, shapes_of(InputShapes(c)));
  ASSAY_CHECK(allocate_outputs(c));
  const int64_t kept = s.kernel.value - 1;
  const auto padded_length = checked_add(s.length.value, kept);
  if (!padded_length) return c.fail(Code::limit_exceeded, "the padded input is too large");
  const ir::Dims dims = {s.batches.value, s.channels.value, *padded_length};
  ASSAY_CHECK(check_size(c, dims));
  const ir::Tensor padded = padded_input(c, dims, kept);
  if (c.out(kOutput).size() != 0) ASSAY_CHECK(convolve(c, padded, s.kernel.value));
  if (!c.wants(kPresent) || kept == 0) return {};
  const ir::Tensor last = as_storage(padded, c.out(kPresent).elem());
  for (int64_t row = 0; row < dims[0] * dims[1]; ++row)
    copy_run(last, row * dims[2] + dims[2] - kept, c.out(kPresent), row * kept, kept);
  return {};
}

constexpr ir::TypeSet kTypes =
    type_set(ir::ElemType::float32) | type_set(ir::ElemType::float16) | type_set(ir::ElemType::bfloat16);
constexpr In kIn[] = {
    {"input", kTypes}, {"weight", kTypes}, {"bias", kTypes, kOptional}, {"past_state", kTypes, kOptional}};
constexpr Out kOut[] = {{"output"}, {"present_state"}};
constexpr AttrDoc kAttrs[] = {{"activation", "none"}};
constexpr num::Function kCalls[] = {num::Function::exp};

}  // namespace

extern const OpDef kCausalConvWithState = {
    .name = "CausalConvWithState",
    .since = 27,
    .doc = "A depthwise convolution along time over past and input, with an optional SiLU; also the new past.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::contraction,
    .accumulates = "products over the kernel",
    .elementary = kCalls,
    .infer = infer,
    .eval = eval,
    .to_mil = {causal_conv_to_mil, "concat, conv; sigmoid, mul"},
    .to_nn = {causal_conv_to_nn, "concatND, convolution; activation sigmoid, multiplyBroadcastable"},
    .bound = {.f32 = 256, .f16 = 2, .bf16 = 2},
};

}  // namespace assay::ops

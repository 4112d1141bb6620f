// RandomNormal, RandomUniform and the forms that take the shape of their input (ops/random_stream.h).
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"
#include "ops/random_stream.h"

namespace assay::ops {
namespace {

using ir::ElemType;

Result<ElemType> drawn_type(const InferContext& c, int64_t fallback) {
  const auto type = ir::elem_from_onnx(c.op().attr_int("dtype", fallback));
  if (!type || !kFloats.has(*type)) return c.fail("random_c1", "dtype is no floating-point type that can be drawn");
  return *type;
}

Status infer_shaped(InferContext& c) {
  ASSAY_TRY(const ElemType type, drawn_type(c, static_cast<int64_t>(ElemType::float32)));
  const ir::Dims dims = c.op().attr_ints("shape");
  ASSAY_CHECK(check_size(c, dims));
  c.set(0, ir::Type::of(type, dims));
  return {};
}

Status infer_like(InferContext& c) {
  ASSAY_TRY(const ElemType type, drawn_type(c, static_cast<int64_t>(c.elem(0))));
  c.set(0, type, c.type(0).shape);
  return {};
}

template <bool kNormal>
Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const RandomStream stream(c.op);
  const auto number = [&](const char* name, float fallback) {
    return static_cast<double>(c.op.attr_float(name, fallback));
  };
  const double low = kNormal ? number("mean", 0) : number("low", 0);
  const double width = kNormal ? number("scale", 1) : number("high", 1) - low;
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    double values[kChunk];
    for (size_t at = from; at < to; at += kChunk) {
      const size_t n = std::min(kChunk, to - at);
      kNormal ? stream.normal(at, n, values) : stream.uniform(at, n, values);
      for (size_t i = 0; i < n; ++i) values[i] = low + width * values[i];
      store_drawn(c, static_cast<int64_t>(at), n, values);
    }
  });
  return {};
}

constexpr In kLikeIn[] = {{"input", kAnything}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kNormalAttrs[] = {{"dtype", "float32"}, {"mean", "0"}, {"scale", "1"}, {"seed", "-"}, {"shape", ""}};
constexpr AttrDoc kNormalLikeAttrs[] = {{"dtype", "the input's"}, {"mean", "0"}, {"scale", "1"}, {"seed", "-"}};
constexpr AttrDoc kUniformAttrs[] = {{"dtype", "float32"}, {"high", "1"}, {"low", "0"}, {"seed", "-"}, {"shape", ""}};
constexpr AttrDoc kUniformLikeAttrs[] = {{"dtype", "the input's"}, {"high", "1"}, {"low", "0"}, {"seed", "-"}};
constexpr num::Function kCalls[] = {num::Function::log, num::Function::sin, num::Function::cos};

}  // namespace

#define ASSAY_ROW(row, onnx, sentence, inputs, attributes, calls, rule, normal) \
  extern const OpDef row = {                                                    \
      .name = onnx,                                                             \
      .since = 22,                                                              \
      .doc = sentence,                                                          \
      .in = inputs,                                                             \
      .out = kOut,                                                              \
      .attrs = attributes,                                                      \
      .elementary = calls,                                                      \
      .upgrades = kNamesDraws,                                                  \
      .infer = rule,                                                            \
      .eval = eval<normal>,                                                     \
      .to_mil = {.says = "Core ML does not say which numbers are drawn"},       \
      .to_nn = {.says = "Core ML does not say which numbers are drawn"},        \
  };
ASSAY_ROW(kRandomNormal, "RandomNormal", "mean + scale * z, z drawn from the normal distribution by Philox4x32-10.",
          std::span(kLikeIn).first(0), kNormalAttrs, kCalls, infer_shaped, true)
ASSAY_ROW(kRandomNormalLike, "RandomNormalLike", "RandomNormal in the shape of the input.", kLikeIn, kNormalLikeAttrs,
          kCalls, infer_like, true)
ASSAY_ROW(kRandomUniform, "RandomUniform", "low + (high - low) * u, u drawn from [0, 1) by Philox4x32-10.",
          std::span(kLikeIn).first(0), kUniformAttrs, std::span(kCalls).first(0), infer_shaped, false)
ASSAY_ROW(kRandomUniformLike, "RandomUniformLike", "RandomUniform in the shape of the input.", kLikeIn,
          kUniformLikeAttrs, std::span(kCalls).first(0), infer_like, false)
#undef ASSAY_ROW

}  // namespace assay::ops

// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear. Scales are parameters: never rounded by storage policies.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/rules.h"
#include "ops/move.h"
#include "ops/quantised.h"
#include "ops/rows.h"

namespace assay::ops {
namespace {

using ir::ElemType;

/// Which scale belongs to which element: one for all, one an index of the axis, or one a block along it.
struct Granularity {
  AxisSplit split;
  int64_t block = 0;  ///< 0: not blocked
  bool whole = false;

  int64_t scale_at(int64_t outer, int64_t k, int64_t j) const {
    if (whole) return 0;
    if (block == 0) return k;
    return (outer * ((split.n + block - 1) / block) + k / block) * split.inner + j;
  }
};

Result<Granularity> granularity(const KernelContext& c) {
  const ir::Tensor &x = c.in(0), &scale = c.in(1);
  if (c.has(2) && c.in(2).size() != scale.size())
    return c.fail(Code::model_invalid, "scale and zero point have different shapes");
  Granularity g;
  const int64_t block = c.op.attr_int("block_size", 0);
  if (scale.size() == 1 && (block == 0 || scale.rank() == 0)) {
    g.whole = true;
    g.split = {1, 1, x.size()};
    return g;
  }
  const int64_t axis = normal_axis(c.op.attr_int("axis", 1), x.rank());
  if (axis < 0) return axis_error(c, c.op.attr_int("axis", 1), x.rank());
  g.split = split_at(x.dims(), axis);
  if (scale.rank() == x.rank() && block > 0) {
    g.block = block;
    ir::Dims want = x.dims();
    want[static_cast<size_t>(axis)] = (g.split.n + block - 1) / block;
    if (scale.dims() != want) return c.fail(Code::model_invalid, "the scale's shape does not fit the blocks");
  } else if (scale.size() != g.split.n) {
    return c.fail(Code::model_invalid, "the scale's length is not the axis's");
  }
  return g;
}

/// body(at, n, scale index, whether the scale advances with the elements) over runs of at most kChunk elements.
template <class Body>
void for_runs(const KernelContext& c, const Granularity& g, Body body) {
  const AxisSplit& s = g.split;
  for (int64_t o = 0; o < s.outer; ++o) {
    for (int64_t k = 0; k < s.n; ++k) {
      for (int64_t j = 0; j < s.inner; j += static_cast<int64_t>(kChunk)) {
        const auto n = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(kChunk), s.inner - j));
        body((o * s.n + k) * s.inner + j, n, g.scale_at(o, k, j), g.block != 0);
      }
    }
  }
  (void)c;
}

template <class T>
void quantise(KernelContext& c, const Granularity& g) {
  const num::Arith<T> arith(c.policy());
  const bool saturate = c.op.attr_int("saturate", 1) != 0;
  std::vector<T> buffer(kChunk), scales(kChunk), quotients(kChunk);
  for_runs(c, g, [&](int64_t at, size_t n, int64_t scale, bool advances) {
    const T* x = load(c.in(0), at, n, buffer.data());
    const T* by = load(c.in(1), scale, advances ? n : 1, scales.data());
    advances ? arith.div(x, by, quotients.data(), n) : arith.div(x, *by, quotients.data(), n);
    for (size_t i = 0; i < n; ++i) {
      const double zero = c.has(2) ? c.in(2).float_at(scale + static_cast<int64_t>(advances ? i : 0)) : 0;
      put_quantised(c.out(0), at + static_cast<int64_t>(i), static_cast<double>(quotients[i]), zero, saturate);
    }
  });
}

template <class T>
void dequantise(KernelContext& c, const Granularity& g) {
  const num::Arith<T> arith(c.policy());
  std::vector<T> values(kChunk), scales(kChunk);
  for_runs(c, g, [&](int64_t at, size_t n, int64_t scale, bool advances) {
    const T* by = load(c.in(1), scale, advances ? n : 1, scales.data());
    for (size_t i = 0; i < n; ++i) {  // float64 holds the difference exactly
      const double zero = c.has(2) ? c.in(2).float_at(scale + static_cast<int64_t>(advances ? i : 0)) : 0;
      values[i] = static_cast<T>(c.in(0).float_at(at + static_cast<int64_t>(i)) - zero);
    }
    advances ? arith.mul(values.data(), by, values.data(), n) : arith.mul(values.data(), *by, values.data(), n);
    store(c.out(0), at, n, values.data(), c.policy());
  });
}

Status eval_quantise(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const Granularity g, granularity(c));
  const bool wide = c.in(0).elem() == ElemType::float64 || c.policy().compute == num::FormatId::float64;
  wide ? quantise<double>(c, g) : quantise<float>(c, g);
  return {};
}
Status eval_dequantise(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const Granularity g, granularity(c));
  computes_float64(c) ? dequantise<double>(c, g) : dequantise<float>(c, g);
  return {};
}

Status infer_quantise(InferContext& c) {
  ElemType type = ElemType::uint8;
  if (const auto wanted = ir::elem_from_onnx(c.op().attr_int("output_dtype", 0))) type = *wanted;
  if (c.has(2)) type = c.elem(2);
  c.set(0, type, c.type(0).shape);
  return {};
}
Status infer_dequantise(InferContext& c) {
  const auto wanted = ir::elem_from_onnx(c.op().attr_int("output_dtype", 0));
  c.set(0, wanted ? *wanted : c.elem(1), c.type(0).shape);
  return {};
}

// ---- DynamicQuantizeLinear: its body in ONNX, step by step.

template <class T>
DynamicCodes dynamic_parameters(KernelContext& c, const num::Arith<T>& arith) {
  T low = 0, high = 0;
  std::vector<T> buffer(kChunk);
  for (int64_t at = 0; at < c.in(0).size(); at += static_cast<int64_t>(kChunk)) {
    const auto n = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(kChunk), c.in(0).size() - at));
    const T* x = load(c.in(0), at, n, buffer.data());
    for (size_t i = 0; i < n; ++i) {
      low = std::min(low, x[i]);
      high = std::max(high, x[i]);
    }
  }
  return dynamic_codes(arith, low, high);
}

template <class T>
void dynamic(KernelContext& c) {
  const num::Arith<T> arith(c.policy());
  const DynamicCodes d = dynamic_parameters(c, arith);
  std::vector<T> buffer(kChunk);
  for (int64_t at = 0; at < c.in(0).size(); at += static_cast<int64_t>(kChunk)) {
    const auto n = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(kChunk), c.in(0).size() - at));
    const T* x = load(c.in(0), at, n, buffer.data());
    arith.div(x, static_cast<T>(d.scale), buffer.data(), n);
    for (size_t i = 0; i < n; ++i)
      put_quantised(c.out(0), at + static_cast<int64_t>(i), static_cast<double>(buffer[i]), d.zero, true);
  }
  T scale = static_cast<T>(d.scale);
  if (c.wants(1)) store(c.out(1), 0, 1, &scale, c.policy());
  if (c.wants(2)) c.out(2).set_int(0, static_cast<int64_t>(d.zero));
}

Status eval_dynamic(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  c.policy().compute == num::FormatId::float64 ? dynamic<double>(c) : dynamic<float>(c);
  return {};
}
Status infer_dynamic(InferContext& c) {
  c.set(0, ElemType::uint8, c.type(0).shape);
  c.set(1, c.elem(0), std::vector<ir::Dim>{});
  c.set(2, ElemType::uint8, std::vector<ir::Dim>{});
  return {};
}

constexpr ir::TypeSet kQuantised =
    kInts | type_set(ElemType::int4) | type_set(ElemType::uint4) | type_set(ElemType::int2) |
    type_set(ElemType::uint2) | type_set(ElemType::float8e4m3fn) | type_set(ElemType::float8e4m3fnuz) |
    type_set(ElemType::float8e5m2) | type_set(ElemType::float8e5m2fnuz) | type_set(ElemType::float4e2m1);
constexpr ir::TypeSet kScales = kFloats | type_set(ElemType::float8e8m0);
constexpr ir::TypeSet kFloat32 = type_set(ElemType::float32);
constexpr In kQuantiseIn[] = {{"x", kFloats | type_set(ElemType::int32)},
                              {"y_scale", kScales | type_set(ElemType::int32), kExempt},
                              {"y_zero_point", kQuantised, kOptional | kExempt}};
constexpr In kDequantiseIn[] = {
    {"x", kQuantised}, {"x_scale", kScales, kExempt}, {"x_zero_point", kQuantised, kOptional | kExempt}};
constexpr In kDynamicIn[] = {{"x", kFloat32}};
constexpr Out kOut[] = {{"y"}};
constexpr Out kDynamicOut[] = {{"y"}, {"y_scale"}, {"y_zero_point"}};
constexpr AttrDoc kQuantiseAttrs[] = {
    {"axis", "1"}, {"block_size", "0"}, {"output_dtype", "0"}, {"precision", "0"}, {"saturate", "1"}};
constexpr AttrDoc kDequantiseAttrs[] = {{"axis", "1"}, {"block_size", "0"}, {"output_dtype", "0"}};

}  // namespace

extern const OpDef kDequantizeLinear = {
    .name = "DequantizeLinear",
    .since = 25,
    .doc = "(x - zero point) * scale.",
    .in = kDequantiseIn,
    .out = kOut,
    .attrs = kDequantiseAttrs,
    .numeric = Numeric::convert,
    .infer = infer_dequantise,
    .eval = eval_dequantise,
    .to_mil =
        {dequantize_to_mil,
         "dequantize; constants: constexpr_affine_dequantize, constexpr_blockwise_shift_scale; else cast, sub, mul"},
    .to_nn = {dequantize_to_nn, "subtractBroadcastable, multiplyBroadcastable"},
};

extern const OpDef kDynamicQuantizeLinear = {
    .name = "DynamicQuantizeLinear",
    .since = 11,
    .doc = "Quantises to 8 bits over the range that the data has.",
    .in = kDynamicIn,
    .out = kDynamicOut,
    .numeric = Numeric::convert,
    .infer = infer_dynamic,
    .eval = eval_dynamic,
    .to_mil = {dynamic_quantize_to_mil, "reduce_min, reduce_max, real_div, round, clip, cast"},
    .to_nn = {dynamic_quantize_to_nn, "reduceMin, reduceMax, divideBroadcastable, comparisons, clip"},
};

extern const OpDef kQuantizeLinear = {
    .name = "QuantizeLinear",
    .since = 25,
    .doc = "x / scale to the nearest integer, ties to even, plus zero point, saturated.",
    .in = kQuantiseIn,
    .out = kOut,
    .attrs = kQuantiseAttrs,
    .numeric = Numeric::convert,
    .infer = infer_quantise,
    .eval = eval_quantise,
    .to_mil = {quantize_to_mil, "quantize"},
    .to_nn = {quantize_to_nn, "divideBroadcastable, floor, comparisons, clip"},
};

}  // namespace assay::ops

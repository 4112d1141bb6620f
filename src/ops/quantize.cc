// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear. Scales are parameters: never rounded by storage policies.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "ops/code_spans.h"
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

/// Neighbours in a tensor with their scales: one for all of them, or one each, neighbours too.
struct Run {
  int64_t at, n, scale;
  bool advances;
};

/// The tensor as runs that are as long as can be.
class Runs {
 public:
  explicit Runs(const Granularity& g) : g_(g) {
    const AxisSplit& s = g.split;
    blocks_ = g.block == 0 ? 1 : (s.n + g.block - 1) / g.block;
    along_axis_ = s.inner == 1 && !g.whole;
    count_ = along_axis_ ? s.outer * blocks_ : s.outer * s.n;
  }
  int64_t count() const { return count_; }
  int64_t longest() const { return !along_axis_ ? g_.split.inner : g_.block == 0 ? g_.split.n : g_.block; }
  Run operator[](int64_t i) const {
    const AxisSplit& s = g_.split;
    if (along_axis_ && g_.block == 0) return {i * s.n, s.n, 0, true};
    if (along_axis_) {
      const int64_t first = i % blocks_ * g_.block;
      return {i / blocks_ * s.n + first, std::min(g_.block, s.n - first), i, false};
    }
    return {i * s.inner, s.inner, g_.scale_at(i / s.n, i % s.n, 0), g_.block != 0};
  }

 private:
  const Granularity& g_;
  bool along_axis_ = false;
  int64_t blocks_ = 1, count_ = 0;
};

/// Calls make()(run) on runs of at most kChunk elements, in parallel; on one thread where neighbours share bytes.
template <class Make>
void for_runs(const KernelContext& c, const Granularity& g, Make make) {
  if (c.in(0).size() == 0) return;
  const Runs runs(g);
  constexpr auto kPiece = static_cast<int64_t>(kChunk);
  const int64_t pieces = (runs.longest() + kPiece - 1) / kPiece;
  const auto body = [&](size_t begin, size_t end) {
    auto one = make();
    for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i) {
      const Run run = runs[i / pieces];
      const int64_t first = i % pieces * kPiece, n = std::min(kPiece, run.n - first);
      if (n > 0) one(Run{run.at + first, n, run.scale + (run.advances ? first : 0), run.advances});
    }
  };
  const auto tasks = static_cast<size_t>(runs.count() * pieces);
  const auto piece = static_cast<size_t>(std::min(runs.longest(), kPiece));
  if (ir::elem_bits(c.outputs[0].elem()) < 8)
    body(0, tasks);
  else
    c.threads.for_each(tasks, std::max<size_t>(1, kGrain / piece), body);
}

bool is_code8(ElemType type) { return type == ElemType::uint8 || type == ElemType::int8; }

/// The zero point of element i of a run.
double zero_at(const KernelContext& c, const Run& run, size_t i) {
  return c.has(2) ? c.in(2).float_at(run.scale + static_cast<int64_t>(run.advances ? i : 0)) : 0;
}

/// Quotients are numbers of the scale's type, or of the one that `precision` names.
num::Policy policy_of_quotients(const KernelContext& c) {
  num::Policy policy = c.policy();
  const ElemType type = ir::elem_from_onnx(c.op.attr_int("precision", 0)).value_or(c.in(1).elem());
  if (type == ElemType::float16 || type == ElemType::bfloat16)
    policy.step = num::Rounding{.format = num::format(*ir::elem_format(type))};
  return policy;
}

template <class T>
void quantise(KernelContext& c, const Granularity& g) {
  const num::Arith<T> arith(policy_of_quotients(c));
  const bool saturate = c.op.attr_int("saturate", 1) != 0;
  for_runs(c, g, [&] {
    return [&, x_room = std::vector<T>(kChunk), scales = std::vector<T>(kChunk),
            quotients = std::vector<T>(kChunk)](const Run& run) mutable {
      const auto n = static_cast<size_t>(run.n);
      const T* x = load(c.in(0), run.at, n, x_room.data());
      const T* by = load(c.in(1), run.scale, run.advances ? n : 1, scales.data());
      run.advances ? arith.div(x, by, quotients.data(), n) : arith.div(x, *by, quotients.data(), n);
      if (!run.advances && is_code8(c.out(0).elem()))
        return store_quantised(c.out(0), run.at, n, quotients.data(), zero_at(c, run, 0));
      for (size_t i = 0; i < n; ++i)
        put_quantised(c.out(0), run.at + static_cast<int64_t>(i), static_cast<double>(quotients[i]), zero_at(c, run, i),
                      saturate);
    };
  });
}

/// Codes minus their zero points; float64 holds the difference of any exactly, and T that of 8-bit ones.
template <class T>
void subtract_zeros(const KernelContext& c, const num::Arith<T>& plain, const Run& run, T* to) {
  const auto n = static_cast<size_t>(run.n);
  if (is_code8(c.in(0).elem()) && !run.advances)
    return dequantise_run(plain, c.in(0), run.at, n, T{1}, zero_at(c, run, 0), to);
  if (is_code8(c.in(0).elem())) {
    T zeros[kChunk];
    dequantise_run(plain, c.in(0), run.at, n, T{1}, 0, to);
    if (!c.has(2)) return;
    dequantise_run(plain, c.in(2), run.scale, n, T{1}, 0, zeros);
    return plain.sub(to, zeros, to, n);
  }
  for (size_t i = 0; i < n; ++i)
    to[i] = static_cast<T>(c.in(0).float_at(run.at + static_cast<int64_t>(i)) - zero_at(c, run, i));
}

template <class T>
void dequantise(KernelContext& c, const Granularity& g) {
  const num::Arith<T> arith(c.policy()), plain{num::Policy{}};
  for_runs(c, g, [&] {
    return [&, room = std::vector<T>(kChunk), scales = std::vector<T>(kChunk)](const Run& run) mutable {
      const auto n = static_cast<size_t>(run.n);
      const T* by = load(c.in(1), run.scale, run.advances ? n : 1, scales.data());
      T* values = destination(c.out(0), run.at, room.data());
      subtract_zeros(c, plain, run, values);
      run.advances ? arith.mul(values, by, values, n) : arith.mul(values, *by, values, n);
      store(c.out(0), run.at, n, values, c.policy());
    };
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
void widen(const T* x, size_t n, T& low, T& high) {
  if constexpr (std::is_same_v<T, float>) {
    widen_range(x, n, low, high);
  } else {
    for (size_t i = 0; i < n; ++i) {
      low = std::min(low, x[i]);
      high = std::max(high, x[i]);
    }
  }
}

template <class T>
DynamicCodes dynamic_parameters(KernelContext& c, const num::Arith<T>& arith) {
  T low = 0, high = 0;
  std::vector<T> buffer(kChunk);
  for (int64_t at = 0; at < c.in(0).size(); at += static_cast<int64_t>(kChunk)) {
    const auto n = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(kChunk), c.in(0).size() - at));
    widen(load(c.in(0), at, n, buffer.data()), n, low, high);
  }
  return dynamic_codes(arith, low, high);
}

template <class T>
void dynamic(KernelContext& c) {
  const num::Arith<T> arith(c.policy());
  const DynamicCodes d = dynamic_parameters(c, arith);
  for_each_chunk(c.threads, static_cast<size_t>(c.in(0).size()), [&](size_t from, size_t to) {
    T buffer[kChunk], quotients[kChunk];
    for (size_t at = from; at < to; at += kChunk) {
      const size_t n = std::min(kChunk, to - at);
      arith.div(load(c.in(0), static_cast<int64_t>(at), n, buffer), static_cast<T>(d.scale), quotients, n);
      store_quantised(c.out(0), static_cast<int64_t>(at), n, quotients, d.zero);
    }
  });
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

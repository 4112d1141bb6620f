// Normalisations over other axes than the last: LpNormalization, MeanVarianceNormalization, LRN.
#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/broadcast.h"
#include "ops/infer.h"
#include "ops/lower/families.h"
#include "ops/move.h"
#include "ops/reduce.h"
#include "ops/rows.h"

namespace assay::ops {
namespace {

/// A T tensor of the reduction's results, with extents of 1 where axes are reduced.
template <class T>
ir::Tensor reduced(KernelContext& c, const num::Arith<T>& arith, Reduction kind, const std::vector<bool>& axes,
                   const ir::Tensor& in) {
  ir::Dims dims = in.dims();
  for (size_t k = 0; k < dims.size(); ++k) {
    if (axes[k]) dims[k] = 1;
  }
  ir::Tensor out = ir::Tensor::allocate(sizeof(T) == 8 ? ir::ElemType::float64 : ir::ElemType::float32, dims);
  reduce(arith, kind, ReducePlan(in.dims(), axes), in, out.mutable_data<T>(), c.threads);
  return out;
}

/// y = op(x, parameters...) with parameters of the reduction's shape, chunk by chunk.
template <class T, class Op>
void apply(KernelContext& c, const std::vector<const ir::Tensor*>& parameters, Op op) {
  std::vector<Broadcast> where;
  for (const ir::Tensor* p : parameters) where.emplace_back(p->dims(), c.out(0).dims());
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    std::vector<T> buffers((parameters.size() + 2) * kChunk);
    std::vector<const T*> values(parameters.size());
    for (size_t begin = from; begin < to; begin += kChunk) {
      const size_t n = std::min(kChunk, to - begin);
      const auto at = static_cast<int64_t>(begin);
      for (size_t k = 0; k < parameters.size(); ++k)
        values[k] = take(where[k], *parameters[k], at, n, &buffers[(k + 2) * kChunk]);
      const T* x = load(c.in(0), at, n, buffers.data());
      T* y = destination(c.out(0), at, &buffers[kChunk]);
      op(x, values.data(), y, n);
      store(c.out(0), at, n, y, c.policy());
    }
  });
}

// x / norm; 0 where the norm is 0.
template <class T>
void lp(KernelContext& c, size_t axis) {
  const num::Arith<T> arith(c.policy());
  std::vector<bool> axes(c.in(0).dims().size());
  axes[axis] = true;
  const Reduction kind = c.op.attr_int("p", 2) == 1 ? Reduction::l1 : Reduction::l2;
  const ir::Tensor norm = reduced<T>(c, arith, kind, axes, c.in(0));
  apply<T>(c, {&norm}, [&](const T* x, const T* const* p, T* y, size_t n) {
    arith.div(x, p[0], y, n);
    for (size_t i = 0; i < n; ++i) {
      if (p[0][i] == 0) y[i] = 0;
    }
  });
}
Status eval_lp(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const int64_t wanted = c.op.attr_int("axis", -1), axis = normal_axis(wanted, c.in(0).rank());
  if (axis < 0) return axis_error(c, wanted, c.in(0).rank());
  const auto at = static_cast<size_t>(axis);
  computes_float64(c) ? lp<double>(c, at) : lp<float>(c, at);
  return {};
}
Status infer_lp(InferContext& c) {
  const int64_t p = c.op().attr_int("p", 2);
  if (p != 1 && p != 2) return c.fail("lpnormalization_c1", "p must be 1 or 2");
  return infer_same(c);
}

// The operator's body in ONNX: variance as the mean of squares less the square of the mean.
template <class T>
void mean_variance(KernelContext& c, const std::vector<bool>& axes) {
  const num::Arith<T> arith(c.policy());
  const auto two = [](size_t n) { return std::vector<T>(n, T(2)); };
  ir::Tensor mean = reduced<T>(c, arith, Reduction::mean, axes, c.in(0));
  ir::Tensor squares = ir::Tensor::allocate(mean.elem(), c.in(0).dims());
  for_each_chunk(c.threads, static_cast<size_t>(squares.size()), [&](size_t from, size_t to) {
    const auto exponents = two(kChunk);
    std::vector<T> buffer(kChunk);
    for (size_t at = from; at < to; at += kChunk) {
      const size_t n = std::min(kChunk, to - at);
      const T* x = load(c.in(0), static_cast<int64_t>(at), n, buffer.data());
      arith.pow(x, exponents.data(), squares.mutable_data<T>() + at, n);
    }
  });
  ir::Tensor deviation = reduced<T>(c, arith, Reduction::mean, axes, squares);
  const auto n = static_cast<size_t>(mean.size());
  std::vector<T> squared_mean(n);
  arith.pow(mean.data<T>(), two(n).data(), squared_mean.data(), n);
  T* d = deviation.mutable_data<T>();
  arith.sub(d, squared_mean.data(), d, n);
  arith.sqrt(d, d, n);
  arith.add(d, T(1e-9f), d, n);
  apply<T>(c, {&mean, &deviation}, [&](const T* x, const T* const* p, T* y, size_t m) {
    arith.sub(x, p[0], y, m);
    arith.div(y, p[1], y, m);
  });
}
Status eval_mean_variance(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  std::vector<bool> axes(c.in(0).dims().size());
  for (const int64_t wanted : c.op.attr_ints("axes", {0, 2, 3})) {
    const int64_t axis = normal_axis(wanted, c.in(0).rank());
    if (axis < 0) return axis_error(c, wanted, c.in(0).rank());
    axes[static_cast<size_t>(axis)] = true;
  }
  if (c.in(0).size() == 0) return {};
  computes_float64(c) ? mean_variance<double>(c, axes) : mean_variance<float>(c, axes);
  return {};
}

// x / (bias + alpha / size * sum of squares over neighbouring channels) ^ beta; squares enter by fma, ascending.
template <class T>
void local_response(KernelContext& c, int64_t size) {
  const num::Arith<T> arith(c.policy());
  float attributes[3] = {c.op.attr_float("alpha", 1e-4f), c.op.attr_float("beta", 0.75f), c.op.attr_float("bias", 1)};
  if (c.policy().attribute) num::round_in_place(attributes, 3, *c.policy().attribute);
  const T factor = arith.div(T(attributes[0]), static_cast<T>(size));
  const AxisSplit s = split_at(c.in(0).dims(), 1);
  const auto chunk = static_cast<int64_t>(kChunk);
  c.threads.for_each(static_cast<size_t>(s.outer * s.n), 1, [&](size_t begin, size_t end) {
    std::vector<T> sum(kChunk), buffer(kChunk), out(kChunk), beta(kChunk, T(attributes[1]));
    for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i) {
      const int64_t channel = i % s.n, sample = i - channel;
      const int64_t first = std::max<int64_t>(0, channel - (size - 1) / 2);
      const int64_t last = std::min(s.n - 1, channel + size / 2);
      for (int64_t j = 0; j < s.inner; j += chunk) {
        const auto m = static_cast<size_t>(std::min(chunk, s.inner - j));
        std::fill_n(sum.begin(), m, T(0));
        for (int64_t k = first; k <= last; ++k) {
          arith.accumulate_squares(load(c.in(0), (sample + k) * s.inner + j, m, buffer.data()), sum.data(), m);
        }
        arith.mul(sum.data(), factor, sum.data(), m);
        arith.add(sum.data(), T(attributes[2]), sum.data(), m);
        arith.pow(sum.data(), beta.data(), sum.data(), m);
        const int64_t at = i * s.inner + j;
        const T* x = load(c.in(0), at, m, buffer.data());
        T* y = destination(c.out(0), at, out.data());
        arith.div(x, sum.data(), y, m);
        store(c.out(0), at, m, y, c.policy());
      }
    }
  });
}
Status eval_local_response(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const int64_t size = c.op.attr_int("size", 0);
  computes_float64(c) ? local_response<double>(c, size) : local_response<float>(c, size);
  return {};
}
Status infer_local_response(InferContext& c) {
  if (c.op().attr_int("size", 0) < 1) return c.fail("lrn_c1", "size must be positive");
  if (c.ranked(0) && c.rank(0) < 2) return c.fail("lrn_c2", "the input has no channel axis");
  return infer_same(c);
}

constexpr In kIn[] = {{"X", kFloats}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kLpAttrs[] = {{"axis", "-1"}, {"p", "2"}};
constexpr AttrDoc kMeanAttrs[] = {{"axes", "0, 2, 3"}};
constexpr AttrDoc kLocalAttrs[] = {{"alpha", "0.0001"}, {"beta", "0.75"}, {"bias", "1"}, {"size", ""}};

}  // namespace

extern const OpDef kLRN = {
    .name = "LRN",
    .since = 13,
    .doc = "Divides by a power of the squares of neighbouring channels.",
    .in = kIn,
    .out = kOut,
    .attrs = kLocalAttrs,
    .numeric = Numeric::composite,
    .accumulates = "squares over channels, ascending",
    .infer = infer_local_response,
    .eval = eval_local_response,
    .to_mil = {local_response_norm_to_mil, "local_response_norm"},
    .to_nn = {local_response_norm_to_nn, "lrn"},
};

extern const OpDef kLpNormalization = {
    .name = "LpNormalization",
    .since = 22,
    .doc = "Divides by the norm along the axis; 0 where that is 0.",
    .in = kIn,
    .out = kOut,
    .attrs = kLpAttrs,
    .numeric = Numeric::composite,
    .accumulates = "absolute values or squares along the axis",
    .infer = infer_lp,
    .eval = eval_lp,
    .to_mil = {lp_norm_to_mil, "reduce_l1_norm or reduce_l2_norm, real_div, select"},
    .to_nn = {lp_norm_to_nn, "reduceL1 or reduceL2, divideBroadcastable, whereBroadcastable"},
};

extern const OpDef kMeanVarianceNormalization = {
    .name = "MeanVarianceNormalization",
    .since = 13,
    .doc = "(x - mean) / (deviation + 1e-9) over the axes.",
    .in = kIn,
    .out = kOut,
    .attrs = kMeanAttrs,
    .numeric = Numeric::composite,
    .accumulates = "elements and squares over the axes",
    .infer = infer_same,
    .eval = eval_mean_variance,
    .to_mil = {mean_variance_norm_to_mil, "its steps"},
    .to_nn = {mean_variance_norm_to_nn, "its steps"},
};

}  // namespace assay::ops

#include <vector>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/families.h"
#include "ops/move.h"
#include "ops/rows.h"
#include "ops/span.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

// a = scale / sqrt(var + eps); b = fma(-mean, a, bias)
template <class T>
void coefficients(const num::Arith<T>& arith, T epsilon, const T* scale, const T* bias, const T* mean, const T* var,
                  T* a, T* b, size_t n) {
  T negative[kBlock];
  arith.add(var, epsilon, a, n);
  arith.sqrt(a, a, n);
  arith.div(scale, a, a, n);
  arith.neg(mean, negative, n);
  arith.fma(negative, a, bias, b, n);
}

template <class T>
void channels(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) {
    coefficients(arith, T(params[0]), in[1] + i, in[2] + i, in[3] + i, in[4] + i, out + i, out + n + i, m);
  });
}
// Behind a convolution: a run of outputs of one channel.
template <class T>
void span(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  arith.fma(in[0], *in[1], *in[2], out, n);
}
void params(const ir::Op& op, float* values) { values[0] = op.attr_float("epsilon", 1e-5f); }

template <class T>
void run(KernelContext& c) {
  const num::Arith<T> arith(c.policy());
  const AxisSplit s = split_at(c.in(0).dims(), 1);
  const auto count = static_cast<size_t>(s.n), inner = static_cast<size_t>(s.inner);
  std::vector<T> operands(4 * count), terms(2 * count);
  const T* p[5] = {};
  for (size_t k = 1; k < 5; ++k) p[k] = load(c.in(k), 0, count, operands.data() + (k - 1) * count);
  channels(arith, elementwise_params(c.op).values, p, terms.data(), count);
  const T *a = terms.data(), *b = a + count;
  // Whole rows of channels when nothing lies behind them, else one channel at a time, in pieces.
  const size_t row = inner == 1 ? count : inner;
  const size_t rows = row == 0 ? 0 : static_cast<size_t>(c.in(0).size()) / row;
  c.threads.for_each(rows, std::max<size_t>(1, kGrain / std::max<size_t>(row, 1)), [&](size_t begin, size_t end) {
    std::vector<T> in(kChunk), out(kChunk);
    for (size_t r = begin; r < end; ++r) {
      for (size_t i = 0; i < row; i += kChunk) {
        const size_t m = std::min(kChunk, row - i);
        const auto at = static_cast<int64_t>(r * row + i);
        const T* x = load(c.in(0), at, m, in.data());
        T* y = destination(c.out(0), at, out.data());
        if (inner == 1)
          arith.fma(x, a + i, b + i, y, m);
        else
          arith.fma(x, a[r % count], b[r % count], y, m);
        store(c.out(0), at, m, y, c.policy());
      }
    }
  });
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const int64_t channels = c.in(0).rank() < 2 ? 1 : c.in(0).dims()[1];
  for (size_t i = 1; i < 5; ++i) {
    if (c.in(i).size() != channels)
      return c.fail(Code::model_invalid, "a parameter has " + std::to_string(c.in(i).size()) + " values for " +
                                             std::to_string(channels) + " channels");
  }
  computes_float64(c) ? run<double>(c) : run<float>(c);
  return {};
}

Status infer(InferContext& c) {
  if (c.op().attr_int("training_mode", 0) != 0 || c.wants(1))
    return Error{Code::op_unsupported, "BatchNormalization in training mode is not supported", c.where(),
                 "export the model for inference"};
  return infer_same(c);
}

// Before 14 further outputs meant training; what is run here is always inference.
Status inference_only(UpgradeContext& c) {
  if (c.op.attr_int("spatial", 1) == 0) return c.fail("BatchNormalization over single features (spatial = 0)");
  for (const char* name : {"spatial", "is_test", "consumed_inputs", "momentum"}) c.op.remove_attr(name);
  c.op.outputs.resize(1);
  return {};
}

constexpr In kIn[] = {
    {"X", kFloats}, {"scale", kFloats}, {"B", kFloats}, {"input_mean", kFloats}, {"input_var", kFloats}};
constexpr Out kOut[] = {{"Y"}, {"running_mean", kOptional}, {"running_var", kOptional}};
constexpr AttrDoc kAttrs[] = {{"epsilon", "1e-05"}, {"momentum", "0.9"}, {"training_mode", "0"}};
constexpr Upgrade kUpgrades[] = {{14, inference_only}};

}  // namespace

extern const OpDef kBatchNormalization = {
    .name = "BatchNormalization",
    .since = 15,
    .doc = "x * a + b with a = scale / sqrt(var + eps), b = bias - mean * a, per channel (inference).",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .numeric = Numeric::elementwise,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .elementwise = {.f32 = span<float>,
                    .f64 = span<double>,
                    .params = params,
                    .per_channel = 0b11110,
                    .channel_f32 = channels<float>,
                    .channel_f64 = channels<double>},
    .to_mil = {batch_norm_to_mil, "batch_norm; else its steps"},
    .to_nn = {batch_norm_to_nn, "batchnorm; else its steps"},
    .in_place = true,
    .bound = {.f32 = 1e6},  // mean and bias may cancel x
};

}  // namespace assay::ops

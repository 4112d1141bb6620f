// BatchNormalization: by given statistics, or in training mode by those of the batch itself.
#include <vector>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/families.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"
#include "ops/reduce.h"
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

bool trains(const ir::Op& op) { return op.attr_int("training_mode", 0) != 0; }

template <class T>
T attribute(const ir::Op& op, std::string_view name, float fallback) {
  float value = op.attr_float(name, fallback);
  if (op.policy.attribute) num::round_in_place(&value, 1, *op.policy.attribute);
  return static_cast<T>(value);
}

template <class T>
std::vector<T> all_of(const ir::Tensor& t) {
  std::vector<T> values(static_cast<size_t>(t.size()));
  if (const T* from = load(t, 0, values.size(), values.data()); from != values.data())
    std::copy_n(from, values.size(), values.data());
  return values;
}

/// Mean and population variance of each channel, in the orders of the Reduce operators over all axes but the channels'.
template <class T>
struct Statistics {
  std::vector<T> mean, variance;
};

/// Rows of channels: plain ascending sums of each column.
template <class T>
Statistics<T> statistics_of_rows(const num::Arith<T>& arith, const ir::Tensor& x, size_t rows, size_t count) {
  Statistics<T> s{std::vector<T>(count), std::vector<T>(count)};
  std::vector<T> in(count);
  const auto row = [&](size_t r) { return load(x, static_cast<int64_t>(r * count), count, in.data()); };
  for (size_t r = 0; r < rows; ++r) arith.accumulate(row(r), s.mean.data(), count);
  arith.div(s.mean.data(), static_cast<T>(rows), s.mean.data(), count);
  for (size_t r = 0; r < rows; ++r) {
    arith.sub(row(r), s.mean.data(), in.data(), count);
    arith.accumulate_squares(in.data(), s.variance.data(), count);
  }
  arith.div(s.variance.data(), static_cast<T>(rows), s.variance.data(), count);
  return s;
}

template <class T>
Statistics<T> statistics_of(const KernelContext& c, const num::Arith<T>& arith, const AxisSplit& split) {
  const auto count = static_cast<size_t>(split.n), outer = static_cast<size_t>(split.outer),
             inner = static_cast<size_t>(split.inner), terms = outer * inner;
  if (c.in(0).rank() == 2 && arith.sums_ascending()) return statistics_of_rows(arith, c.in(0), outer, count);
  const bool last = c.in(0).rank() != 2;
  Statistics<T> s{std::vector<T>(count), std::vector<T>(count)};
  c.threads.for_each(count, std::max<size_t>(1, kGrain / std::max<size_t>(terms, 1)), [&](size_t begin, size_t end) {
    std::vector<T> values(terms);
    for (size_t k = begin; k < end; ++k) {
      for (size_t i = 0; i < outer; ++i) {
        T* to = values.data() + i * inner;
        const T* from = load(c.in(0), static_cast<int64_t>((i * count + k) * inner), inner, to);
        if (from != to) std::copy_n(from, inner, to);
      }
      const T total = last || !arith.sums_ascending() ? arith.sum(values.data(), terms)
                                                      : ascending_sum(arith, values.data(), terms);
      s.mean[k] = arith.div(total, static_cast<T>(terms));
      arith.sub(values.data(), s.mean[k], values.data(), terms);
      s.variance[k] = arith.div(arith.sum_of_squares(values.data(), terms), static_cast<T>(terms));
    }
  });
  return s;
}

/// old * momentum + current * (1 - momentum)
template <class T>
void store_running(KernelContext& c, const num::Arith<T>& arith, size_t output, const ir::Tensor& old,
                   const std::vector<T>& current) {
  if (!c.wants(output)) return;
  const T momentum = attribute<T>(c.op, "momentum", 0.9F), rest = arith.sub(T(1), momentum);
  const size_t n = current.size();
  std::vector<T> kept = all_of<T>(old), fresh(n);
  arith.mul(kept.data(), momentum, kept.data(), n);
  arith.mul(current.data(), rest, fresh.data(), n);
  arith.add(kept.data(), fresh.data(), kept.data(), n);
  store(c.out(output), 0, n, kept.data(), c.policy());
}

template <class T>
void run(KernelContext& c) {
  const num::Arith<T> arith(c.policy());
  const AxisSplit s = split_at(c.in(0).dims(), 1);
  const auto count = static_cast<size_t>(s.n), inner = static_cast<size_t>(s.inner);
  const std::vector<T> scale = all_of<T>(c.in(1)), bias = all_of<T>(c.in(2));
  Statistics<T> by;
  if (trains(c.op)) {
    by = statistics_of(c, arith, s);
    store_running(c, arith, 1, c.in(3), by.mean);
    store_running(c, arith, 2, c.in(4), by.variance);
    if (!c.wants(0)) return;
  } else {
    by = {all_of<T>(c.in(3)), all_of<T>(c.in(4))};
  }
  std::vector<T> terms(2 * count);
  const T* p[5] = {nullptr, scale.data(), bias.data(), by.mean.data(), by.variance.data()};
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
  if (!trains(c.op()) && (c.wants(1) || c.wants(2)))
    return c.fail("batchnormalization_c1", "running statistics are outputs of training_mode alone");
  for (size_t i = 1; i < 3; ++i) {
    if (!c.wants(i)) continue;
    std::optional<std::vector<ir::Dim>> shape;
    if (c.ranked(0)) shape = {c.rank(0) < 2 ? ir::Dim(1) : c.shape(0)[1]};
    c.set(i, c.elem(i + 2), std::move(shape));
  }
  return infer_same(c);
}

/// Statistics of single features (spatial = 0) are those of channels once all axes but the first are one.
Status flatten_features(UpgradeContext& c) {
  if (c.op.inputs.size() < 5) return {};  // the signature says what is missing
  const ir::Type integers = ir::Type::tensor(ir::ElemType::int64);
  const ir::ValueId all = c.constant(ir::Tensor::of_ints({-1}));
  ir::Op flat{.domain = {}, .type = "Flatten", .name = {}, .inputs = {c.op.inputs[0]}};
  flat.set_attr("axis", int64_t{1});
  std::vector<ir::ValueId> shapes;
  for (const size_t i : {size_t{0}, size_t{3}, size_t{4}})
    shapes.push_back(
        c.insert_before(ir::Op{.domain = {}, .type = "Shape", .name = {}, .inputs = {c.op.inputs[i]}}, integers));
  c.op.inputs[0] = c.insert_before(std::move(flat), ir::Type::tensor(c.type(0).elem));
  for (size_t i = 1; i < 5; ++i)
    c.op.inputs[i] =
        c.insert_before(ir::Op{.domain = {}, .type = "Reshape", .name = {}, .inputs = {c.op.inputs[i], all}},
                        ir::Type::tensor(c.type(i).elem));
  for (size_t i = 0; i < c.op.outputs.size() && i < 5; ++i) {
    if (c.op.outputs[i] == ir::kNoValue) continue;
    const ir::ValueId result = c.op.outputs[i];
    c.op.outputs[i] = c.graph.add_value(c.graph.fresh_name(c.op.type), ir::Type::tensor(c.type(0).elem));
    const ir::ValueId shape = shapes[i == 0 ? 0 : 2 - i % 2];
    ir::Op back{.domain = {}, .type = "Reshape", .name = {}, .inputs = {c.op.outputs[i], shape}, .outputs = {result}};
    back.set_attr("allowzero", int64_t{1});
    c.after.push_back(std::move(back));
  }
  return {};
}

/// Before 14 a node trained when it had further outputs (before 7: unless is_test was set, too): the running and the
/// batch's own statistics. The latter are the running ones of another node, whose momentum is 0.
Status training_by_outputs(UpgradeContext& c) {
  if (c.op.inputs.size() != 5) return {};  // refused by the signature
  const auto wants = [&](size_t i) { return i < c.op.outputs.size() && c.op.outputs[i] != ir::kNoValue; };
  const bool test = c.version < 7 && c.op.attr_int("is_test", 0) != 0;
  const bool training = !test && (wants(1) || wants(2) || wants(3) || wants(4));
  if (c.version < 9 && c.op.attr_int("spatial", 1) == 0) ASSAY_CHECK(flatten_features(c));
  for (const char* name : {"spatial", "is_test", "consumed_inputs"}) c.op.remove_attr(name);
  if (!training) {
    c.op.outputs.resize(1);
    return {};
  }
  c.op.set_attr("training_mode", int64_t{1});
  if (wants(3) || wants(4)) {
    ir::Op saved = c.op;
    saved.name.clear();
    saved.set_attr("momentum", 0.0F);
    const ir::ValueId unread = c.graph.add_value(c.graph.fresh_name(c.op.type), ir::Type::tensor(c.type(0).elem));
    saved.outputs = {unread, c.op.outputs[3], wants(4) ? c.op.outputs[4] : ir::kNoValue};
    c.after.insert(c.after.begin(), std::move(saved));
  }
  c.op.outputs.resize(std::min<size_t>(c.op.outputs.size(), 3));
  return {};
}

Status to_mil(MilContext& c) {
  if (trains(c.op)) return c.refuse("it takes the statistics of the batch");
  return batch_norm_to_mil(c);
}
Status to_nn(NnContext& c) {
  if (trains(c.op)) return c.refuse("it takes the statistics of the batch");
  return batch_norm_to_nn(c);
}

constexpr In kIn[] = {
    {"X", kFloats}, {"scale", kFloats}, {"B", kFloats}, {"input_mean", kFloats}, {"input_var", kFloats}};
constexpr Out kOut[] = {{"Y"}, {"running_mean", kOptional}, {"running_var", kOptional}};
constexpr AttrDoc kAttrs[] = {{"epsilon", "1e-05"}, {"momentum", "0.9"}, {"training_mode", "0"}};
constexpr Upgrade kUpgrades[] = {{14, training_by_outputs}};

}  // namespace

extern const OpDef kBatchNormalization = {
    .name = "BatchNormalization",
    .since = 15,
    .doc =
        "x * a + b with a = scale / sqrt(var + eps), b = bias - mean * a, per channel; in training mode by the batch's "
        "own statistics.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .numeric = Numeric::elementwise,
    .accumulates = "in training mode: elements and squared deviations of a channel",
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .elementwise = {.f32 = span<float>,
                    .f64 = span<double>,
                    .params = params,
                    .per_channel = 0b11110,
                    .channel_f32 = channels<float>,
                    .channel_f64 = channels<double>},
    .to_mil = {to_mil, "batch_norm; else its steps"},
    .to_nn = {to_nn, "batchnorm; else its steps"},
    .in_place = true,
    .bound = {.f32 = 1e6},  // mean and bias may cancel x
};

}  // namespace assay::ops

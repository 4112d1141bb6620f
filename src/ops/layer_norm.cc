// Normalisations over contiguous rows: LayerNormalization, RMSNormalization, InstanceNormalization,
// GroupNormalization. mean; d = x - mean; var = sum(d * d) / n; r = 1 / sqrt(var + eps); y = d * r, then * scale,
// then + bias. Without mean: d = x.
#include <algorithm>
#include <vector>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/families.h"
#include "ops/move.h"
#include "ops/rows.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

float epsilon_of(const ir::Op& op) {
  float epsilon = op.attr_float("epsilon", 1e-5f);
  if (op.policy.attribute) num::round_in_place(&epsilon, 1, *op.policy.attribute);
  return epsilon;
}

template <class T>
struct Moments {
  T mean = 0, inverse = 0;
};

/// y = (x - mean) / sqrt(var + eps), y may be x.
template <class T>
Moments<T> normalise(const num::Arith<T>& arith, const T* x, T* y, size_t n, T epsilon, bool centred) {
  Moments<T> m;
  const T* d = x;
  if (centred) {
    m.mean = arith.div(arith.sum(x, n), static_cast<T>(n));
    arith.sub(x, m.mean, y, n);
    d = y;
  }
  const T variance = arith.div(arith.sum_of_squares(d, n), static_cast<T>(n));
  m.inverse = arith.div(T(1), arith.sqrt(arith.add(variance, epsilon)));
  arith.mul(d, m.inverse, y, n);
  return m;
}

template <class T>
std::vector<T> all_of(const ir::Tensor& t) {
  std::vector<T> values(static_cast<size_t>(t.size()));
  if (const T* from = load(t, 0, values.size(), values.data()); from != values.data())
    std::copy_n(from, values.size(), values.data());
  return values;
}

/// A parameter of LayerNormalization over rows of n: its shape broadcasts to the input's.
template <class T>
class RowParameter {
 public:
  RowParameter(KernelContext& c, size_t i, size_t n) {
    if (!c.has(i)) return;
    values_ = all_of<T>(c.in(i));
    if (values_.size() == n || values_.size() == 1) return;
    // One that differs from row to row, or repeats inside one: written out in full.
    const ir::Dims& dims = c.in(0).dims();
    const ir::Dims& own = c.in(i).dims();
    std::vector<T> full(static_cast<size_t>(c.in(0).size()));
    for (size_t at = 0; at < full.size(); ++at) {
      size_t rest = at, offset = 0, stride = 1;
      for (size_t k = 0; k < dims.size(); ++k) {
        const auto extent = static_cast<size_t>(dims[dims.size() - 1 - k]);
        const size_t coordinate = rest % extent;
        rest /= extent;
        if (k >= own.size()) continue;
        if (own[own.size() - 1 - k] != 1) offset += coordinate * stride;
        stride *= static_cast<size_t>(own[own.size() - 1 - k]);
      }
      full[at] = values_[offset];
    }
    values_ = std::move(full);
    varies_ = true;
  }
  bool absent() const { return values_.empty(); }
  bool scalar() const { return values_.size() == 1; }
  T value() const { return values_[0]; }
  const T* row(size_t i, size_t n) const { return values_.data() + (varies_ ? i * n : 0); }

 private:
  std::vector<T> values_;
  bool varies_ = false;
};

template <class T>
void layer_norm(KernelContext& c, int64_t axis, bool centred) {
  const num::Arith<T> arith(c.policy());
  const T epsilon = static_cast<T>(epsilon_of(c.op));
  const AxisSplit s = split_at(c.in(0).dims(), axis);
  const auto n = static_cast<size_t>(s.n * s.inner);
  if (n == 0) return;
  const RowParameter<T> scale(c, 1, n), bias(c, 2, n);
  const bool wants_mean = c.outputs.size() > 1 && c.wants(1), wants_inverse = c.outputs.size() > 2 && c.wants(2);
  c.threads.for_each(static_cast<size_t>(s.outer), std::max<size_t>(1, kGrain / n), [&](size_t begin, size_t end) {
    std::vector<T> in(n), out(n);
    for (size_t i = begin; i < end; ++i) {
      const auto at = static_cast<int64_t>(i * n);
      const T* x = load(c.in(0), at, n, in.data());
      T* y = destination(c.out(0), at, out.data());
      Moments<T> m = normalise(arith, x, y, n, epsilon, centred);
      if (scale.scalar())
        arith.mul(y, scale.value(), y, n);
      else if (!scale.absent())
        arith.mul(y, scale.row(i, n), y, n);
      if (bias.scalar())
        arith.add(y, bias.value(), y, n);
      else if (!bias.absent())
        arith.add(y, bias.row(i, n), y, n);
      store(c.out(0), at, n, y, c.policy());
      if (wants_mean) store(c.out(1), static_cast<int64_t>(i), 1, &m.mean, c.policy());
      if (wants_inverse) store(c.out(2), static_cast<int64_t>(i), 1, &m.inverse, c.policy());
    }
  });
}

/// Scale and bias are one number, as many as a row has, or broadcast to the input.
Status check_parameters(const KernelContext& c, int64_t axis) {
  const ir::Dims& dims = c.in(0).dims();
  const int64_t n = volume({dims.begin() + axis, dims.end()});
  for (const size_t i : {size_t{1}, size_t{2}}) {
    if (!c.has(i) || c.in(i).size() == 1 || c.in(i).size() == n) continue;
    const ir::Dims& own = c.in(i).dims();
    const bool fits = own.size() <= dims.size() &&
                      std::equal(own.rbegin(), own.rend(), dims.rbegin(),
                                 [](int64_t mine, int64_t extent) { return mine == 1 || mine == extent; });
    if (!fits)
      return c.fail(Code::model_invalid, std::string(i == 1 ? "a scale" : "a bias") + " of shape " +
                                             ir::to_string(own) + " for " + ir::to_string(dims) +
                                             " normalised from axis " + std::to_string(axis));
  }
  return {};
}

template <bool kCentred>
Status eval_layer(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const int64_t wanted = c.op.attr_int("axis", -1), axis = normal_axis(wanted, c.in(0).rank());
  if (axis < 0) return axis_error(c, wanted, c.in(0).rank());
  ASSAY_CHECK(check_parameters(c, axis));
  computes_float64(c) ? layer_norm<double>(c, axis, kCentred) : layer_norm<float>(c, axis, kCentred);
  return {};
}

/// Groups of channels of an [N, C, ...] input; scale and bias per channel.
template <class T>
void group_norm(KernelContext& c, int64_t groups) {
  const num::Arith<T> arith(c.policy());
  const T epsilon = static_cast<T>(epsilon_of(c.op));
  const AxisSplit s = split_at(c.in(0).dims(), 1);
  const int64_t channels = s.n / groups;
  const auto n = static_cast<size_t>(channels * s.inner), inner = static_cast<size_t>(s.inner);
  if (n == 0) return;
  const auto scale = all_of<T>(c.in(1)), bias = all_of<T>(c.in(2));
  c.threads.for_each(static_cast<size_t>(s.outer * groups), std::max<size_t>(1, kGrain / n), [&](size_t b, size_t e) {
    std::vector<T> in(n), out(n);
    for (size_t i = b; i < e; ++i) {
      const auto at = static_cast<int64_t>(i * n);
      const T* x = load(c.in(0), at, n, in.data());
      T* y = destination(c.out(0), at, out.data());
      normalise(arith, x, y, n, epsilon, true);
      const size_t group = i % static_cast<size_t>(groups);
      for (size_t k = 0; k < static_cast<size_t>(channels); ++k) {
        const size_t p = group * static_cast<size_t>(channels) + k;
        arith.mul(y + k * inner, scale[p], y + k * inner, inner);
        arith.add(y + k * inner, bias[p], y + k * inner, inner);
      }
      store(c.out(0), at, n, y, c.policy());
    }
  });
}

Status run_groups(KernelContext& c, int64_t groups) {
  const int64_t channels = c.in(0).dims()[1];
  const bool fits = groups > 0 && channels % groups == 0 && c.in(1).size() == channels && c.in(2).size() == channels;
  if (!fits) return c.fail(Code::model_invalid, "groups, scale or bias do not fit the channels");
  computes_float64(c) ? group_norm<double>(c, groups) : group_norm<float>(c, groups);
  return {};
}
Status eval_group(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  return run_groups(c, c.op.attr_int("num_groups", 0));
}
Status eval_instance(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  if (c.in(0).dims()[1] == 0) return {};
  return run_groups(c, c.in(0).dims()[1]);
}

Status infer_layer(InferContext& c) {
  ASSAY_CHECK(infer_same(c));
  if (!c.ranked(0)) return {};
  ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", -1), c.rank(0), "layernormalization_c1"));
  std::vector<ir::Dim> moments = c.shape(0);
  std::fill(moments.begin() + axis, moments.end(), ir::Dim(1));
  const ir::ElemType stash = c.elem(0) == ir::ElemType::float64 ? ir::ElemType::float64 : ir::ElemType::float32;
  for (const size_t i : {size_t{1}, size_t{2}}) {
    if (c.wants(i)) c.set(i, stash, moments);
  }
  return {};
}
// The scale may be of another type than the input; the output is of the scale's.
Status infer_rms(InferContext& c) {
  ASSAY_CHECK(infer_layer(c));
  ir::Type type = c.type(0);
  type.elem = c.elem(1);
  c.set(0, std::move(type));
  return {};
}
Status infer_channels(InferContext& c) {
  if (c.ranked(0) && c.rank(0) < 2) return c.fail("normalization_c1", "the input has no channel axis");
  return infer_same(c);
}

Status consumed(UpgradeContext& c) {
  c.op.remove_attr("consumed_inputs");
  return {};
}

/// Scale and bias were given for each group of channels: repeats them for its channels.
Status repeat_for_channels(UpgradeContext& c) {
  const int64_t groups = c.op.attr_int("num_groups", 0);
  if (c.op.inputs.size() < 3 || groups <= 0) return {};  // refused when it runs
  const ir::Type integers = ir::Type::tensor(ir::ElemType::int64);
  const auto insert = [&](const char* type, std::vector<ir::ValueId> in, const ir::Type& result) {
    return c.insert_before(ir::Op{.domain = {}, .type = type, .name = {}, .inputs = std::move(in)}, result);
  };
  ir::Op shape{.domain = {}, .type = "Shape", .name = {}, .inputs = {c.op.inputs[0]}};
  shape.set_attr("start", int64_t{1});
  shape.set_attr("end", int64_t{2});
  const ir::ValueId channels = c.insert_before(std::move(shape), integers);
  const ir::ValueId count = insert("Div", {channels, c.constant(ir::Tensor::of_ints({groups}))}, integers);
  ir::Op concat{.domain = {}, .type = "Concat", .name = {}, .inputs = {c.constant(ir::Tensor::of_ints({1})), count}};
  concat.set_attr("axis", int64_t{0});
  const ir::ValueId row = c.insert_before(std::move(concat), integers);
  const ir::ValueId column = c.constant(ir::Tensor::of_ints({-1, 1})), flat = c.constant(ir::Tensor::of_ints({-1}));
  for (const size_t i : {size_t{1}, size_t{2}}) {
    const ir::Type type = ir::Type::tensor(c.type(i).elem);
    c.op.inputs[i] = insert("Expand", {insert("Reshape", {c.op.inputs[i], column}, type), row}, type);
    c.op.inputs[i] = insert("Reshape", {c.op.inputs[i], flat}, type);
  }
  return {};
}

constexpr In kLayerIn[] = {{"X", kFloats}, {"Scale", kFloats}, {"B", kFloats, kOptional}};
constexpr In kRmsIn[] = {{"X", kFloats}, {"scale", kFloats}};
constexpr In kChannelIn[] = {{"X", kFloats}, {"scale", kFloats}, {"bias", kFloats}};
constexpr Out kLayerOut[] = {{"Y"}, {"Mean", kOptional}, {"InvStdDev", kOptional}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kLayerAttrs[] = {{"axis", "-1"}, {"epsilon", "1e-05"}, {"stash_type", "1"}};
constexpr AttrDoc kInstanceAttrs[] = {{"epsilon", "1e-05"}};
constexpr AttrDoc kGroupAttrs[] = {{"epsilon", "1e-05"}, {"num_groups", ""}, {"stash_type", "1"}};
constexpr Upgrade kInstanceUpgrades[] = {{6, consumed}};
constexpr Upgrade kGroupUpgrades[] = {{21, repeat_for_channels}};

}  // namespace

extern const OpDef kGroupNormalization = {
    .name = "GroupNormalization",
    .since = 21,
    .doc = "Normalises groups of channels, then scales and shifts each channel.",
    .in = kChannelIn,
    .out = kOut,
    .attrs = kGroupAttrs,
    .numeric = Numeric::composite,
    .accumulates = "elements and squared deviations of a group",
    .upgrades = kGroupUpgrades,
    .infer = infer_channels,
    .eval = eval_group,
    .to_mil = {group_norm_to_mil, "reshape, layer_norm, mul, add"},
    .to_nn = {group_norm_to_nn, "reshapeStatic and its steps"},
};

extern const OpDef kInstanceNormalization = {
    .name = "InstanceNormalization",
    .since = 22,
    .doc = "Normalises each channel of each sample, then scales and shifts it.",
    .in = kChannelIn,
    .out = kOut,
    .attrs = kInstanceAttrs,
    .numeric = Numeric::composite,
    .accumulates = "elements and squared deviations of a channel",
    .upgrades = kInstanceUpgrades,
    .infer = infer_channels,
    .eval = eval_instance,
    .to_mil = {instance_norm_to_mil, "instance_norm; else layer_norm, mul, add"},
    .to_nn = {instance_norm_to_nn, "batchnorm (instanceNormalization); else its steps"},
};

extern const OpDef kLayerNormalization = {
    .name = "LayerNormalization",
    .since = 17,
    .doc = "Normalises the axes from `axis` on, then scales and shifts.",
    .in = kLayerIn,
    .out = kLayerOut,
    .attrs = kLayerAttrs,
    .numeric = Numeric::composite,
    .accumulates = "elements and squared deviations of a row",
    .infer = infer_layer,
    .eval = eval_layer<true>,
    .to_mil = {layer_norm_to_mil, "layer_norm; mul and add for parameters of other shapes"},
    .to_nn = {layer_norm_to_nn, "layerNormalization; else its steps"},
};

extern const OpDef kRMSNormalization = {
    .name = "RMSNormalization",
    .since = 23,
    .doc = "Divides the axes from `axis` on by their root mean square, then scales.",
    .in = kRmsIn,
    .out = kOut,
    .attrs = kLayerAttrs,
    .mixed = true,
    .numeric = Numeric::composite,
    .accumulates = "squares of a row",
    .infer = infer_rms,
    .eval = eval_layer<false>,
    .to_mil = {rms_norm_to_mil, "its steps"},
    .to_nn = {rms_norm_to_nn, "its steps"},
};

}  // namespace assay::ops

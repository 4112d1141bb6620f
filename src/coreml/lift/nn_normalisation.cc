// Normalisations and softmax.
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

ir::Attr epsilon_attr(double value) { return {"epsilon", static_cast<float>(value)}; }

/// (x - mean) / sqrt(variance + epsilon) * gamma + beta with statistics of each channel over the rest of a sample; `x`
/// has batch and channels first.
ValueId instance_norm(NnLift& c, ValueId x, ValueId gamma, ValueId beta, double epsilon) {
  return c.op("InstanceNormalization", {x, gamma, beta}, {epsilon_attr(epsilon)});
}

/// Statistics of each channel over the whole batch: the batch becomes one more axis of a single sample.
ValueId batch_statistics(NnLift& c, ValueId x, ValueId gamma, ValueId beta, double epsilon) {
  const ValueId one = c.unsqueeze(c.transpose(x, {1, 0, 2, 3}), {0});
  return c.transpose(c.squeeze(instance_norm(c, one, gamma, beta, epsilon), {0}), {1, 0, 2, 3});
}

void lift_batchnorm(NnLift& c) {
  const mil::Message& p = c.params();
  const ir::Dims channels = {p.integer("channels")};
  const double epsilon = unless_zero(p.number("epsilon"), 1e-5);
  const ValueId gamma = c.weights("gamma", channels), beta = c.weights("beta", channels);
  const ValueId x = one_batch_axis(c, c.in(0), 3);
  ValueId y;
  if (p.integer("computeMeanVar") == 0)
    y = c.op("BatchNormalization", {x, gamma, beta, c.weights("mean", channels), c.weights("variance", channels)},
             {epsilon_attr(epsilon)});
  else if (p.integer("instanceNormalization") != 0)
    y = instance_norm(c, x, gamma, beta, epsilon);
  else
    y = batch_statistics(c, x, gamma, beta, epsilon);
  c.result(batch_axes_of(c, y, c.in(0), 3));
}

/// Over height and width, or over channels too.
void lift_mvn(NnLift& c) {
  const mil::Message& p = c.params();
  const bool across = p.integer("acrossChannels") != 0;
  const double epsilon = unless_zero(p.number("epsilon"), 1e-6);
  rank_of(c, c.in(0), 3);
  if (p.integer("normalizeVariance") == 0) {
    const ValueId axes = c.ints(across ? ir::Dims{-3, -2, -1} : ir::Dims{-2, -1});
    return c.result(c.op("Sub", {c.in(0), c.op("ReduceMean", {c.in(0), axes})}));
  }
  ValueId x = one_batch_axis(c, c.in(0), 3);
  if (across) x = c.unsqueeze(x, {1});
  const int64_t channels = c.dim(x, 1);
  if (channels < 0) return c.unsupported("the number of its channels depends on data");
  ValueId y = instance_norm(c, x, c.filled(1, channels, x), c.filled(0, channels, x), epsilon);
  if (across) y = c.squeeze(y, {1});
  c.result(batch_axes_of(c, y, c.in(0), 3));
}

void lift_l2normalize(NnLift& c) {
  const double epsilon = unless_zero(c.params().number("epsilon"), 1e-6);
  rank_of(c, c.in(0), 3);
  c.result(c.op("coreml.L2Normalization", {c.in(0)}, {{"axis", int64_t{-3}}, epsilon_attr(epsilon)}));
}

void lift_softmax(NnLift& c) {
  rank_of(c, c.in(0), 3);
  c.result(c.op("Softmax", {c.in(0)}, {{"axis", int64_t{-3}}}));
}

void lift_softmax_nd(NnLift& c) { c.result(c.op("Softmax", {c.in(0)}, {{"axis", c.params().integer("axis")}})); }

void lift_lrn(NnLift& c) {
  const mil::Message& p = c.params();
  const ValueId y = c.op("LRN", {one_batch_axis(c, c.in(0), 3)},
                         {{"alpha", static_cast<float>(p.number("alpha"))},
                          {"beta", static_cast<float>(p.number("beta"))},
                          {"bias", static_cast<float>(unless_zero(p.number("k"), 1))},
                          {"size", p.integer("localSize")}});
  c.result(batch_axes_of(c, y, c.in(0), 3));
}

void lift_layer_normalization(NnLift& c) {
  const mil::Message& p = c.params();
  const ir::Dims shape = p.integers("normalizedShape");
  c.result(c.op("LayerNormalization", {c.in(0), c.weights("gamma", shape), c.weights("beta", shape)},
                {{"axis", -static_cast<int64_t>(shape.size())}, epsilon_attr(p.number("eps"))}));
}

constexpr NnRow kRows[] = {
    {"batchnorm", lift_batchnorm},
    {"l2normalize", lift_l2normalize},
    {"layerNormalization", lift_layer_normalization},
    {"lrn", lift_lrn},
    {"mvn", lift_mvn},
    {"softmax", lift_softmax},
    {"softmaxND", lift_softmax_nd},
};

}  // namespace

std::span<const NnRow> nn_normalisation_rows() { return kRows; }

}  // namespace assay::coreml

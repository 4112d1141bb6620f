// Normalisations.
#include <algorithm>

#include "coreml/lift/mil_operands.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

/// gamma or beta over the channels of x; what they mean when they are not given.
ValueId per_channel(MilLift& c, std::string_view parameter, double fallback, int64_t channels, ValueId x) {
  if (c.has(parameter)) return c.in(parameter);
  if (channels >= 0) return c.filled(fallback, channels, x);
  c.unsupported("no '" + std::string(parameter) + "', and the number of channels is unknown");
  return c.number(fallback, x);
}

void lift_batch_norm(MilLift& c) {
  const ValueId x = c.in("x"), mean = c.in("mean"), variance = c.in("variance");
  const int64_t channels = c.dim(mean, 0);
  const ValueId gamma = per_channel(c, "gamma", 1, channels, mean), beta = per_channel(c, "beta", 0, channels, mean);
  c.result(c.op("BatchNormalization", {x, gamma, beta, mean, variance}, {number_attr(c, "epsilon", "epsilon", 1e-5)}));
}

void lift_instance_norm(MilLift& c) {
  const ValueId x = c.in("x");
  const ValueId gamma = c.cast(per_channel(c, "gamma", 1, c.dim(x, 1), x), c.elem(x)),
                beta = c.cast(per_channel(c, "beta", 0, c.dim(x, 1), x), c.elem(x));
  c.result(c.op("InstanceNormalization", {x, gamma, beta}, {number_attr(c, "epsilon", "epsilon", 1e-5)}));
}

/// ONNX normalises the last axes: others are moved there and back.
void lift_layer_norm(MilLift& c) {
  const ValueId x = in_widest(c, {"gamma", "beta"});
  const int64_t rank = c.rank(x);
  if (rank < 1) return c.bad("x has no axes");
  ir::Dims all;
  for (int64_t k = 0; k < rank; ++k) all.push_back(k);
  ir::Dims axes = c.integers("axes", all);
  for (int64_t& axis : axes) axis = axis < 0 ? axis + rank : axis;
  std::ranges::sort(axes);
  if (axes.empty() || axes.front() < 0 || axes.back() >= rank || std::ranges::adjacent_find(axes) != axes.end())
    return c.bad("'axes' are no different axes of x");
  ir::Dims order;
  for (const int64_t k : all)
    if (!std::ranges::binary_search(axes, k)) order.push_back(k);
  order.insert(order.end(), axes.begin(), axes.end());
  ir::Dims back(order.size());
  for (size_t k = 0; k < order.size(); ++k) back[static_cast<size_t>(order[k])] = static_cast<int64_t>(k);
  const ValueId gamma = c.has("gamma") ? in_like(c, "gamma", x) : c.filled(1, 1, x);
  const ValueId beta = optional_in_like(c, "beta", x);
  const ValueId y = c.op("LayerNormalization", {c.transpose(x, order), gamma, beta},
                         {{"axis", -static_cast<int64_t>(axes.size())}, number_attr(c, "epsilon", "epsilon", 1e-5)});
  c.result(c.transpose(y, back));
}

void lift_l2_norm(MilLift& c) {
  c.result(
      c.op("coreml.L2Normalization", {c.in("x")}, {{"axis", int64_t{-3}}, number_attr(c, "epsilon", "epsilon", 1e-6)}));
}

void lift_local_response_norm(MilLift& c) {
  c.result(c.op("LRN", {c.in("x")},
                {{"size", c.integer("size", 1)},
                 number_attr(c, "alpha", "alpha", 1e-4),
                 number_attr(c, "beta", "beta", 0.75),
                 number_attr(c, "bias", "k", 1)}));
}

constexpr MilRow kRows[] = {
    {"batch_norm", lift_batch_norm},
    {"instance_norm", lift_instance_norm},
    {"l2_norm", lift_l2_norm},
    {"layer_norm", lift_layer_norm},
    {"local_response_norm", lift_local_response_norm},
};

}  // namespace

std::span<const MilRow> mil_normalization_rows() { return kRows; }

}  // namespace assay::coreml

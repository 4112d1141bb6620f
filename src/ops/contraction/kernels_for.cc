#include "ops/contraction/kernel_sets.h"

namespace assay::ops::contraction {
namespace {

/// Each step rounded by the compute type alone.
bool plain_chain(const num::Policy& policy) {
  num::Accumulator plain;
  plain.fused = policy.accumulator.fused;
  return policy.accumulator == plain && !policy.flush_subnormals;
}

}  // namespace

template <>
KernelSet<float> kernels_for<float>(const num::Policy& policy) {
  if (plain_chain(policy)) return chain_float(policy.accumulator.fused);
  return reference_float();
}

template <>
KernelSet<double> kernels_for<double>(const num::Policy& policy) {
  if (plain_chain(policy)) return chain_double(policy.accumulator.fused);
  return reference_double();
}

}  // namespace assay::ops::contraction

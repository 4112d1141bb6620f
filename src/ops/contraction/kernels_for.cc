#include "num/round_plan.h"
#include "ops/contraction/kernel_sets.h"

namespace assay::ops::contraction {
namespace {

using num::Accumulator;

bool flushes(const num::Policy& policy) { return policy.flush_subnormals || policy.accumulator.flush_subnormals; }

/// Each step rounded by the compute type alone, and perhaps flushed.
bool compute_steps(const Accumulator& acc) { return !acc.step && (acc.fused || !acc.product) && !acc.step_via_float32; }
bool plain_steps(const num::Policy& policy) { return compute_steps(policy.accumulator) && !flushes(policy); }

bool to_float16(const std::optional<num::Rounding>& rounding) {
  return rounding && num::fast_rounding(*rounding) == num::FastRounding::float16;
}

KernelSet<float> chain(const num::Policy& policy) {
  const Accumulator& acc = policy.accumulator;
  if (plain_steps(policy)) return chain_float(acc.fused);
  if (compute_steps(acc) && acc.fused && policy.bias != num::Bias::first) return flushed_float();
  if (to_float16(acc.step) && acc.fused && !acc.step_via_float32 && !flushes(policy)) return halves_float();
  return planned_float();
}

/// What the kernel of tiles computes in float32 without loss, and can find the overflow of.
bool fast_tiles(const Accumulator& acc) {
  const bool mode = acc.block_mode == num::Mode::toward_zero || acc.block_mode == num::Mode::nearest_even;
  const bool product = !acc.product || to_float16(acc.product);
  if (!mode || !product || acc.fraction_bits < 2 || acc.fraction_bits > 22 || acc.block < 1) return false;
  if (!acc.step || acc.step->limit == 0) return true;
  const num::Mode step = acc.step->mode;
  const double limit = acc.step->limit;
  const bool power = limit == 32768 || limit == 65536;
  return power && (step == num::Mode::toward_zero || step == num::Mode::nearest_even) &&
         acc.step->overflow == num::Overflow::infinity;
}

/// What the kernel of aligned blocks sums in 32 bits, and rounds in one step.
bool fast_aligned(const num::Policy& policy) {
  const Accumulator& acc = policy.accumulator;
  if (acc.accumulator_apart || acc.flush_subnormals || policy.flush_subnormals) return false;
  if (acc.fraction_bits > 26 || acc.block < 1 || acc.block_result_fraction_bits < 23) return false;
  const bool cut = acc.block_format == num::FormatId::float32 && acc.block_mode == num::Mode::toward_zero;
  return cut || (acc.block_format == num::FormatId::float16 && acc.block_mode == num::Mode::nearest_even);
}

/// Sums of blocks are taken over whole pairs.
bool fast_pairs(const Accumulator& acc) {
  return acc.pairs != Accumulator::PairRule::even_odd_sums || acc.block % 2 == 0;
}

}  // namespace

template <>
KernelSet<float> kernels_for<float>(const num::Policy& policy, Operands operands) {
  const Accumulator& acc = policy.accumulator;
  const bool narrow = operands != Operands::any;
  if (acc.kind == Accumulator::Kind::aligned)
    return narrow && fast_aligned(policy) ? aligned_float() : reference_float();
  if (acc.split_k > 1) return reference_float();
  switch (acc.kind) {
    case Accumulator::Kind::chain:
      return chain(policy);
    case Accumulator::Kind::lanes: {
      const bool counted = acc.lanes == 1 || acc.lanes == 2 || acc.lanes == 4 || acc.lanes == 8 || acc.lanes == 16;
      return counted && compute_steps(acc) ? lanes_float() : reference_float();
    }
    case Accumulator::Kind::exact:
      return exact_float();
    case Accumulator::Kind::tiles:
      return operands == Operands::float16 && fast_tiles(acc) ? tiles_float() : reference_float();
    case Accumulator::Kind::pairs:
      return narrow && fast_pairs(acc) ? pairs_float() : reference_float();
    default:
      return reference_float();
  }
}

template <>
KernelSet<double> kernels_for<double>(const num::Policy& policy, Operands) {
  const Accumulator& acc = policy.accumulator;
  if (acc.kind == Accumulator::Kind::chain && acc.split_k <= 1 && plain_steps(policy)) return chain_double(acc.fused);
  return reference_double();
}

}  // namespace assay::ops::contraction

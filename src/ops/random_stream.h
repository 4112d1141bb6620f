// Random numbers that anyone can compute again: the counter-based generator Philox4x32-10 (Salmon, Moraes, Dror, Shaw:
// "Parallel random numbers: as easy as 1, 2, 3", 2011). The i-th number of an operation depends on its key and on i
// alone, so neither threads nor shapes matter. docs/semantics.md states the key and how bits become numbers.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "ops/kernel.h"
#include "ops/upgrade.h"

namespace assay::ops {

class InferContext;

/// The four words of one counter under one key.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

class RandomStream {
 public:
  /// The key: the bits of attribute `seed` (an integer of Dropout, elsewhere a float); without one, a hash of the
  /// node's name, so that nodes differ.
  explicit RandomStream(const ir::Op& op);

  /// out[k] = uniform number begin + k of the stream: a multiple of 2^-53 in [0, 1).
  void uniform(uint64_t begin, size_t n, double* out) const;
  /// out[k] = normal number begin + k, by Box and Muller from a pair of uniform ones; `begin` is even.
  void normal(uint64_t begin, size_t n, double* out) const;

 private:
  std::array<uint32_t, 2> key_;
};

/// A node without a name gets its first output's, which passes may change where they keep nodes' names: all programs of
/// a comparison must draw the same.
Status name_draws(UpgradeContext& context);
inline constexpr Upgrade kNamesDraws[] = {{1 << 30, name_draws}};

/// Writes numbers that were drawn: rounded to the type that the output is declared as, whatever the policy, and then
/// stored as every result is. `values` is overwritten.
void store_drawn(KernelContext& c, int64_t begin, size_t n, double* values);

}  // namespace assay::ops

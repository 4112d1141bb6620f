// Lattice membership: which format the values of a tensor really had, with evidence in bits. Counters only, so that
// shards merge exactly in any order.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "num/format.h"

namespace assay::num {

/// Candidates, narrowest significand first. (Of nested lattices the narrowest that fits is named: bfloat16 values of
/// ordinary size lie on float16's lattice too, and both lie on TF32's.)
inline constexpr std::array kLatticeCandidates = {FormatId::bfloat16, FormatId::float16, FormatId::tf32,
                                                  FormatId::float32};

/// Below this many bits of evidence no claim is made.
inline constexpr uint64_t kEnoughEvidence = 32;

/// What `LatticeCounts::verdict` says.
struct LatticeVerdict {
  /// The narrowest candidate that holds every finite value; the type of the values themselves when all narrower ones
  /// are excluded; nothing when no value tells (only zeros, small whole numbers, infinities, ...) or evidence is below
  /// 32 bits.
  std::optional<FormatId> format;
  /// Chance alone would put all values on this lattice with probability about 2^-evidence_bits. 0 for the values' own
  /// type, which needs no evidence: the others are excluded.
  uint64_t evidence_bits = 0;
};

struct LatticeCounts {
  uint64_t values = 0;
  uint64_t finite = 0;
  /// Finite, not zero, more than 4 significand bits: values that can tell lattices apart. 0, 1, -0.5, small integers
  /// and saturated sigmoids lie on every lattice.
  uint64_t counted = 0;
  /// Of these, the whole numbers, and what they say for each candidate in bits: as many of a whole number's last bits
  /// are 0 though nothing but the format makes them so. Labels and indices say nothing for any format.
  uint64_t whole = 0;
  std::array<uint64_t, kLatticeCandidates.size()> whole_bits{};
  /// Per candidate: finite values that are not on its lattice (out of its range too). One is enough to exclude it.
  std::array<uint64_t, kLatticeCandidates.size()> off{};
  bool from_float64 = false;

  void add(const float* values, size_t n);
  void add(const double* values, size_t n);
  /// Counts of another shard of the same tensor.
  void merge(const LatticeCounts& other);
  /// All that could tell are whole numbers.
  bool all_whole() const { return counted > 0 && counted == whole; }
  LatticeVerdict verdict() const;
  uint64_t evidence_bits(FormatId candidate) const;

  friend bool operator==(const LatticeCounts&, const LatticeCounts&) = default;
};

}  // namespace assay::num

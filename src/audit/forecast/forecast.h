// How near decisions are to flipping: margins in units of the error that the candidate really makes, the flips to
// expect on more data, and the decisions that cannot flip. Meanings: docs/margins.md.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/decision/rule.h"
#include "audit/metrics/counts.h"

namespace assay::audit {

/// Counts of positive numbers, kPerOctave bins to a doubling: finer than a Histogram.
struct Sizes {
  static constexpr int kPerOctave = 8;
  std::map<int32_t, uint64_t> bins;
  void add(double size);
  void merge(const Sizes& other);
  uint64_t total() const;
};

/// Where the bound of one sample is lost.
struct Unbounded {
  int64_t sample = 0;
  std::string operation, why;
};

/// A share of decisions that cannot flip, or the reason why no proof reaches.
struct Proof {
  uint64_t proved = 0;     ///< samples whose decision no rounding within the bound can change
  uint64_t unproved = 0;   ///< samples with a finite bound that reaches the boundary
  uint64_t unbounded = 0;  ///< samples without a finite bound
  std::string method;      ///< in words; empty: no proof was asked for
  std::vector<std::pair<std::string, std::string>> stops;  ///< operation and why the bound ends there; ascending
  std::optional<Unbounded> first_unbounded;                ///< of the first such sample, where operations have rules
  Histogram margin_in_bounds;                              ///< lead / bound of the samples with both, by power of two
  void merge(const Proof& other);
};

/// Of the candidate's primary variant. A lead is the distance of the reference's score to the nearest other decision;
/// the error is by how much the candidate's lead differs from it.
struct Forecast {
  Histogram margin_in_errors;  ///< lead / error of the same sample, by power of two
  uint64_t unchanged = 0;      ///< samples whose score did not change at all
  uint64_t undefined = 0;      ///< samples without a lead: NaN or infinity in a score
  Histogram error_ulp;         ///< errors in ULPs of the candidate's storage type at the boundary
  uint64_t samples = 0, flips = 0;
  std::array<Sizes, 2> lead;       ///< of samples decided negative, positive; all but thresholds: all in [1]
  std::array<uint64_t, 2> zero{};  ///< exactly on the boundary
  /// Changes of the score downwards, upwards; all but thresholds: towards the boundary, away.
  std::array<Sizes, 2> error;
  Proof proof;
  void merge(const Forecast& other);
};
/// Counts a sample. `candidate` differs from the reference's decision by `flipped`.
void add_sample(Forecast& into, const Judge& judge, const Judged& reference, const Judged& candidate, bool flipped,
                ir::ElemType storage);

/// Flips to expect among `more` samples like these, with a two-sided 95 % interval.
struct Expectation {
  uint64_t more = 0;
  double expected = 0, low = 0, high = 0;
  std::string method;
};
Expectation expected_flips(const Forecast& forecast, uint64_t more);

/// The two-sided 95 % Clopper-Pearson interval of a share of which `hits` of `trials` were seen; 0 to 1 for no trials.
std::pair<double, double> share_interval(uint64_t hits, uint64_t trials);

}  // namespace assay::audit

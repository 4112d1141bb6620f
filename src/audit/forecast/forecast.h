// How near decisions are to flipping: margins in units of the error that the candidate really makes, the flips to
// expect on more data, and the decisions that cannot flip. Meanings: docs/margins.md.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "audit/metrics/counts.h"

namespace assay::audit {

/// A share of decisions that cannot flip, or the reason why no proof reaches.
struct Proof {
  uint64_t proved = 0;     ///< samples whose decision no rounding within the bound can change
  uint64_t unproved = 0;   ///< samples with a finite bound that reaches the boundary
  uint64_t unbounded = 0;  ///< samples without a finite bound
  std::string method;      ///< in words
  std::vector<std::pair<std::string, std::string>> stops;  ///< operation and why the bound ends there; ascending
};

struct Forecast {
  Histogram margin_in_errors;  ///< |margin| / (this sample's own change of score), by power of two
  uint64_t unchanged = 0;      ///< samples whose score did not change at all
  Histogram error_ulp;         ///< changes of the score in ULPs of the candidate's lattice at the boundary
  uint64_t samples = 0, flips = 0;
  Proof proof;
  void merge(const Forecast& other);
};

/// Flips to expect among `more` samples like these, with a two-sided 95 % interval.
struct Expectation {
  double expected = 0, low = 0, high = 0;
  std::string method;
};
Expectation expected_flips(const Forecast& forecast, uint64_t more);

}  // namespace assay::audit

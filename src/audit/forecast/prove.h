// Which decisions cannot flip, given bounds of the scores (audit/bounds/).
#pragma once
#include <limits>
#include <span>
#include <vector>

#include "audit/decision/rule.h"
#include "audit/decision/score.h"
#include "audit/forecast/forecast.h"

namespace assay::audit {

/// Whether bounds of outputs say something about the decision.
bool provable(const Score& score, const Rule& rule);

/// `low` and `high`, both at a centre, moved apart by the radius, outwards.
void spread(std::vector<double>& low, std::vector<double>& high, std::span<const double> radius);

/// How far each value less each other one can be off from the difference of their centres; may be empty.
struct PairBounds {
  std::span<const double> centres, bounds;
  bool rounded = false;  ///< the score rounds what they are of: different values may become equal
};

/// What bounds say of one sample's decision, all variants together.
struct Reach {
  bool same = true;     ///< within all bounds the decision is the reference's
  bool finite = true;   ///< all bounds are finite
  double farthest = 0;  ///< largest distance of a bound from the reference's score values
  void add(const Judge& judge, const Judged& reference, std::span<const double> low, std::span<const double> high,
           const PairBounds& pairs = {});
  /// Counts the sample, whose reference has this lead.
  void count(Proof& into, double lead) const;
};

}  // namespace assay::audit

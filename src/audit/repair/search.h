// The search for a 1-minimal set of operations to keep in float32.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "audit/repair/repair.h"
#include "audit/search/trials.h"

namespace assay::audit {

/// Which samples the search does not see: about `share` of those that flip, and of the others, evenly spread by number;
/// at least one that flips is left to the search. By sample.
std::vector<bool> hold_out(const std::vector<bool>& flips, double share);

class RepairSearch {
 public:
  RepairSearch(Trials& trials, const Goal& goal, uint64_t budget) : trials_(trials), goal_(goal), budget_(budget) {}

  /// Samples that sets are tried on. May be called again with more.
  void use(std::vector<size_t> samples) {
    samples_ = std::move(samples);
    tried_.clear();
  }
  /// Samples that may flip, of those in use.
  void allow(uint64_t flips) { allowed_ = flips; }

  /// Whether nothing in float32 meets the goal on these samples, all of which are run; counts as a set where it does.
  /// Errors: as Trials::answer.
  Result<bool> nothing_meets(std::span<const size_t> samples);

  struct Found {
    Kept kept;
    bool possible = false;  ///< float32 throughout meets the goal
    bool minimal = false;
  };
  /// Starts from float32 throughout and lowers what can be lowered: halves as long as the goal is met, then single
  /// units, dearest first, until each that is left is needed. Errors: as Trials::answer.
  Result<Found> minimise();
  /// How a set does on some samples, all of them run.
  Result<Standing> standing(const Kept& kept, std::span<const size_t> samples);
  /// Sets on the way from `kept` to nothing kept, the least harmful unit given up first; of large sets the dearest
  /// units, several at a time.
  Result<std::vector<Kept>> thin_out(const Kept& kept);
  /// Sets tried so far.
  uint64_t sets() const { return sets_; }
  Cost cost(const Kept& kept) const { return cost_of(trials_.units().model(), trials_.units().spread(kept)); }

 private:
  Result<bool> meets(const Kept& kept);
  Result<bool> part_meets(const Kept& kept, std::span<const size_t> samples, std::set<size_t>& bad);
  Result<bool> lower(Kept& kept, std::span<const size_t> units);
  Status halve(Kept& kept);
  Status finish(Kept& kept);
  std::vector<Kept> thin_out_by_weight(Kept kept) const;
  bool spent() const { return sets_ >= budget_; }
  std::vector<uint64_t> weights() const;

  Trials& trials_;
  Goal goal_;
  uint64_t budget_, allowed_ = 0;
  std::vector<size_t> samples_;
  std::vector<size_t> critical_;  ///< those that failed under some set, the last one first
  std::map<Kept, bool> tried_;    ///< on the samples in use
  uint64_t sets_ = 0;
};

}  // namespace assay::audit

#include "audit/blame/blame.h"

#include <algorithm>
#include <map>

namespace assay::audit {
namespace {

bool holds(const std::vector<size_t>& ops, size_t op) { return std::ranges::find(ops, op) != ops.end(); }

/// Whether keeping or lowering it matters to the decision.
bool named(const SampleBlame& sample, size_t op) {
  return holds(sample.undo, op) || holds(sample.cause, op) || holds(sample.smallest, op);
}

void count(const SampleBlame& sample, std::map<size_t, BlameRank>& ranks) {
  const auto each = [&](const std::vector<size_t>& ops, uint64_t BlameRank::*field, auto points) {
    for (const size_t op : ops) {
      BlameRank& rank = ranks[op];
      if (holds(sample.tainted, op)) continue;
      ++(rank.*field);
      rank.points += points(op);
    }
  };
  const uint64_t in_set = sample.undo.empty() ? 1 : 0;
  each(sample.undo, &BlameRank::undoes, [](size_t) { return uint64_t{1}; });
  each(sample.cause, &BlameRank::causes, [](size_t) { return uint64_t{1}; });
  each(sample.smallest, &BlameRank::in_smallest, [&](size_t) { return in_set; });
  each(sample.origins, &BlameRank::originates,
       [&](size_t op) { return named(sample, op) ? uint64_t{2} : uint64_t{1}; });
  for (const size_t op : sample.tainted) ++ranks[op].tainted;
}

}  // namespace

std::vector<BlameRank> BlameResult::ranking() const {
  std::map<size_t, BlameRank> ranks;
  for (const SampleBlame& sample : samples) count(sample, ranks);
  std::vector<BlameRank> sorted;
  for (auto& [op, rank] : ranks) {
    rank.op = op;
    if (rank.points > 0) sorted.push_back(rank);
  }
  std::ranges::stable_sort(sorted, [](const BlameRank& a, const BlameRank& b) { return a.points > b.points; });
  return sorted;
}

void BlameResult::trim() {
  std::ranges::sort(samples, [](const SampleBlame& a, const SampleBlame& b) {
    return a.at_risk != b.at_risk ? b.at_risk : a.sample < b.sample;
  });
  if (samples.size() > limit) {
    skipped += samples.size() - limit;
    samples.resize(limit);
  }
  std::ranges::sort(samples, {}, &SampleBlame::sample);
}

void BlameResult::merge(const BlameResult& other) {
  samples.insert(samples.end(), other.samples.begin(), other.samples.end());
  skipped += other.skipped;
  trim();
}

}  // namespace assay::audit

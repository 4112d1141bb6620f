#include "audit/repair/search.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace assay::audit {
namespace {

constexpr size_t kMostSteps = 24;              // on a front
constexpr size_t kFirstStep = 4, kStep = 256;  // samples that are run before the goal is looked at again

/// Every one of `of` whose number, counted among them, crosses a multiple of 1 / share.
void mark(const std::vector<size_t>& of, double share, size_t at_least_left, std::vector<bool>& held) {
  size_t taken = 0;
  for (size_t i = 0; i < of.size(); ++i) {
    const auto due = static_cast<size_t>(std::floor(static_cast<double>(i + 1) * share));
    if (due <= taken || of.size() - taken - 1 < at_least_left) continue;
    ++taken;
    held[of[i]] = true;
  }
}

}  // namespace

std::vector<bool> hold_out(const std::vector<bool>& flips, double share) {
  std::vector<size_t> flipped, others;
  for (size_t s = 0; s < flips.size(); ++s) (flips[s] ? flipped : others).push_back(s);
  std::vector<bool> held(flips.size());
  mark(flipped, share, 1, held);
  mark(others, share, flipped.empty() ? 1 : 0, held);
  return held;
}

Result<Standing> RepairSearch::standing(const Kept& kept, std::span<const size_t> samples) {
  std::vector<Ask> asks;
  for (size_t v = 0; v < trials_.variants(); ++v)
    for (const size_t s : samples) asks.push_back({v, kept, s});
  ASSAY_CHECK(trials_.answer(asks));
  Standing found{.samples = samples.size()};
  for (const size_t s : samples) {
    bool same = true;
    for (size_t v = 0; v < trials_.variants(); ++v) {
      const Outcome& outcome = *trials_.find(v, kept, s);
      same = same && outcome.same;
      found.error = std::max(found.error, outcome.error);
    }
    if (!same) ++found.flips;
  }
  return found;
}

/// One variant after the other, a few samples first: most wrong sets cost few runs.
Result<bool> RepairSearch::part_meets(const Kept& kept, std::span<const size_t> samples, std::set<size_t>& bad) {
  size_t step = kFirstStep;
  for (size_t begin = 0; begin < samples.size(); begin += step, step = std::min(2 * step, kStep)) {
    const auto part = samples.subspan(begin, std::min(step, samples.size() - begin));
    for (size_t v = 0; v < trials_.variants(); ++v) {
      std::vector<Ask> asks;
      for (const size_t s : part) asks.push_back({v, kept, s});
      ASSAY_CHECK(trials_.answer(asks));
      for (const size_t s : part) {
        if (!goal_.missed(*trials_.find(v, kept, s))) continue;
        bad.insert(s);
        std::erase(critical_, s);
        critical_.insert(critical_.begin(), s);
      }
      if (bad.size() > (goal_.kind == Goal::Kind::flips ? allowed_ : 0)) return false;
    }
  }
  return true;
}

/// Samples that failed before come first, the last one at the front: most sets fail on them.
Result<bool> RepairSearch::meets(const Kept& kept) {
  if (const auto known = tried_.find(kept); known != tried_.end()) return known->second;
  std::vector<size_t> first, rest;
  std::set<size_t> bad;
  for (const size_t s : critical_)
    if (std::ranges::binary_search(samples_, s)) first.push_back(s);
  const std::set<size_t> failed(first.begin(), first.end());
  for (const size_t s : samples_)
    if (!failed.contains(s)) rest.push_back(s);
  ASSAY_TRY(bool met, part_meets(kept, first, bad));
  if (met) {
    ASSAY_TRY(met, part_meets(kept, rest, bad));
  }
  tried_[kept] = met;
  ++sets_;
  return met;
}

/// Cost of each unit by itself.
std::vector<uint64_t> RepairSearch::weights() const {
  const Units& units = trials_.units();
  std::vector<uint64_t> weights;
  for (size_t u = 0; u < units.size(); ++u) {
    std::vector<bool> one(units.model().ops.size());
    for (const ir::OpId id : units.ops(u)) one[id] = true;
    const Cost cost = cost_of(units.model(), one);
    weights.push_back(cost.bytes + cost.multiply_adds);
  }
  return weights;
}

/// Lowers units where the goal is still met without them.
Result<bool> RepairSearch::lower(Kept& kept, std::span<const size_t> units) {
  Kept fewer = kept;
  for (const size_t u : units) fewer[u] = false;
  if (fewer == kept) return true;
  if (spent() && !tried_.contains(fewer)) return false;
  ASSAY_TRY(const bool met, meets(fewer));
  if (met) kept = std::move(fewer);
  return met;
}

Status RepairSearch::halve(Kept& kept) {
  const auto weight = weights();
  std::vector<std::vector<size_t>> stack(1);
  for (size_t u = 0; u < kept.size(); ++u) stack[0].push_back(u);
  while (!stack.empty() && !spent()) {
    const std::vector<size_t> block = std::move(stack.back());
    stack.pop_back();
    ASSAY_TRY(const bool gone, lower(kept, block));
    if (gone || block.size() == 1) continue;
    const auto middle = block.begin() + static_cast<std::ptrdiff_t>(block.size() / 2);
    std::vector<size_t> front(block.begin(), middle), back(middle, block.end());
    const auto sum = [&](const std::vector<size_t>& units) {
      return std::accumulate(units.begin(), units.end(), uint64_t{0},
                             [&](uint64_t n, size_t u) { return n + weight[u]; });
    };
    const bool front_first = sum(front) >= sum(back);
    stack.push_back(front_first ? back : front);
    stack.push_back(front_first ? front : back);
  }
  return {};
}

/// Until no single unit can be given up.
Status RepairSearch::finish(Kept& kept) {
  const auto weight = weights();
  std::vector<size_t> order(kept.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return weight[a] > weight[b]; });
  size_t needed = 0;  // in a row, since a unit was given up
  for (size_t i = 0; needed < order.size() && !spent(); i = (i + 1) % order.size()) {
    const size_t one[] = {order[i]};
    bool gone = false;
    if (kept[order[i]]) {
      ASSAY_TRY(gone, lower(kept, one));
    }
    needed = gone ? 0 : needed + 1;
  }
  return {};
}

Result<bool> RepairSearch::nothing_meets(std::span<const size_t> samples) {
  ASSAY_TRY(const Standing found, standing(Kept(trials_.units().size(), false), samples));
  const bool met = goal_.met(found);
  if (met) ++sets_;
  return met;
}

Result<RepairSearch::Found> RepairSearch::minimise() {
  Found found{.kept = Kept(trials_.units().size(), true)};
  ASSAY_TRY(found.possible, meets(found.kept));
  if (!found.possible) return found;
  ASSAY_CHECK(halve(found.kept));
  ASSAY_CHECK(finish(found.kept));
  found.minimal = !spent();
  return found;
}

std::vector<Kept> RepairSearch::thin_out_by_weight(Kept kept) const {
  const auto weight = weights();
  std::vector<size_t> order;
  for (size_t u = 0; u < kept.size(); ++u)
    if (kept[u]) order.push_back(u);
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return weight[a] > weight[b]; });
  std::vector<Kept> sets;
  const size_t step = (order.size() + kMostSteps - 1) / kMostSteps;
  for (size_t i = 0; i < order.size(); ++i) {
    kept[order[i]] = false;
    if ((i + 1) % step == 0) sets.push_back(kept);
  }
  return sets;
}

Result<std::vector<Kept>> RepairSearch::thin_out(const Kept& kept) {
  if (static_cast<size_t>(std::ranges::count(kept, true)) > kMostSteps) return thin_out_by_weight(kept);
  struct Step {
    size_t unit;
    Standing standing;
    uint64_t saved;
  };
  std::vector<Step> steps;
  const uint64_t all = cost(kept).total();
  for (size_t u = 0; u < kept.size(); ++u) {
    if (!kept[u]) continue;
    Kept fewer = kept;
    fewer[u] = false;
    ASSAY_TRY(const Standing left, standing(fewer, samples_));
    const uint64_t rest = cost(fewer).total();
    steps.push_back({u, left, all > rest ? all - rest : 0});
  }
  std::ranges::stable_sort(steps, [](const Step& a, const Step& b) {
    if (a.standing.flips != b.standing.flips) return a.standing.flips < b.standing.flips;
    if (a.standing.error != b.standing.error) return a.standing.error < b.standing.error;
    return a.saved > b.saved;
  });
  std::vector<Kept> sets;
  for (const Step& step : steps) {
    sets.push_back(kept);
    sets.back()[step.unit] = false;
  }
  Kept current = kept;
  for (const Step& step : steps) {
    current[step.unit] = false;
    sets.push_back(current);
  }
  return sets;
}

}  // namespace assay::audit

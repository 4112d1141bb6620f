#include "audit/blame/sample_search.h"

#include <algorithm>

namespace assay::audit {
namespace {

constexpr size_t kBlocks = 16;  // that a model is cut into where there is no budget for each operation

}  // namespace

std::optional<bool> SampleSearch::ask(const Kept& kept) {
  if (!asked_.contains(kept)) {
    if (asked_.size() >= budget_) {
      over_ = true;
      return std::nullopt;
    }
    asked_.insert(kept);
  }
  const auto answer = (*known_)(kept);
  if (!answer) wanted_.push_back(kept);
  return answer;
}

/// Units kept: those of the block, or all others.
Kept SampleSearch::block(Block units, bool inside) const {
  Kept kept(units_, !inside);
  std::fill(kept.begin() + static_cast<std::ptrdiff_t>(units.first),
            kept.begin() + static_cast<std::ptrdiff_t>(units.second), inside);
  return kept;
}

/// Units that alone decide as `same` says: kept alone (`inside`), or lowered alone. Where the budget does not reach for
/// each, blocks first: what a block does not do, none of its units is asked for. False: something is not known yet.
bool SampleSearch::singles(bool inside, bool same, std::vector<size_t>& into) {
  const bool each = 2 * units_ + 32 <= budget_;
  const size_t step = each ? 1 : (units_ + kBlocks - 1) / kBlocks;
  std::vector<Block> blocks;
  for (size_t u = 0; u < units_; u += step) blocks.emplace_back(u, std::min(units_, u + step));
  bool ready = true;
  while (!blocks.empty()) {
    std::vector<Block> smaller;
    for (const Block& b : blocks) {
      const auto answer = ask(block(b, inside));
      if (!answer) ready = false;
      if (!answer || *answer != same) continue;
      if (b.second - b.first == 1) {
        into.push_back(b.first);
        continue;
      }
      const size_t middle = b.first + (b.second - b.first) / 2;
      smaller.emplace_back(b.first, middle);
      smaller.emplace_back(middle, b.second);
    }
    blocks = std::move(smaller);
  }
  std::ranges::sort(into);
  return ready;
}

/// Lowers the units of a block too, where the decision stays the reference's.
std::optional<bool> SampleSearch::without(Kept& kept, Block units) {
  Kept fewer = kept;
  std::fill(fewer.begin() + static_cast<std::ptrdiff_t>(units.first),
            fewer.begin() + static_cast<std::ptrdiff_t>(units.second), false);
  if (fewer == kept) return true;
  const auto answer = ask(fewer);
  if (answer && *answer) kept = std::move(fewer);
  return answer;
}

/// Delta debugging: halves are given up as long as the rest suffices, then single units until each is needed.
bool SampleSearch::minimise(std::vector<size_t>& into) {
  Kept kept(units_, true);
  const size_t middle = units_ / 2;
  std::vector<Block> blocks = {{middle, units_}, {0, middle}};  // a stack: the front is tried first
  if (units_ == 1) blocks.clear();
  while (!blocks.empty()) {
    const Block b = blocks.back();
    blocks.pop_back();
    const auto gone = without(kept, b);
    if (!gone) return false;
    if (*gone || b.second - b.first == 1) continue;
    const size_t half = b.first + (b.second - b.first) / 2;
    blocks.emplace_back(half, b.second);
    blocks.emplace_back(b.first, half);
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t u = 0; u < units_; ++u) {
      if (!kept[u]) continue;
      const auto gone = without(kept, {u, u + 1});
      if (!gone) return false;
      changed = changed || *gone;
    }
  }
  for (size_t u = 0; u < units_; ++u)
    if (kept[u]) into.push_back(u);
  return true;
}

bool SampleSearch::advance(const Known& known, SampleBlame& found) {
  known_ = &known;
  wanted_.clear();
  over_ = false;
  found.undo.clear();
  found.cause.clear();
  found.smallest.clear();
  const auto all = ask(Kept(units_, true));
  bool ready = all.has_value();
  if (all && *all) {  // else float32 does not undo it
    ready = singles(true, true, found.undo);
    if (ready || over_) {
      if (found.undo.empty() && ready) {
        ready = minimise(found.smallest);
      } else if (!found.undo.empty()) {
        found.smallest = {found.undo.front()};
      }
    }
    if (wanted_.empty()) ready = singles(false, false, found.cause) && ready;
  }
  found.runs = asked_.size();
  found.complete = !over_ && ready;
  return wanted_.empty();
}

}  // namespace assay::audit

// The named policies first; then changes of the likeliest, one choice at a time, each round from the best so far.
#include <algorithm>
#include <cmath>
#include <set>

#include "audit/fingerprint/fit.h"
#include "audit/fingerprint/vocabulary.h"
#include "base/cancel.h"

namespace assay::audit {
namespace {

constexpr size_t kStarts = 3;        // of the search
constexpr size_t kRounds = 6;        // changes of one start at most
constexpr size_t kChecked = 5;       // groups that "within rounding" is asked of, whether they have a name or not
constexpr uint64_t kChangeBits = 6;  // what naming one change of the vocabulary takes

uint64_t prior_bits(const Hypothesis& h) { return kChangeBits * h.changes.size(); }

bool simpler(const Hypothesis& a, const Hypothesis& b) {
  if (a.changes.size() != b.changes.size()) return a.changes.size() < b.changes.size();
  const size_t left = complexity(a.policy), right = complexity(b.policy);
  if (left != right) return left < right;
  return a.label().size() < b.label().size();  // general names are shorter than those of devices
}

class Search {
 public:
  Search(Evaluator& evaluator, const FitOptions& options, uint64_t total)
      : evaluator_(evaluator), options_(options), total_(total) {}

  /// Evaluates, and puts the hypothesis into the group of those that give the same bits. The group's number; none
  /// where its storage cannot give what was recorded.
  Result<std::optional<size_t>> add(Hypothesis hypothesis) {
    ASSAY_CHECK(check_cancel());
    ASSAY_TRY(Fit fit, evaluator_.evaluate(hypothesis.policy));
    const bool first = programs_.insert(fit.program).second;
    if (options_.progress) options_.progress(std::min(++done_, total_), total_);
    if (fit.elements == 0 && fit.storage == Storage::not_half) {
      if (first || hypothesis.changes.empty()) foreign_.push_back(std::move(hypothesis));
      return std::optional<size_t>();
    }
    for (size_t i = 0; i < groups_.size(); ++i) {
      if (groups_[i].fit.signature != fit.signature) continue;
      // A change that leaves every program as it was is no other policy.
      if (first || hypothesis.changes.empty()) groups_[i].members.push_back(std::move(hypothesis));
      return std::optional(i);
    }
    FitGroup group{.members = {std::move(hypothesis)}, .fit = std::move(fit)};
    groups_.push_back(std::move(group));
    return std::optional(groups_.size() - 1);
  }

  /// One round from a policy: the group of the best change; nothing when no more may be made.
  Result<std::optional<size_t>> vary(const Hypothesis& start) {
    std::optional<size_t> best;
    for (const PolicyChange& change : vocabulary()) {
      if (made_ >= options_.combinations) return best;
      Hypothesis next = start;
      next.changes.emplace_back(change.label);
      next.policy = changed(start.policy, change);
      if (!tried_.insert(next.label()).second) continue;
      ++made_;
      ASSAY_TRY(const auto group, add(std::move(next)));
      if (group && (!best || groups_[*group].fit.cost_bits < groups_[*best].fit.cost_bits)) best = group;
    }
    return best;
  }

  /// Rounds of changes as long as they help.
  Status climb(size_t start) {
    Hypothesis at = simplest(start);
    uint64_t cost = groups_[start].fit.cost_bits;
    for (size_t round = 0; round < kRounds; ++round) {
      ASSAY_TRY(const auto best, vary(at));
      if (!best || groups_[*best].fit.cost_bits >= cost) return {};
      cost = groups_[*best].fit.cost_bits;
      at = groups_[*best].members.back();
      if (cost == 0) return {};
    }
    return {};
  }

  /// Indices of groups, the cheapest first.
  std::vector<size_t> ranked() const {
    std::vector<size_t> order(groups_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, {}, [&](size_t i) { return groups_[i].fit.cost_bits; });
    return order;
  }

  Hypothesis simplest(size_t group) const { return *std::ranges::min_element(groups_[group].members, simpler); }
  std::vector<FitGroup>& groups() { return groups_; }
  std::vector<Hypothesis>& foreign() { return foreign_; }
  size_t made() const { return made_; }

 private:
  Evaluator& evaluator_;
  const FitOptions& options_;
  uint64_t total_, done_ = 0;
  size_t made_ = 0;
  std::vector<FitGroup> groups_;
  std::vector<Hypothesis> foreign_;
  std::set<std::string> tried_;
  std::set<uint64_t> programs_;
};

/// What each group costs, its simplest member named. That an excluded policy would be simpler to name than the one that
/// gives all bits is no argument for it.
std::vector<uint64_t> bits_of(const std::vector<FitGroup>& groups) {
  uint64_t least = 0;
  for (const FitGroup& group : groups)
    if (group.fit.exact()) least = prior_bits(group.members.front());
  std::vector<uint64_t> bits;
  bits.reserve(groups.size());
  for (const FitGroup& group : groups)
    bits.push_back(group.fit.cost_bits + std::max(least, prior_bits(group.members.front())));
  return bits;
}

/// Shares of 2^-bits.
void set_likelihoods(std::vector<FitGroup>& groups) {
  const std::vector<uint64_t> bits = bits_of(groups);
  const uint64_t least = *std::ranges::min_element(bits);
  double sum = 0;
  for (const uint64_t b : bits) sum += std::exp2(-static_cast<double>(std::min<uint64_t>(b - least, 1000)));
  for (size_t i = 0; i < groups.size(); ++i)
    groups[i].likelihood = std::exp2(-static_cast<double>(std::min<uint64_t>(bits[i] - least, 1000))) / sum;
}

uint64_t margin_of(const std::vector<FitGroup>& groups) {
  const std::vector<uint64_t> bits = bits_of(groups);
  return bits.size() < 2 ? 0 : *std::ranges::min_element(bits.begin() + 1, bits.end()) - bits[0];
}

/// Plain float32 is asked for whatever it costs: what another library's Sigmoid flushes to 0 costs much and says
/// little.
bool is_plain(const FitGroup& group) {
  return std::ranges::any_of(group.members, [](const Hypothesis& h) { return h.profile == "strict-f32"; });
}

/// Where no policy is exact: which are within rounding. Beside the best, all with a name: a policy whose own order is
/// another is no nearer to what was recorded than others are.
Status judge(Evaluator& evaluator, FitResult& result) {
  const uint64_t most = 2 * result.groups.front().fit.cost_bits;  // wide bounds alone explain nothing
  size_t asked = 0;
  for (FitGroup& group : result.groups) {
    if (group.fit.other_format() || (group.fit.cost_bits > most && !is_plain(group))) continue;
    if (asked >= kChecked && !group.members.front().changes.empty()) {
      group.kind = FitGroup::Kind::unchecked;
      continue;
    }
    ++asked;
    ASSAY_TRY(group.allowed, allowances(evaluator, group.members.front().policy, Noise::whole));
    if (std::ranges::all_of(group.allowed, [](const Allowance& one) { return one.used <= 1; }))
      group.kind = FitGroup::Kind::rounding;
  }
  std::ranges::stable_sort(result.groups, {},
                           [](const FitGroup& g) { return g.kind == FitGroup::Kind::rounding ? 0 : 1; });
  FitGroup& best = result.groups.front();
  if (best.kind == FitGroup::Kind::rounding) {
    result.verdict = FitResult::Verdict::rounding;
    return {};
  }
  if (best.allowed.empty()) {
    ASSAY_TRY(best.allowed, allowances(evaluator, best.members.front().policy, Noise::whole));
  }
  const Allowance* allowed = best.allowed.data();
  for (size_t c = 0; c < evaluator.cases().size() && !result.start; ++c) {
    result.start = start_of(evaluator.cases()[c], *best.fit.cases[c], allowed);
    allowed += best.fit.cases[c]->arrays.size();
  }
  return {};
}

Result<FitResult> finish(Evaluator& evaluator, Search& search, bool judged) {
  FitResult result;
  result.groups = std::move(search.groups());
  result.foreign = std::move(search.foreign());
  for (FitGroup& group : result.groups) {
    std::ranges::stable_sort(group.members, simpler);
    group.words = in_words(group.members.front().policy);
    if (group.fit.exact()) group.kind = FitGroup::Kind::exact;
  }
  std::ranges::stable_sort(result.groups, {}, [](const FitGroup& g) {
    return std::pair(g.fit.exact() ? 0 : 1, g.fit.cost_bits + prior_bits(g.members.front()));
  });
  set_likelihoods(result.groups);
  result.margin_bits = margin_of(result.groups);
  if (result.groups.front().kind == FitGroup::Kind::exact)
    result.verdict = FitResult::Verdict::exact;
  else if (judged)
    ASSAY_CHECK(judge(evaluator, result));
  ASSAY_TRY(const Fit named, evaluator.evaluate(result.groups.front().members.front().policy));  // known: not run again
  result.format_bits = named.format_bits;
  result.combined = search.made();
  result.runs = evaluator.runs();
  result.telling = evaluator.telling();
  return result;
}

bool has_values(const FitCase& one) {
  return std::ranges::any_of(one.observed, [](const NamedArray& array) { return array.tensor.size() > 0; });
}

}  // namespace

std::vector<Hypothesis> hypotheses_of(std::span<const profiles::Profile* const> profiles) {
  std::vector<Hypothesis> all;
  for (const profiles::Profile* profile : profiles)
    for (const profiles::Variant& variant : profile->variants)
      all.push_back({.profile = profile->name, .variant = variant.name, .policy = variant});
  return all;
}

Result<FitResult> fit(Evaluator& evaluator, const std::vector<Hypothesis>& named, const FitOptions& options) {
  if (named.empty() || evaluator.cases().empty()) return Error{Code::usage, "there is nothing to fit", "", ""};
  if (std::ranges::none_of(evaluator.cases(), has_values))
    return Error{Code::data_shape, "the recording holds no values", "", "record the outputs of at least one sample"};
  Search search(evaluator, options, named.size() + options.combinations);
  for (const Hypothesis& hypothesis : named) ASSAY_CHECK(search.add(hypothesis));
  if (search.groups().empty())
    return Error{Code::data_unused, "no policy that is tried stores values in the format of these", "",
                 "try the built-in profiles too"};
  const std::vector<size_t> order = search.ranked();
  for (size_t i = 0; i < std::min(kStarts, order.size()); ++i) {
    const bool explained = search.groups()[order.front()].fit.exact();
    if (i > 0 && explained) break;
    if (explained) {  // what else gives these bits, and what next to it does not
      ASSAY_CHECK(search.vary(search.simplest(order[i])));
    } else {
      ASSAY_CHECK(search.climb(order[i]));
      if (search.groups()[search.ranked().front()].fit.exact()) break;
    }
  }
  ASSAY_TRY(FitResult result, finish(evaluator, search, options.judge));
  result.named = named.size();
  return result;
}

}  // namespace assay::audit

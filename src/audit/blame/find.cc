#include "audit/blame/find.h"

#include <algorithm>
#include <map>

#include "audit/blame/operands.h"
#include "audit/blame/sample_search.h"
#include "audit/search/trials.h"
#include "backends/provider_use.h"

namespace assay::audit {
namespace {

std::vector<BlamedOp> ops_of(const Units& units) {
  std::vector<BlamedOp> ops;
  const ir::Graph& graph = units.model();
  for (size_t u = 0; u < units.size(); ++u) {
    const ir::Op& op = graph.ops[units.main(u)];
    std::string name;
    for (const ir::ValueId v : op.outputs)
      if (name.empty() && v != ir::kNoValue) name = graph.at(v).name;
    const std::string type = op.domain.empty() ? op.type : op.domain + "." + op.type;
    ops.push_back({units.main(u), name, op.name, op.origin.empty() ? type : op.origin});
  }
  return ops;
}

/// One sample on its way.
struct Searched {
  size_t local = 0;  ///< from the first of the data at hand
  size_t variant = 0;
  SampleBlame found;
  SampleSearch search;
  bool done = false;
};

class Finder {
 public:
  Finder(backends::Program& reference, backends::Program& candidate, const Arrays& data, const AuditResult& audit,
         size_t c, const BlameOptions& options)
      : reference_(reference), candidate_(candidate), data_(data), audit_(audit), c_(c), options_(options) {}

  Result<BlameResult> run() {
    const auto model = candidate_.model();
    if (model == nullptr) {
      auto refused = candidate_.keeping({}, {});
      return std::move(refused).error();
    }
    const auto* use = candidate_.provider_use();
    units_ = Units::of(*model, use == nullptr ? nullptr : &use->placement);
    choose();
    ASSAY_CHECK(search());
    ASSAY_CHECK(guard());
    BlameResult result{.ops = ops_of(units_), .samples = {}, .limit = options_.samples, .budget = options_.runs};
    for (Searched& one : searched_) result.samples.push_back(std::move(one.found));
    result.skipped = skipped_;
    result.trim();
    return result;
  }

 private:
  void add(const Case& one, bool at_risk);
  void choose();
  Status search();
  Status guard();

  backends::Program &reference_, &candidate_;
  const Arrays& data_;
  const AuditResult& audit_;
  size_t c_;
  const BlameOptions& options_;
  Units units_;
  std::vector<Searched> searched_;
  uint64_t skipped_ = 0;
};

void Finder::add(const Case& one, bool at_risk) {
  if (searched_.size() >= options_.samples) {
    ++skipped_;
    return;
  }
  const auto& names = candidate_.variants();
  const auto variant = static_cast<size_t>(std::ranges::find(names, one.variants.front()) - names.begin());
  SampleBlame found;
  found.sample = one.sample;
  found.at_risk = at_risk;
  found.variant = one.variants.front();
  searched_.push_back({static_cast<size_t>(one.sample - audit_.first_sample), variant, std::move(found),
                       SampleSearch(units_.size(), options_.runs)});
}

void Finder::choose() {
  const CandidateResult& candidate = audit_.candidates[c_];
  for (const Case& one : candidate.flips) add(one, false);
  for (const Case& one : candidate.at_risk) add(one, true);
}

/// Rounds: every sample goes as far as it can, then what they ask for is run, each program once.
Status Finder::search() {
  if (searched_.empty() || units_.size() == 0) return {};
  TrialOptions options{.first_sample = audit_.first_sample, .threads = options_.threads, .progress = options_.progress};
  if (options_.learned)
    options.learned = [this](const Verdicts& verdicts) { return options_.learned(verdicts, false); };
  backends::Program* const candidates[] = {&candidate_};
  ASSAY_TRY(const auto trials,
            Trials::create(reference_, candidates, units_, data_, question_of(audit_), std::move(options)));
  trials->verdicts() = options_.known;
  for (;;) {
    std::vector<Ask> asks;
    for (Searched& one : searched_) {
      if (one.done) continue;
      const Known known = [&](const Kept& kept) -> std::optional<bool> {
        const Outcome* outcome = trials->find(one.variant, kept, one.local);
        if (outcome == nullptr) return std::nullopt;
        return outcome->same;
      };
      one.done = one.search.advance(known, one.found);
      for (const Kept& kept : one.search.wanted()) asks.push_back({one.variant, kept, one.local});
    }
    if (asks.empty()) return options_.learned ? options_.learned(trials->verdicts(), true) : Status{};
    ASSAY_CHECK(trials->answer(asks));
  }
}

void mark(const Fineness& fine, SampleBlame& found) {
  std::vector<size_t> named;
  for (size_t u = 0; u < fine.origins.size(); ++u)
    if (fine.origins[u]) found.origins.push_back(u);
  for (const auto* list : {&found.undo, &found.cause, &found.smallest})
    named.insert(named.end(), list->begin(), list->end());
  std::ranges::sort(named);
  named.erase(std::unique(named.begin(), named.end()), named.end());
  for (const size_t u : named)
    if (!fine.operands[u]) found.tainted.push_back(u);
}

/// Whose operands were fine: one run more for each sample, on either side.
Status Finder::guard() {
  if (searched_.empty() || units_.size() == 0) return {};
  backends::Program* const programs[] = {&reference_, &candidate_};
  Warnings told;
  ASSAY_TRY(const Layout layout, Layout::create(programs, data_, Samples::Whole::refused, told));
  std::map<size_t, OperandCheck> checks;  // by variant
  const Kept all(units_.size(), true);
  for (Searched& one : searched_) {
    if (!checks.contains(one.variant)) {
      const size_t variant[] = {one.variant};
      ASSAY_TRY(const auto plain, candidate_.keeping(units_.spread(all), variant));
      ASSAY_TRY(auto check, OperandCheck::create(candidate_, one.variant, *plain, units_, options_.threads));
      checks.emplace(one.variant, std::move(check));
    }
    ASSAY_TRY(const auto inputs, layout.inputs_of(1, one.local));
    ASSAY_TRY(const Fineness fine, checks.at(one.variant).check(inputs));
    mark(fine, one.found);
  }
  return {};
}

}  // namespace

Question question_of(const AuditResult& audit) {
  return {.decides = true, .rule = audit.rule, .score = audit.score, .score_type = audit.score_type};
}

Result<BlameResult> find_blame(backends::Program& reference, backends::Program& candidate, const Arrays& data,
                               const AuditResult& audit, size_t c, const BlameOptions& options) {
  return Finder(reference, candidate, data, audit, c, options).run();
}

}  // namespace assay::audit

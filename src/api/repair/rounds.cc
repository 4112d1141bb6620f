// The search of a repair: rounds, the front, checkpoints.
#include <algorithm>
#include <numeric>

#include "api/checkpoint.h"
#include "api/repair/job.h"
#include "base/hash.h"

namespace assay::api {
namespace {
using audit::Goal;
using audit::Kept;

constexpr int kRounds = 3;  // searches, each given what the one before failed on

}  // namespace

/// What a checkpoint is of: all that its answers depend on.
Result<std::string> RepairJob::key() const {
  Hash hash;
  hash.add(std::string(commands::version()));
  for (const backends::Program* program :
       {static_cast<const backends::Program*>(job_->reference.get()), static_cast<const backends::Program*>(program_),
        static_cast<const backends::Program*>(typed_.get())}) {
    if (program == nullptr) continue;
    ASSAY_TRY(const std::string text, told_apart(*program));
    hash.add(text);
    for (const std::string& variant : program->variants()) hash.add(variant);
  }
  for (const audit::NamedArray& array : job_->data) {
    ASSAY_TRY(const std::string text, told_apart(array));
    hash.add(text);
  }
  hash.add(question_.score);
  hash.add(question_.rule.text());
  hash.word(request_.audit.first_sample);
  hash.word(goal_.kind == Goal::Kind::error);
  hash.word(units_.size());
  for (ir::OpId id = 0; id < model_->ops.size(); ++id) hash.word(units_.is_fixed(id));
  return hash.text();
}

Status RepairJob::round(audit::RepairSearch& search, uint64_t allowed) {
  search.use(parts_.searched);
  search.allow(allowed);
  ASSAY_TRY(const auto found, search.minimise());
  kept_ = found.kept;
  result_.found = found.possible;
  result_.minimal = found.minimal;
  ASSAY_TRY(result_.searched, search.standing(kept_, parts_.searched));
  ASSAY_TRY(result_.held, search.standing(kept_, parts_.held));
  return {};
}

/// Then there is nothing to search for, and float32 throughout need not meet the goal: the reference may be in 16 bits.
Result<bool> RepairJob::holds_as_it_is(audit::RepairSearch& search) {
  std::vector<size_t> all(result_.samples);
  std::iota(all.begin(), all.end(), size_t{0});
  ASSAY_TRY(const bool holds, search.nothing_meets(all));
  if (!holds) return false;
  kept_ = Kept(units_.size(), false);
  result_.found = result_.minimal = true;
  result_.sets = search.sets();
  ASSAY_TRY(result_.searched, search.standing(kept_, parts_.searched));
  ASSAY_TRY(result_.held, search.standing(kept_, parts_.held));
  return true;
}

/// Where samples that were kept aside fail, they join the search: it is said, and what is left aside still tells.
Status RepairJob::search() {
  audit::RepairSearch search(*trials_, goal_, request_.budget);
  ASSAY_TRY(const bool holds, holds_as_it_is(search));
  if (holds) return fill(search);
  const auto part = static_cast<double>(parts_.searched.size()) / static_cast<double>(result_.samples);
  auto allowed = static_cast<uint64_t>(static_cast<double>(goal_.flips) * part);
  for (int i = 0; i < kRounds; ++i) {
    ASSAY_CHECK(round(search, allowed));
    audit::Standing all = result_.searched;
    all.add(result_.held);
    const bool met = goal_.met(all);
    if (!result_.found || met || i + 1 == kRounds) {
      result_.found = result_.found && met;
      break;
    }
    std::vector<size_t> left;
    for (const size_t s : parts_.held) {
      const size_t one[] = {s};
      ASSAY_TRY(const audit::Standing standing, search.standing(kept_, one));
      const bool bad = goal_.kind == Goal::Kind::error ? standing.error > goal_.error : standing.flips > 0;
      if (bad) result_.moved.push_back(result_.first_sample + static_cast<int64_t>(s));
      (bad ? parts_.searched : left).push_back(s);
    }
    std::ranges::sort(parts_.searched);
    parts_.held = std::move(left);
    allowed = goal_.flips;
  }
  std::ranges::sort(result_.moved);
  result_.sets = search.sets();
  return fill(search);
}

Status RepairJob::fill(audit::RepairSearch& search) {
  for (size_t u = 0; u < kept_.size(); ++u)
    if (result_.found && kept_[u]) result_.kept.push_back(u);
  const Kept all(units_.size(), true);
  result_.all_cost = search.cost(all);
  if (result_.found) {
    const std::vector<bool> operations = units_.spread(kept_);
    for (size_t id = 0; id < operations.size(); ++id)
      if (operations[id] && units_.touches_floats(static_cast<ir::OpId>(id))) result_.kept_operations.push_back(id);
    name_carried();
    result_.cost = search.cost(kept_);
    ASSAY_CHECK(trace_front(search));
  }
  return file_->save(trials_->verdicts(), true);
}

/// What stays in float32 and was neither chosen nor has to: it moves what they give, or what the model is given.
void RepairJob::name_carried() {
  std::vector<bool> named(model_->ops.size());
  for (size_t u = 0; u < kept_.size(); ++u)
    if (kept_[u])
      for (const ir::OpId id : units_.ops(u)) named[id] = true;
  for (const size_t id : result_.kept_operations)
    if (!named[id] && !units_.is_fixed(static_cast<ir::OpId>(id)))
      result_.carried.push_back(described(*model_, static_cast<ir::OpId>(id)));
}

/// Of all sets from nothing to what was found, and float32 throughout: those that no other one beats in both, on all
/// samples. A search that its budget ended tries no sets between: they are not paid for, and one of them might be the
/// better answer.
Status RepairJob::trace_front(audit::RepairSearch& search) {
  std::vector<Kept> sets;
  if (result_.minimal) {
    ASSAY_TRY(sets, search.thin_out(kept_));
  }
  sets.push_back(kept_);
  sets.emplace_back(units_.size(), false);
  sets.emplace_back(units_.size(), true);
  std::vector<audit::FrontPoint> points;
  for (const Kept& kept : sets) {
    audit::FrontPoint point;
    for (size_t u = 0; u < kept.size(); ++u)
      if (kept[u]) point.kept.push_back(u);
    point.cost = search.cost(kept);
    ASSAY_TRY(point.searched, search.standing(kept, parts_.searched));
    ASSAY_TRY(point.held, search.standing(kept, parts_.held));
    points.push_back(std::move(point));
  }
  const auto harm = [this](const audit::FrontPoint& p) {
    return goal_.kind == Goal::Kind::error ? std::max(p.searched.error, p.held.error)
                                           : static_cast<double>(p.searched.flips + p.held.flips);
  };
  std::ranges::stable_sort(points, [&](const audit::FrontPoint& a, const audit::FrontPoint& b) {
    return a.cost.total() != b.cost.total() ? a.cost.total() < b.cost.total() : harm(a) < harm(b);
  });
  for (audit::FrontPoint& point : points) {
    if (!result_.front.empty() && !(harm(point) < harm(result_.front.back()))) continue;
    result_.front.push_back(std::move(point));
  }
  return {};
}

}  // namespace assay::api

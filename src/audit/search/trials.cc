#include "audit/search/trials.h"

#include <algorithm>
#include <mutex>

#include "base/cancel.h"

namespace assay::audit {
namespace {

constexpr size_t kMemory = size_t{2} << 30;  // constants that concurrent runs may keep

}  // namespace

const Outcome* Verdicts::find(size_t variant, const Kept& kept, size_t sample) const {
  const auto set = known_.find({variant, kept});
  if (set == known_.end()) return nullptr;
  const auto found = set->second.find(sample);
  return found == set->second.end() ? nullptr : &found->second;
}

void Verdicts::add(size_t variant, const Kept& kept, size_t sample, Outcome outcome) {
  known_[{variant, kept}][sample] = outcome;
}

Result<std::unique_ptr<Trials>> Trials::create(backends::Program& reference,
                                               std::span<backends::Program* const> candidates, const Units& units,
                                               const Arrays& data, const Question& question, TrialOptions options) {
  auto trials = std::make_unique<Trials>();
  std::vector<backends::Program*> programs = {&reference};
  for (size_t c = 0; c < candidates.size(); ++c) {
    programs.push_back(candidates[c]);
    trials->candidates_.push_back(candidates[c]);
    for (size_t v = 0; v < candidates[c]->variants().size(); ++v) trials->variants_.emplace_back(c, v);
  }
  Warnings told;  // the audit has told them
  ASSAY_TRY(trials->layout_, Layout::create(programs, data, Samples::Whole::refused, told));
  ASSAY_TRY(trials->judging_, Judging::create(question, reference.outputs()));
  trials->reference_ = &reference;
  trials->units_ = &units;
  trials->options_ = std::move(options);
  trials->rows_.resize(trials->layout_->samples());
  return trials;
}

/// What one run takes: neighbours together where a run takes several, whole batches where their size is fixed.
std::vector<Trials::Range> Trials::ranges_of(const std::vector<size_t>& samples) const {
  const size_t chunk = layout_->chunk();
  std::vector<Range> ranges;
  for (const size_t s : samples) {
    const size_t first = layout_->fixed_batch() ? s - s % chunk : s;
    if (!ranges.empty() && s < ranges.back().first + ranges.back().count) continue;
    const bool neighbour = !layout_->fixed_batch() && !ranges.empty() && ranges.back().count < chunk &&
                           s == ranges.back().first + ranges.back().count;
    if (neighbour)
      ++ranges.back().count;
    else
      ranges.push_back({first, layout_->fixed_batch() ? std::min(chunk, layout_->samples() - first) : 1});
  }
  return ranges;
}

Status Trials::for_each(std::span<const Range> ranges, size_t bytes, const std::function<Status(Range)>& body,
                        const std::function<void(bool)>& beside) const {
  const Threads* threads = options_.threads.get();
  const size_t workers = threads == nullptr ? 1 : static_cast<size_t>(threads->count());
  const bool together = workers > 1 && ranges.size() > 1 && bytes <= kMemory / workers;
  beside(together);
  std::vector<Status> statuses(ranges.size());
  const auto run = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      statuses[i] = check_cancel();
      if (statuses[i].ok()) statuses[i] = body(ranges[i]);
    }
  };
  if (together) {
    threads->for_each(ranges.size(), 1, run);
  } else {
    run(0, ranges.size());
  }
  for (const Status& status : statuses) ASSAY_CHECK(status);
  return check_cancel();
}

Status Trials::run_reference(Range range) {
  ASSAY_TRY(auto outputs, layout_->run(0, 0, range.first, range.count, static_cast<size_t>(options_.first_sample)));
  ASSAY_TRY(auto judged, judging_->judge(*layout_, outputs, layout_->outputs(0), range.count));
  if (!options_.errors) outputs.clear();
  const auto shared = std::make_shared<const std::vector<ir::Tensor>>(std::move(outputs));
  for (size_t s = 0; s < range.count; ++s) {
    Row& row = rows_[range.first + s];
    row = {shared, s, range.count, std::nullopt};
    row.judged = judging_->decides() ? std::move(judged[s]) : Judged{};
    row.judged->values.clear();  // the decision and its score are enough
  }
  return {};
}

Status Trials::want_reference(const std::vector<size_t>& samples) {
  std::vector<size_t> wanted;
  for (const Range& range : ranges_of(samples))
    for (size_t s = 0; s < range.count; ++s)
      if (!rows_[range.first + s].judged) wanted.push_back(range.first + s);
  const auto ranges = ranges_of(wanted);
  return for_each(
      ranges, reference_->weight_bytes(), [this](Range range) { return run_reference(range); },
      [this](bool together) { reference_->set_concurrent(together); });
}

Result<std::vector<Outcome>> Trials::compare(std::span<const ir::Tensor> outputs, Range range, size_t candidate) const {
  const std::span<const size_t> places = layout_->outputs(candidate + 1);
  ASSAY_TRY(const auto judged, judging_->judge(*layout_, outputs, places, range.count));
  std::vector<Outcome> outcomes(range.count);
  const auto n = static_cast<int64_t>(range.count);
  for (size_t s = 0; s < range.count; ++s) {
    const Row& row = rows_[range.first + s];
    if (judging_->decides()) outcomes[s].same = judging_->same(judged[s], *row.judged);
    if (!options_.errors) continue;
    for (size_t i = 0; i < places.size(); ++i) {
      if (places[i] == kNoPort) continue;
      const ir::Tensor &a = (*row.outputs)[i], &b = outputs[places[i]];
      const int64_t each = b.size() / n;
      if (a.size() != each * static_cast<int64_t>(row.rows))
        return Error{Code::data_shape, "output " + std::to_string(i) + " has another shape than the reference's",
                     candidates_[candidate]->text(), "compare programs with the same output shapes"};
      outcomes[s].error = std::max(outcomes[s].error, largest_difference(a, static_cast<int64_t>(row.row) * each, b,
                                                                         static_cast<int64_t>(s) * each, each));
    }
  }
  return outcomes;
}

Status Trials::run_set(const Verdicts::Set& set, const std::vector<size_t>& samples) {
  ASSAY_CHECK(want_reference(samples));
  const size_t candidate = variants_[set.first].first, variant[] = {variants_[set.first].second};
  ASSAY_TRY(const auto program, candidates_[candidate]->keeping(units_->spread(set.second), variant));
  const auto ranges = ranges_of(samples);
  std::mutex mutex;
  const auto body = [&](Range range) -> Status {
    ASSAY_TRY(const auto outputs, layout_->run_as(candidate + 1, *program, 0, range.first, range.count,
                                                  static_cast<size_t>(options_.first_sample)));
    ASSAY_TRY(const auto outcomes, compare(outputs, range, candidate));
    const std::lock_guard lock(mutex);
    for (size_t s = 0; s < range.count; ++s) verdicts_.add(set.first, set.second, range.first + s, outcomes[s]);
    runs_ += range.count;
    if (options_.progress) options_.progress(runs_);
    return {};
  };
  ASSAY_CHECK(
      for_each(ranges, program->weight_bytes(), body, [&](bool together) { program->set_concurrent(together); }));
  return options_.learned ? options_.learned(verdicts_) : Status{};
}

Status Trials::answer(std::span<const Ask> asks) {
  std::map<Verdicts::Set, std::vector<size_t>> by_set;
  for (const Ask& ask : asks)
    if (find(ask.variant, ask.kept, ask.sample) == nullptr) by_set[{ask.variant, ask.kept}].push_back(ask.sample);
  for (auto& [set, samples] : by_set) {
    std::ranges::sort(samples);
    samples.erase(std::unique(samples.begin(), samples.end()), samples.end());
    ASSAY_CHECK(run_set(set, samples));
  }
  return {};
}

}  // namespace assay::audit

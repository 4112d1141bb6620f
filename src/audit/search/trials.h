// Trials: a candidate with some of its operations kept in float32, run on some samples. Each answer is computed once;
// what is known can be saved and given back. Answers do not depend on what is asked together.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "audit/data.h"
#include "audit/layout.h"
#include "audit/search/question.h"
#include "audit/search/units.h"
#include "backends/program.h"
#include "base/threads.h"

namespace assay::audit {

/// What one sample says under one variant with some units kept.
struct Outcome {
  bool same = true;  ///< decides as the reference
  double error = 0;  ///< largest |difference| of an output; only where the trials measure it
};

struct Ask {
  size_t variant = 0;
  Kept kept;
  size_t sample = 0;  ///< from the first of the data at hand
};

/// All that is known.
class Verdicts {
 public:
  using Set = std::pair<size_t, Kept>;  ///< variant, kept
  const Outcome* find(size_t variant, const Kept& kept, size_t sample) const;
  void add(size_t variant, const Kept& kept, size_t sample, Outcome outcome);
  const std::map<Set, std::map<size_t, Outcome>>& all() const { return known_; }

 private:
  std::map<Set, std::map<size_t, Outcome>> known_;
};

struct TrialOptions {
  bool errors = false;       ///< measure Outcome::error
  int64_t first_sample = 0;  ///< place of the data in the whole data set
  std::shared_ptr<const Threads> threads{};
  /// Called with the number of samples run so far.
  std::function<void(uint64_t runs)> progress{};
  /// Called when something new is known, after each set: to save it.
  std::function<Status(const Verdicts&)> learned{};
};

class Trials {
 public:
  /// `candidates`: programs of one model; their variants count through. Programs and units must outlive the trials.
  /// Errors: as Layout::create, bad_decision.
  static Result<std::unique_ptr<Trials>> create(backends::Program& reference,
                                                std::span<backends::Program* const> candidates, const Units& units,
                                                const Arrays& data, const Question& question, TrialOptions options);

  size_t samples() const { return layout_->samples(); }
  size_t variants() const { return variants_.size(); }
  const Units& units() const { return *units_; }
  /// Computes what is not known yet of `asks`, one program for each set. Errors: cancelled, the programs' own.
  Status answer(std::span<const Ask> asks);
  const Outcome* find(size_t variant, const Kept& kept, size_t sample) const {
    return verdicts_.find(variant, kept, sample);
  }
  Verdicts& verdicts() { return verdicts_; }
  /// Samples run so far, the reference's not counted.
  uint64_t runs() const { return runs_; }

 private:
  struct Range {
    size_t first = 0, count = 0;
  };
  struct Row {  ///< the reference's outputs of one sample: a row of what was run together
    std::shared_ptr<const std::vector<ir::Tensor>> outputs;
    size_t row = 0, rows = 1;
    std::optional<Judged> judged;
  };
  std::vector<Range> ranges_of(const std::vector<size_t>& samples) const;
  Status want_reference(const std::vector<size_t>& samples);
  Status run_reference(Range range);
  Status for_each(std::span<const Range> ranges, size_t bytes, const std::function<Status(Range)>& body,
                  const std::function<void(bool)>& beside) const;
  Status run_set(const Verdicts::Set& set, const std::vector<size_t>& samples);
  Result<std::vector<Outcome>> compare(std::span<const ir::Tensor> outputs, Range range, size_t candidate) const;

  backends::Program* reference_ = nullptr;
  std::vector<backends::Program*> candidates_;
  std::vector<std::pair<size_t, size_t>> variants_;  ///< candidate, and which of its own
  const Units* units_ = nullptr;
  TrialOptions options_;
  std::optional<Layout> layout_;
  std::optional<Judging> judging_;
  std::vector<Row> rows_;  ///< by sample
  Verdicts verdicts_;
  uint64_t runs_ = 0;
};

}  // namespace assay::audit

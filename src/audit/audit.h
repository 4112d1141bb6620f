// The audit: a reference and candidates side by side over all samples in one pass; which decisions change, and by how
// much. The result is plain data, all of it mergeable: parts of a data set give exactly what the whole gives.
// Meanings: docs/semantics.md 4 and 5, docs/audit-json.md.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audit/blame/blame.h"
#include "audit/data.h"
#include "audit/decision/rule.h"
#include "audit/forecast/forecast.h"
#include "audit/metrics/counts.h"
#include "audit/trace/trace.h"
#include "backends/program.h"
#include "base/result.h"
#include "base/threads.h"
#include "num/interval.h"

namespace assay::audit {

struct AuditOptions {
  Rule rule;
  std::string score;   ///< score expression; empty: the output alone
  std::string output;  ///< the output that is the score; empty: the only one
  int64_t first_sample = 0;
  /// Samples of the data that are run: from `begin`, `count` of them rounded up to whole chunks, none beyond the last.
  size_t begin = 0, count = SIZE_MAX;
  uint64_t expect = 0;                  ///< foretell the flips on so many more samples; 0: on as many as there are
  bool proof = false;                   ///< bound what rounding can do to each sample
  std::optional<TraceOptions> trace{};  ///< run the primary variants in lock-step; `first_sample` is the audit's
  uint64_t conversion_samples = 2;      ///< of the whole data set: the first, on which two models are compared
  std::shared_ptr<const Threads> threads;
  /// Called with the number of samples done, from any thread, one call at a time.
  std::function<void(size_t done, size_t total)> progress{};
};

/// A sample whose decision is not the reference's under every variant (flips) or under some (at_risk).
struct Case {
  int64_t sample = 0;
  std::optional<int64_t> label;
  double reference_score = 0, candidate_score = 0;  ///< candidate: the primary variant
  Decision reference_decision, candidate_decision;
  double margin_ulp = 0;            ///< reference's distance to the boundary, in ULPs of the candidate's storage type
  double candidate_margin_ulp = 0;  ///< the primary's; negative when it stands on the other side
  bool explained_by_output_rounding = false;
  std::vector<std::string> variants;  ///< those that decide otherwise
  Change change{};                    ///< how the first of them decides otherwise, where decisions alone do not say it
};

/// Margins of the reference's scores, in ULPs of the candidate's storage type, by what the reference decided.
struct Margins {
  Histogram negative, positive;                   ///< all but thresholds: all in `positive`
  uint64_t zero_negative = 0, zero_positive = 0;  ///< exactly on the boundary
  uint64_t undefined = 0;
  void merge(const Margins& other);
};

struct VariantResult {
  std::string name;
  uint64_t differs = 0;  ///< samples that it decides otherwise than the reference
  Tally tally;
  std::vector<Differences> differences;  ///< one per compared output
  LatticeCounts lattice;                 ///< of all floating-point outputs
};

/// One line of a profile with its evidence, or what the profile does not model; as text, for reports.
struct EvidenceLine {
  std::string what, reason, source, certainty;
  friend bool operator==(const EvidenceLine&, const EvidenceLine&) = default;
};

struct ProgramInfo {
  std::string program;   ///< as written
  std::string profile;   ///< empty for recordings and real runtimes
  std::string identity;  ///< of the model
  bool emulated = false;
  std::string profile_identity{};                  ///< of all that the profile does; empty as `profile`
  std::optional<backends::Recording> recording{};  ///< where a recording says that it comes from
};

struct CandidateResult {
  ProgramInfo info;
  ir::ElemType storage = ir::ElemType::float32;
  std::vector<EvidenceLine> evidence, not_modelled;
  uint64_t safe = 0;
  std::vector<Case> flips, at_risk;  ///< ascending by sample
  Margins margins;
  num::RoundingInterval interval;       ///< threshold rules: of the threshold on the storage type's lattice
  std::vector<VariantResult> variants;  ///< the primary first
  std::optional<Forecast> forecast{};
  std::optional<TraceResult> trace{};  ///< only where it was asked for, as the blame
  /// Where the engine runs another model than the reference's: whether they are the same in exact arithmetic.
  std::optional<Conversion> conversion{};
  std::optional<BlameResult> blame{};
  const VariantResult& primary() const { return variants.front(); }
};

struct AuditResult {
  int64_t first_sample = 0;
  uint64_t samples = 0;
  Rule rule;
  std::string score;  ///< in one spelling
  ir::ElemType score_type = ir::ElemType::float32;
  double threshold = 0;  ///< as rounded to the score's type
  int64_t classes = 2;
  bool labels = false;
  uint64_t expect = 0;  ///< as in AuditOptions
  ProgramInfo reference;
  Tally reference_tally;
  std::vector<CandidateResult> candidates;
};

/// Runs everything. `labels` may be empty. Errors: data_*, labels_*, bad_decision, cancelled, the programs' own.
Result<AuditResult> run_audit(backends::Program& reference, std::span<backends::Program* const> candidates,
                              const Arrays& data, std::span<const int64_t> labels, const AuditOptions& options,
                              Warnings& warnings);

/// Adds the counts and cases of a part with the same variants and outputs.
void add_counts(CandidateResult& into, CandidateResult&& part);
/// Puts parts together, whatever their order. Errors: merge_mismatch for overlaps, gaps, different programs or rules.
Result<AuditResult> merge(std::vector<AuditResult> parts);

/// Which candidates make an audit fail (--fail-on).
enum class FailOn : uint8_t { flips, at_risk, none };
bool fails(const AuditResult& result, FailOn condition);

}  // namespace assay::audit

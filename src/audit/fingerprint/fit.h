// Which policy turns a model's inputs into the outputs that were recorded? A policy is a deterministic function, so it
// either gives the recorded bits or it is not what ran. What is said where none does: docs/fingerprint.md.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/data.h"
#include "backends/engine.h"
#include "base/result.h"
#include "profiles/profile.h"

namespace assay::audit {

/// A model, what went in, and what came out of the device.
struct FitCase {
  std::string name{};   ///< of a probe; empty for a model of the user's
  std::string group{};  ///< what the probe is for: "matmul", "sum"
  std::shared_ptr<const backends::Model> model;
  Arrays inputs;
  Arrays observed;  ///< by the names of the model's outputs; outputs that are not here were not recorded
};

/// One recorded array against what a policy gives.
struct ArrayFit {
  std::string name;
  uint64_t elements = 0;
  uint64_t equal = 0;  ///< the same bits (any NaN for a NaN)
  /// Bits that it takes to write down where the device was instead: nothing for an equal element, 1 + the bits of the
  /// distance in steps of the observed lattice for another.
  uint64_t cost_bits = 0;
  uint64_t worst_steps = 0;  ///< largest distance in such steps
  double max_abs = 0;        ///< largest difference; infinite for a NaN or an infinity on one side
  int64_t worst = -1;        ///< its element
};
struct CaseFit {
  std::vector<ArrayFit> arrays;
  uint64_t signature = 0;  ///< over the bits that the policy gives for the arrays that were recorded
  uint64_t program = 0;    ///< over the program that ran
};
struct Fit {
  uint64_t elements = 0, equal = 0, cost_bits = 0;
  uint64_t signature = 0;  ///< the same for the same outputs
  uint64_t program = 0;    ///< the same for the same resolved programs
  std::vector<std::shared_ptr<const CaseFit>> cases;
  bool exact() const { return equal == elements; }
};

/// A policy that may have run.
struct Hypothesis {
  std::string profile, variant;        ///< where it is from
  std::vector<std::string> changes{};  ///< what was changed of that: "bias first"
  profiles::Variant policy;
  std::string label() const;  ///< "coreml-nn-gpu/direct with bias first"
};

/// Runs policies on cases. What resolves to the same program is run once.
class Evaluator {
 public:
  Evaluator(std::vector<FitCase> cases, std::shared_ptr<const Threads> threads);
  const std::vector<FitCase>& cases() const { return cases_; }
  /// Errors: those of running.
  Result<Fit> evaluate(const profiles::Variant& policy);
  /// What the policy gives for the recorded arrays of each case. Runs again: results are not kept.
  Result<std::vector<Arrays>> outputs(const profiles::Variant& policy);
  uint64_t runs() const { return runs_; }  ///< of models, so far

 private:
  Result<std::unique_ptr<backends::Program>> open(const FitCase& one, const profiles::Variant& policy) const;
  Result<Arrays> run(backends::Program& program, const FitCase& one);
  Result<std::shared_ptr<const CaseFit>> fit_case(const FitCase& one, const profiles::Variant& policy);
  std::vector<FitCase> cases_;
  std::shared_ptr<const Threads> threads_;
  std::map<std::pair<size_t, uint64_t>, std::shared_ptr<const CaseFit>> known_;
  uint64_t runs_ = 0;
};

/// Policies that give the same bits here: these outputs cannot tell them apart.
struct FitGroup {
  enum class Kind : uint8_t {
    exact,     ///< gives the recorded bits
    rounding,  ///< does not, but stays within what another order of its own sums changes (only where none is exact)
    excluded,
  };
  Kind kind = Kind::excluded;
  std::vector<Hypothesis> members{};  ///< the simplest first
  Fit fit;
  std::string words{};           ///< the first member's: "float16 storage, float32 accumulation"
  double likelihood = 0;         ///< among the groups
  std::vector<double> bounds{};  ///< for each recorded array what "within rounding" allows; empty: not asked
};

/// Where outputs that no policy explains leave what policies give.
struct FitStart {
  std::string array, operation;
  std::vector<std::string> after{};  ///< recorded arrays before it, which are within rounding
};

struct FitResult {
  enum class Verdict : uint8_t { exact, rounding, not_rounding };
  Verdict verdict = Verdict::not_rounding;
  std::vector<FitGroup> groups;  ///< likeliest first
  uint64_t named = 0, combined = 0, runs = 0;
  /// By how many bits the best group's cost is below that of the next.
  uint64_t margin_bits = 0;
  std::optional<FitStart> start{};
};

struct FitOptions {
  size_t combinations = 400;  ///< at most so many policies are made beside the named ones
  bool judge = true;          ///< where no policy is exact, say which are within rounding
  std::function<void(uint64_t done, uint64_t total)> progress{};
};

/// Errors: usage without cases; those of running; cancelled.
Result<FitResult> fit(Evaluator& evaluator, const std::vector<Hypothesis>& named, const FitOptions& options);

/// Every variant of the profiles, as hypotheses.
std::vector<Hypothesis> hypotheses_of(std::span<const profiles::Profile* const> profiles);

/// What "within rounding" allows around a policy.
struct RoundingBounds {
  /// For each recorded array the largest difference: twice what orders of the policy's sums and elementary functions
  /// change, and one step of the observed lattice.
  std::vector<double> largest{};
  /// False where the policy's values lie on a narrower lattice than some recorded array does.
  bool lattices_fit = true;
};
/// Errors: those of running.
Result<RoundingBounds> rounding_bounds(Evaluator& evaluator, const profiles::Variant& policy);
bool within(const Fit& fit, const RoundingBounds& bounds);

/// The first recorded array, in the model's order, that is beyond its bound.
std::optional<FitStart> start_of(const FitCase& one, const CaseFit& fit, const double* bounds);

}  // namespace assay::audit

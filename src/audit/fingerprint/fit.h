// Which policy turns a model's inputs into the outputs that were recorded? A policy is a deterministic function, so it
// either gives the recorded bits or it is not what ran. What is said where none does: docs/fingerprint.md.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audit/data.h"
#include "audit/metrics/counts.h"
#include "backends/engine.h"
#include "base/result.h"
#include "num/lattice.h"
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

/// In place of a number of steps: a NaN is on one side alone, which is at no distance.
inline constexpr uint64_t kNoSteps = UINT64_MAX;

/// One recorded array against what a policy gives.
struct ArrayFit {
  std::string name;
  uint64_t elements = 0;
  uint64_t equal = 0;  ///< the same bits (any NaN for a NaN)
  /// Bits that it takes to write down where the device was instead: nothing for an equal element, 1 + the bits of the
  /// distance in steps of the observed lattice for another.
  uint64_t cost_bits = 0;
  uint64_t worst_steps = 0;  ///< largest distance in such steps, or kNoSteps
  double max_abs = 0;        ///< largest difference; infinite for a NaN or an infinity on one side
  int64_t worst = -1;        ///< its element
  /// One side lies on a narrower format, with evidence enough, of which most values of the other side are off.
  bool other_format = false;
};

/// Whether a policy can give values of the format that was recorded: what is stored in float16 lies on float16.
enum class Storage : uint8_t {
  fits,
  not_all,   ///< some recorded values lie off the format that the policy rounds to: it did not give them
  not_half,  ///< half of them or more do: the policy need not be run
};
struct CaseFit {
  std::vector<ArrayFit> arrays;  ///< empty where the policy was not run
  Storage storage = Storage::fits;
  uint64_t format_bits = 0;  ///< evidence that the recorded values lie on the formats that the policy rounds them to
  uint64_t signature = 0;    ///< over the bits that the policy gives for the arrays that were recorded
  uint64_t program = 0;      ///< over the program that ran
};
struct Fit {
  uint64_t elements = 0, equal = 0, cost_bits = 0;
  Storage storage = Storage::fits;  ///< of the worst case
  uint64_t format_bits = 0;         ///< of all cases
  uint64_t signature = 0;           ///< the same for the same outputs
  uint64_t program = 0;             ///< the same for the same resolved programs
  std::vector<std::shared_ptr<const CaseFit>> cases;
  bool exact() const { return equal == elements; }
  bool other_format() const;  ///< of the storage, or of some array
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
  /// A single case is not run under policies whose storage cannot give half of what was recorded: there are no arrays.
  /// Errors: those of running.
  Result<Fit> evaluate(const profiles::Variant& policy);
  /// What the policy gives for the recorded arrays of each case. Runs again: results are not kept. `models`: run
  /// instead of the cases' own, one for each.
  Result<std::vector<Arrays>> outputs(const profiles::Variant& policy,
                                      std::span<const std::shared_ptr<const backends::Model>> models = {});
  uint64_t runs() const { return runs_; }  ///< of models, so far
  uint64_t telling() const;                ///< recorded values that tell formats apart (LatticeCounts::counted)

 private:
  Result<std::unique_ptr<backends::Program>> open(const std::shared_ptr<const backends::Model>& model,
                                                  const profiles::Variant& policy) const;
  Result<Arrays> run(backends::Program& program, const FitCase& one);
  Result<std::shared_ptr<const CaseFit>> fit_case(const FitCase& one, const profiles::Variant& policy);
  std::vector<FitCase> cases_;
  std::vector<std::vector<LatticeCounts>> lattices_;  ///< of what was recorded
  std::shared_ptr<const Threads> threads_;
  std::map<std::pair<size_t, uint64_t>, std::shared_ptr<const CaseFit>> known_;
  uint64_t runs_ = 0;
};

/// What "within rounding" allows an array around what a policy gives.
struct Allowance {
  double bound = 0;  ///< where the largest share of it is used
  double used = 0;   ///< that share: the difference over the bound; at most 1 is within rounding
};

/// Policies that give the same bits here: these outputs cannot tell them apart.
struct FitGroup {
  enum class Kind : uint8_t {
    exact,     ///< gives the recorded bits
    rounding,  ///< does not, but stays within what another order of its own sums changes (only where none is exact)
    excluded,
    unchecked,  ///< gives other bits; whether within rounding was not asked, as others are nearer
  };
  Kind kind = Kind::excluded;
  std::vector<Hypothesis> members{};  ///< the simplest first
  Fit fit;
  std::string words{};               ///< the first member's: "float16 storage, float32 accumulation"
  double likelihood = 0;             ///< among the groups
  std::vector<Allowance> allowed{};  ///< for each recorded array; empty: not asked
};

/// Where outputs that no policy explains leave what policies give.
struct FitStart {
  std::string array;
  std::string operation{};           ///< where it starts; the array's own where several operations could be it
  std::vector<std::string> after{};  ///< recorded arrays before it, which are within rounding
  /// Operations between what is within rounding and the array, its own among them, of which no value was recorded.
  size_t among = 0;
};

struct FitResult {
  enum class Verdict : uint8_t { exact, rounding, not_rounding };
  Verdict verdict = Verdict::not_rounding;
  std::vector<FitGroup> groups;  ///< likeliest first
  uint64_t named = 0, combined = 0, runs = 0;
  uint64_t telling = 0;  ///< recorded values that tell formats apart
  /// By how many bits the best group's cost is below that of the next.
  uint64_t margin_bits = 0;
  /// What the recorded values alone say for the format that the likeliest policy rounds them to, in bits.
  uint64_t format_bits = 0;
  /// Policies that were not run: half of the recorded values or more lie off the format that they round to.
  std::vector<Hypothesis> foreign{};
  std::optional<FitStart> start{};
  /// Whether every policy gives the recorded bits: they tell nothing of what ran.
  bool tells_nothing() const { return groups.size() == 1 && groups.front().fit.exact() && foreign.empty(); }
  /// Whether a policy that was not tried may give all these bits too, by chance: the next that was is as near as that.
  bool may_be_chance() const {
    const bool few = too_few() && format_bits < num::kEnoughEvidence;  // zeros on both sides cost much and say little
    return verdict == Verdict::exact && groups.size() > 1 && (margin_bits < num::kEnoughEvidence || few);
  }
  /// Whether so few values tell formats apart that what no policy explains need be no defect, and that the order of
  /// those within rounding says little.
  bool too_few() const { return telling < 64; }
};

struct FitOptions {
  size_t combinations = 400;  ///< at most so many policies are made beside the named ones
  bool judge = true;          ///< where no policy is exact, say which are within rounding
  std::function<void(uint64_t done, uint64_t total)> progress{};
};

/// Errors: usage without cases; data_shape where they hold no values; those of running; cancelled.
Result<FitResult> fit(Evaluator& evaluator, const std::vector<Hypothesis>& named, const FitOptions& options);

/// Every variant of the profiles, as hypotheses.
std::vector<Hypothesis> hypotheses_of(std::span<const profiles::Profile* const> profiles);

/// How the noise of an array depends on the magnitude of its values.
enum class Noise : uint8_t {
  whole,         ///< one bound for all values: models of the user's, whose small values come from large ones
  by_magnitude,  ///< values of about the same magnitude have one: single operations
};

/// For each recorded array what "within rounding" allows around `policy`, and how much of that is used: twice what
/// orders of its sums and other elementary functions change, and one step of the recorded lattice. Errors: those of
/// running.
Result<std::vector<Allowance>> allowances(Evaluator& evaluator, const profiles::Variant& policy, Noise noise);
/// The same of one array, of which others than the policy change each element by `spread`.
Allowance allowance_of(const ir::Tensor& observed, const ir::Tensor& given, const std::vector<double>& spread,
                       Noise noise);

/// The same model with functions whose results are of the order of 1 (Sigmoid, Tanh, Erf, Softmax, ...) off by a step
/// of float32 at 1: libraries approximate them with such an absolute error, wherever the result lies. Null: it has
/// none.
std::shared_ptr<const backends::Model> with_other_functions(const backends::Model& model);

/// Whether the policy under which `resolved` was made rounds the values called as in `observed` to a format that some
/// of them, or most, do not lie on. `lattices`: of `observed`.
Storage storage_of(const ir::Graph& resolved, const Arrays& observed, std::span<const LatticeCounts> lattices);
/// What chance alone would have to do to put them on these formats, in bits; 0 of arrays of a narrower type.
uint64_t format_bits_of(const ir::Graph& resolved, const Arrays& observed, std::span<const LatticeCounts> lattices);

/// The first recorded array, in the model's order, that is beyond its bound, and what could have made it so.
std::optional<FitStart> start_of(const FitCase& one, const CaseFit& fit, const Allowance* allowed);

}  // namespace assay::audit

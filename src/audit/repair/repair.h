// The smallest change that makes a model decide as it should where it will run: fixes that cost nothing, and a
// 1-minimal set of operations to keep in float32. Meanings: docs/repair.md.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audit/blame/blame.h"
#include "audit/repair/cost.h"
#include "base/result.h"

namespace assay::audit {

/// How a program does on a part of the data. A sample counts as flipped where any variant decides otherwise than the
/// reference.
struct Standing {
  uint64_t samples = 0, flips = 0;
  double error = 0;  ///< largest |difference| of an output; measured under max-error alone
  void add(const Standing& other);
};

struct Outcome;

struct Goal {
  enum class Kind : uint8_t { flips, error };
  Kind kind = Kind::flips;
  uint64_t flips = 0;  ///< at most so many samples decide otherwise
  double error = 0;    ///< no output of any sample is further off
  std::string text() const;
  bool met(const Standing& standing) const;
  /// Whether one sample under one variant is other than the goal wants all to be.
  bool missed(const Outcome& outcome) const;
};
/// no-flips, max-flips:N, max-error:X. Errors: usage.
Result<Goal> parse_goal(const std::string& text);

/// A change that costs nothing, tested.
struct FreeFix {
  std::string kind;     ///< typed-format, compute-unit, threshold, rescale
  std::string what;     ///< what to change
  std::string program;  ///< what was run
  Standing searched, held;
  bool meets = false;  ///< the goal, on both parts
};

/// A set of operations in float32 with what it costs and what it leaves.
struct FrontPoint {
  std::vector<size_t> kept;  ///< indices into RepairResult::ops, ascending
  Cost cost;
  Standing searched, held;
};

/// A file that was written, and run again.
struct WrittenFile {
  std::string path, program;
  Standing standing;  ///< over all samples
  bool meets = false;
  std::optional<uint64_t> right{};  ///< decisions of the primary variant that are as the labels say
  std::string note{};               ///< where it does not run everywhere, in words
};

struct RepairResult {
  std::string reference, candidate, searched_program;  ///< as written; the last: what the search ran
  std::string model{};  ///< identity of what is repaired, as audits have it; empty: it is not known
  Goal goal;
  uint64_t samples = 0;
  int64_t first_sample = 0;
  std::vector<int64_t> held_out;  ///< samples that the search did not see
  std::vector<int64_t> moved;     ///< of these: those that it was then given, because the first sets failed on them
  Standing before_searched, before_held;
  std::optional<uint64_t> reference_right, before_right;  ///< with labels: decisions as they say, of all samples
  std::vector<std::string> rescaled;   ///< layers of the model that were rescaled before (--rescale), in words
  std::optional<Standing> unrescaled;  ///< then: the candidate on the model as it was, all samples
  std::vector<FreeFix> fixes;
  std::vector<BlamedOp> ops;            ///< what can be kept or lowered, in order of execution
  std::vector<BlamedOp> always;         ///< computes with floats and stays in float32 in any case
  std::vector<size_t> kept;             ///< indices into ops
  std::vector<size_t> kept_operations;  ///< all operations in float32, by number in the imported graph
  std::vector<BlamedOp> carried;        ///< of these: those that only move float32 numbers
  Cost cost, all_cost;                  ///< of the set; of everything in float32
  Standing searched, held;
  std::vector<FrontPoint> front;  ///< ascending by cost, falling by flips or error
  uint64_t sets = 0;              ///< that were tried
  uint64_t budget = 0;
  bool found = false;    ///< a set meets the goal on both parts
  bool minimal = false;  ///< without any one of its operations it does not, on the part that was searched
  bool reached = false;  ///< found, and every file that was written meets the goal
  std::vector<WrittenFile> files;
  std::string configured{};  ///< the model that configurations are for, where it is another (--rescale)

  /// The set costs at least as much as everything in float32 does, which has no casts: that is the better choice.
  bool float32_is_better() const { return found && !kept_operations.empty() && cost.total() >= all_cost.total(); }
};

}  // namespace assay::audit

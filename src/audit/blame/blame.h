// Which operations are to blame for which decisions: those that, restored to float32 alone, undo a flip; those that,
// lowered alone, cause it; and, where no single one suffices, a smallest set. Each sample by itself, so that parts of a
// data set add up to what the whole gives. Meanings: docs/blame.md.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace assay::audit {

/// Of one sample. Operations are indices into BlameResult::ops, ascending.
struct SampleBlame {
  int64_t sample = 0;
  bool at_risk = false;          ///< else it flips
  std::string variant;           ///< under which it was searched: the first that decides otherwise
  std::vector<size_t> undo;      ///< restored alone, each gives the reference's decision back
  std::vector<size_t> cause;     ///< lowered alone, each changes the decision
  std::vector<size_t> smallest;  ///< a 1-minimal set that undoes it together
  std::vector<size_t> origins;   ///< their operands are within tolerance, their results are not
  /// Of all those above, the ones whose operands were out of tolerance: what they show may be the fault of those before
  /// them.
  std::vector<size_t> tainted;
  uint64_t runs = 0;     ///< of the model
  bool complete = true;  ///< false: the budget ended first
};

struct BlamedOp {
  size_t id = 0;  ///< number of the operation in the imported graph
  std::string name, node, type;
  friend bool operator==(const BlamedOp&, const BlamedOp&) = default;
};

/// Samples for which an operation is named, each way. Those for which it is tainted count in `tainted` alone.
struct BlameRank {
  size_t op = 0;  ///< index into BlameResult::ops
  uint64_t undoes = 0, causes = 0, in_smallest = 0, originates = 0, tainted = 0;
  /// What they are ranked by: a point for each sample that it undoes, that it causes, in whose smallest set it is where
  /// nothing undoes alone; for each in which it goes wrong first, two where it is named in one of these ways, else one.
  uint64_t points = 0;
};

struct BlameResult {
  std::vector<BlamedOp> ops;         ///< every candidate for blame, in order of execution
  std::vector<SampleBlame> samples;  ///< ascending
  uint64_t skipped = 0;              ///< samples beyond the limit, not searched
  uint64_t limit = 0;                ///< most samples that are searched
  uint64_t budget = 0;               ///< most runs of the model for one sample
  /// Operations with points, most first; ties by order of execution.
  std::vector<BlameRank> ranking() const;
  /// Adds those of another part of the data and keeps the first `limit`: flips first, then by sample.
  void merge(const BlameResult& other);
  /// Sorts, and keeps the first `limit`.
  void trim();
};

}  // namespace assay::audit

// Which operations are to blame for which decisions: those that, restored to float32 alone, undo a flip; those that,
// lowered alone, cause it; and, where no single one suffices, a smallest set. Each sample by itself, so that parts of a
// data set add up to what the whole gives. Meanings: docs/blame.md.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace assay::audit {

/// Of one sample. Operations are indices into BlameResult::ops.
struct SampleBlame {
  int64_t sample = 0;
  bool at_risk = false;          ///< else it flips
  std::string variant;           ///< under which it was searched: the first that decides otherwise
  std::vector<size_t> undo;      ///< restored alone, each gives the reference's decision back
  std::vector<size_t> cause;     ///< lowered alone, each changes the decision
  std::vector<size_t> smallest;  ///< a 1-minimal set that undoes it together; also where `undo` is not empty
  uint64_t runs = 0;             ///< of the model
  bool complete = true;          ///< false: the budget ended first
};

struct BlamedOp {
  size_t id = 0;  ///< number of the operation in the imported graph
  std::string name, node, type;
  /// False: its operands were already out of tolerance, so that what it shows may be the fault of those before it.
  bool operands_fine = true;
};

struct BlameResult {
  std::vector<BlamedOp> ops;         ///< every candidate for blame, in order of execution
  std::vector<SampleBlame> samples;  ///< ascending
  uint64_t skipped = 0;              ///< samples beyond the limit, not searched
  std::string budget;                ///< in words
  /// (index into ops, samples that it explains alone), most first; ties by order of execution.
  std::vector<std::pair<size_t, uint64_t>> ranking() const;
  void merge(const BlameResult& other);
};

}  // namespace assay::audit

// How several programs run over one data set: which samples go together, which port of one is which of another, and
// whether samples are run beside each other. Shared by the audit and the comparison.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "audit/data.h"
#include "backends/program.h"
#include "base/threads.h"

namespace assay::audit {

inline constexpr size_t kNoPort = SIZE_MAX;

inline constexpr size_t kChunk = 32;  ///< samples of a symbolic batch that go together

/// True when every output's first dimension is the symbol that the inputs' is: samples then stay apart.
bool outputs_follow_batch(const backends::Program& program);
/// How many samples of a symbolic batch may go together: kChunk, or fewer where a Core ML file allows fewer.
size_t largest_chunk(const backends::Program& program);

class Layout {
 public:
  /// Lays the data against each program's inputs (matched to the first program's by name, then by order).
  static Result<Layout> create(std::span<backends::Program* const> programs, const Arrays& data, Samples::Whole whole,
                               Warnings& warnings);

  size_t samples() const { return samples_; }
  /// For each output of program 0 the index of program p's output; kNoPort: a recording that lacks it.
  const std::vector<size_t>& outputs(size_t p) const { return programs_[p].outputs; }
  /// Runs one variant of program p over a chunk.
  Result<std::vector<ir::Tensor>> run(size_t p, size_t variant, size_t first, size_t count, size_t offset) const;

  /// The same by another program with the inputs and outputs of program p.
  Result<std::vector<ir::Tensor>> run_as(size_t p, backends::Program& other, size_t variant, size_t first, size_t count,
                                         size_t offset) const;
  /// The inputs of program p for a run that has this sample in it: alone, or in its batch where that is fixed.
  Result<std::vector<ir::Tensor>> inputs_of(size_t p, size_t sample) const;
  /// Most samples that one run takes; where the batch is fixed, as many as each run takes.
  size_t chunk() const { return chunk_; }
  bool fixed_batch() const { return fixed_; }

  /// Samples of the data from `begin` to before `end`, whole chunks.
  struct Part {
    size_t begin = 0, end = 0;
  };
  Part whole() const { return {0, samples_}; }
  /// `count` samples from `begin`, rounded up to whole chunks. Errors: usage where no chunk begins at `begin`.
  Result<Part> part(size_t begin, size_t count) const;
  /// From now on one sample a run, where the programs take them so, and runs beside each other only where the weights
  /// are few, so that memory does not grow with the number of samples.
  void one_by_one();
  /// Whether for_each makes several runs at a time.
  bool runs_beside(const Threads* threads, const Part& part) const;
  /// What program p is given for a chunk.
  Result<std::vector<ir::Tensor>> inputs(size_t p, size_t first, size_t count) const;

  /// Calls body(first sample, count) for every chunk of the part; beside each other when that is faster. The first
  /// error in order of samples wins.
  Status for_each(const Threads* threads, const std::function<Status(size_t, size_t)>& body, const Part& part) const;
  Status for_each(const Threads* threads, const std::function<Status(size_t, size_t)>& body) const {
    return for_each(threads, body, whole());
  }

  /// How an output is cut into samples: elements per sample and their dimensions. Errors: data_shape.
  struct Cut {
    int64_t each = 0;
    ir::Dims dims;
  };
  Result<Cut> cut(const ir::Tensor& output, size_t count, const std::string& name) const;

 private:
  struct Entry {
    backends::Program* program;
    Samples samples;
    std::vector<size_t> outputs;
  };
  Status choose_chunk();
  static constexpr size_t kMemory = size_t{2} << 30, kSmallMemory = size_t{8} << 20;
  std::vector<Entry> programs_;
  size_t memory_ = kMemory;  ///< of constants that runs beside each other may keep
  size_t samples_ = 0, chunk_ = 1;
  bool axis_ = true, fixed_ = false;
};

}  // namespace assay::audit

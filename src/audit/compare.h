// Runs a program over data, and differences between programs, all pairs.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audit/data.h"
#include "audit/metrics/counts.h"
#include "audit/trace/trace.h"
#include "backends/program.h"

namespace assay::audit {

/// Runs one variant over all the data: at once where the model takes it, else sample by sample with the outputs put
/// together along the first axis (a new one where the model has none). Names are the program's outputs.
Result<Arrays> run_program(backends::Program& program, size_t variant, const Arrays& data, Warnings& warnings);

struct CompareOptions {
  std::optional<double> max_abs, max_rel;  ///< limits; absent: no check
  std::optional<uint64_t> max_ulp;
  std::optional<TraceOptions> trace{};  ///< run the primary variants in lock-step with the first program
  uint64_t conversion_samples = 2;      ///< on which two models are compared in exact arithmetic
  std::shared_ptr<const Threads> threads;
  std::function<void(size_t done, size_t total)> progress{};
};

struct Pair {
  size_t a = 0, b = 0;               ///< indices into CompareResult::programs; differences are b against a
  std::vector<Differences> outputs;  ///< named as the first program's outputs
  bool within_limits = true;
  std::optional<TraceResult> trace{};      ///< pairs with the first program, where it was asked for
  std::optional<Conversion> conversion{};  ///< those where the engine runs two models
};

struct CompareProgram {
  std::string program;
  std::string variant;
  std::string profile;
  bool emulated = false;
  LatticeCounts lattice;  ///< of all floating-point outputs
};

struct CompareResult {
  uint64_t samples = 0;
  std::vector<CompareProgram> programs;
  std::vector<Pair> pairs;  ///< (0,1), (0,2), ..., (1,2), ...
  bool within_limits = true;
};

/// The primary variant of each program. Errors: as run_audit.
Result<CompareResult> compare(std::span<backends::Program* const> programs, const Arrays& data,
                              const CompareOptions& options, Warnings& warnings);

}  // namespace assay::audit

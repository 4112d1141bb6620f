// A reference and candidates of the same model in lock-step over samples (docs/trace.md).
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "audit/trace/trace.h"
#include "backends/program.h"
#include "base/result.h"
#include "base/threads.h"

namespace assay::audit {

/// Why a candidate is passed over beside the reference, as a warning; nothing where it is traced.
std::optional<Warning> untraced(const backends::Program& reference, const backends::Program& candidate);

class Tracer {
 public:
  /// The primary variants; candidates that run another model, or outside of the engine, are passed over. Errors: usage
  /// where the engine does not run the reference; as exec::Lockstep::create.
  static Result<std::unique_ptr<Tracer>> create(backends::Program& reference,
                                                std::span<backends::Program* const> candidates,
                                                const TraceOptions& options, std::shared_ptr<const Threads> threads);
  ~Tracer();

  bool traces(size_t candidate) const;
  /// Whether runs are called from several threads, each working on one: as Program::set_concurrent.
  void set_concurrent(bool concurrent);
  /// Runs samples [first, first + count) of the data at hand; the outputs of the reference, then of each candidate,
  /// none for those passed over. Errors: as Program::run.
  Result<std::vector<std::vector<ir::Tensor>>> run(std::span<const ir::Tensor> inputs, size_t first, size_t count);
  /// Of each candidate; none for those passed over.
  std::vector<std::optional<TraceResult>> finish();

 private:
  struct State;
  explicit Tracer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::audit

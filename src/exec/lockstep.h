// Programs of one model side by side, operation by operation. Nothing is kept beyond what the runs themselves keep:
// whoever wants to compare values sees them while they stand.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "exec/session.h"
#include "ir/graph.h"

namespace assay::exec {

/// One of the programs: a resolved form of the model, whose value numbers are the model's own.
struct LockstepProgram {
  std::shared_ptr<const ir::Graph> graph;
  /// Each operation is also fed with the first program's operands, as this program stores them.
  bool fed = false;
};

/// One result of an operation of the model in one of the programs. Null: there is none.
struct LockstepValue {
  const ir::Tensor* own = nullptr;  ///< in the program's own run, as stored
  const ir::Tensor* fed = nullptr;  ///< fed with the first program's operands; null for operations that move values
};

/// Called behind each operation of the model that all programs have run, once a result; `values` by program. What it
/// sees lasts until it returns.
using LockstepVisitor = std::function<void(ir::OpId op, size_t output, std::span<const LockstepValue> values)>;

class Lockstep {
 public:
  /// `model` is what the programs were resolved from (passes/resolve.h). Errors: as Session::create.
  static Result<std::unique_ptr<Lockstep>> create(std::shared_ptr<const ir::Graph> model,
                                                  std::vector<LockstepProgram> programs,
                                                  std::shared_ptr<const Threads> threads);
  ~Lockstep();

  /// Runs the first `count` programs on the same inputs, from states of zeros; returns the outputs of each. An
  /// operation that is nested in another is seen as part of it. Errors: as Session::run.
  Result<std::vector<std::vector<ir::Tensor>>> run(std::span<const ir::Tensor> inputs, size_t count,
                                                   const LockstepVisitor& visit);
  /// Of all programs together.
  MemoryReport memory() const;

 private:
  struct Lane;
  Lockstep() = default;
  Status run_op(ir::OpId op, size_t count, const LockstepVisitor& visit);

  std::shared_ptr<const ir::Graph> model_;
  std::shared_ptr<const Threads> threads_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace assay::exec

// What runs one graph: its constants as stored, the plans made so far, and the runners of the graphs nested in it.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "exec/plan.h"
#include "exec/session.h"

namespace assay::exec {

class Runner {
 public:
  /// `outer`: constants of the graph around a nested one, which shares those that it captures; null for the main graph.
  static Result<std::unique_ptr<Runner>> create(std::shared_ptr<const ir::Graph> graph,
                                                std::shared_ptr<const Threads> threads, const SessionOptions& options,
                                                const Constants* outer = nullptr);

  /// `given`: one tensor a value of `given_values()`, of its stored type. Gives the outputs, then what states hold
  /// after the run. Results are the caller's own; those of a nested graph share the bytes of the inputs that it returns
  /// as they came in.
  Result<std::vector<ir::Tensor>> run(std::span<const ir::Tensor> given);

  const ir::Graph& graph() const { return *graph_; }
  /// Of the last plan, with what nested graphs take beside it.
  MemoryReport memory() const;

 private:
  Runner() = default;
  Status add_nested(const ir::Op& op, ir::OpId id);
  Result<Plan*> plan_for(std::span<const ir::Tensor> given);

  std::shared_ptr<const ir::Graph> graph_;
  std::shared_ptr<const Threads> threads_;
  SessionOptions options_;
  bool is_nested_ = false;
  Constants constants_;
  std::vector<ir::ValueId> given_;           ///< inputs, what states hold, then what is captured and not constant
  std::vector<std::vector<Nested>> nested_;  ///< by op
  std::vector<std::unique_ptr<Runner>> owned_;
  std::vector<std::unique_ptr<Plan>> plans_;  ///< most recently used first
};

}  // namespace assay::exec

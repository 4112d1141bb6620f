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

  /// `given`: one tensor a value of `given_values()` (inputs, states, captures), of its stored type. Gives the outputs,
  /// then what states hold after the run. Results are the caller's own; those of a nested graph share the bytes of the
  /// inputs that it returns as they came in.
  Result<std::vector<ir::Tensor>> run(std::span<const ir::Tensor> given);

  /// The plan for these shapes, which is the runner's and lasts until plans for other shapes push it out; `apart`: one
  /// of groups that run by themselves.
  Result<Plan*> plan_for(std::span<const ir::Tensor> given, bool apart = false);
  /// Of plans made from now on (PlanSource::groups), by op.
  void set_groups(std::vector<uint32_t> groups) { groups_ = std::move(groups); }

  const ir::Graph& graph() const { return *graph_; }
  /// Whether a run computes the value or is given it: it is no constant of the session.
  bool is_computed(ir::ValueId v) const { return !constants_.tensors[v] && !is_folded(v); }
  /// Of the last plan, with what nested graphs take beside it.
  MemoryReport memory() const;

 private:
  Runner() = default;
  bool is_folded(ir::ValueId v) const {
    const ir::OpId producer = graph_->at(v).producer;
    return producer != ir::kNoOp && constants_.folded[producer];
  }
  Status add_nested(const ir::Op& op, ir::OpId id);

  std::shared_ptr<const ir::Graph> graph_;
  std::shared_ptr<const Threads> threads_;
  SessionOptions options_;
  bool is_nested_ = false;
  Constants constants_;
  std::vector<ir::ValueId> given_;           ///< inputs, what states hold, then what is captured and not constant
  std::vector<std::vector<Nested>> nested_;  ///< by op
  std::vector<std::unique_ptr<Runner>> owned_;
  std::vector<uint32_t> groups_;              ///< may be empty
  std::vector<std::unique_ptr<Plan>> plans_;  ///< most recently used first
  std::vector<std::unique_ptr<Plan>> apart_;  ///< the same, of groups apart
};

}  // namespace assay::exec

// A plan: the steps that run for one set of input shapes, with every tensor in its place.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "exec/session.h"
#include "ops/kernel.h"

namespace assay::exec {

/// What a session computes once from constants: their stored form and what rows' prepare() made of them.
struct Constants {
  std::vector<std::shared_ptr<const ir::Tensor>> tensors;  ///< by value; null where not constant
  std::vector<std::shared_ptr<const void>> prepared;       ///< by op
  std::vector<bool> folded;                                ///< by op: whether its results are constants of the session
  size_t bytes = 0;                                        ///< converted copies
};
/// `outer`: those of the graph around a nested one; what is captured is shared with it.
Result<Constants> prepare_constants(const ir::Graph& graph, const Threads& threads, const Constants* outer = nullptr);

/// Whether all operands of `op` are constant, and so its results are now (exec/fold.cc).
bool fold(const ir::Graph& graph, const ir::Op& op, const Threads& threads, Constants& constants);
/// Lets go of what only folded operations read.
void forget_unread(const ir::Graph& graph, Constants& constants);

class Runner;  // exec/runner.h
/// A graph nested in an op.
struct Nested {
  std::string attr;
  Runner* runner;
  std::vector<ir::ValueId>
      captured;  ///< values of the graph around that a run is given behind the nested graph's inputs
};

/// What plans of one graph have in common; all of it outlives them.
struct PlanSource {
  const ir::Graph& graph;
  const Constants& constants;
  std::span<const ir::ValueId> given;              ///< values that the caller of run() gives
  const std::vector<std::vector<Nested>>& nested;  ///< by op
  const Threads& threads;
  const SessionOptions& options;
  bool shares_inputs;  ///< an input that is returned as it came in is not copied
};

class Plan {
 public:
  static Result<std::unique_ptr<Plan>> make(const PlanSource& source, std::span<const ir::Tensor> given);
  bool fits(std::span<const ir::Tensor> given) const;
  Result<std::vector<ir::Tensor>> run(std::span<const ir::Tensor> given);
  const MemoryReport& memory() const { return memory_; }

 private:
  struct Step {
    ops::KernelContext context;
    const ir::Op* op;                  ///< the op whose row runs
    std::vector<ir::ValueId> results;  ///< values that the context's outputs become (the last fused op's)
    std::vector<ops::EpilogueStep> epilogue;
    bool dynamic = false;                 ///< shapes are inferred when it runs
    bool view = false;                    ///< output shares the input's bytes
    bool settled = false;                 ///< a view that was made when its plan was: nothing is left to do
    bool nested = false;                  ///< runs graphs, which allocate what it returns
    bool elementwise = false;             ///< elementwise operations that run together, chunk by chunk
    std::vector<ir::ValueId> captured{};  ///< values that those graphs read, beside the op's inputs
    std::vector<size_t> output_slots;     ///< indices of results that are graph outputs: allocated afresh each run
  };
  explicit Plan(const PlanSource& source) : graph_(source.graph), given_(source.given) {}

  Status infer(std::span<const ir::Tensor> given, const Constants& constants);
  void adopt(ir::ValueId v, const std::shared_ptr<const ir::Tensor>& constant);
  void make_steps(const PlanSource& source);
  ops::RunNested run_nested(const std::vector<Nested>& graphs) const;
  void place(const SessionOptions& options);
  void settle_views();
  Status run_step(Step& step);
  Status run_dynamic(Step& step);
  Status run_nested_step(Step& step);
  void run_view(const Step& step);
  void bind(Step& step);
  bool is_static(ir::ValueId v) const { return values_[v].type.is_static(); }
  ir::ElemType stored(ir::ValueId v) const;

  const ir::Graph& graph_;
  std::span<const ir::ValueId> given_;
  std::vector<ir::Dims> given_dims_;
  std::vector<ir::Value> values_;    ///< the graph's, with types inferred for these shapes
  std::vector<bool> live_;           ///< ops that run (the others were folded)
  std::vector<ir::Tensor> tensors_;  ///< by value: where it is now
  std::vector<Step> steps_;
  std::vector<ir::ValueId> returned_;  ///< the graph's outputs, then its states
  std::vector<bool> is_output_;        ///< by value: whether it is returned
  std::vector<bool> fresh_;            ///< values that a step writes into memory of their own
  std::vector<bool> passed_on_;        ///< inputs and views of them that run() returns without copying
  ir::Tensor arena_;
  MemoryReport memory_;
};

}  // namespace assay::exec

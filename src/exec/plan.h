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
  /// By op; ops of one group stand beside each other. Empty: every op is a group of its own. What a group writes stays
  /// where it is until the group has run, whoever reads it.
  std::span<const uint32_t> groups{};
  /// Groups run by themselves, on operands that are set() for each: nothing else is kept from one to the next.
  bool apart = false;
};

class Plan {
 public:
  static Result<std::unique_ptr<Plan>> make(const PlanSource& source, std::span<const ir::Tensor> given);
  bool fits(std::span<const ir::Tensor> given) const;
  Result<std::vector<ir::Tensor>> run(std::span<const ir::Tensor> given);

  // The same in parts: start(), advance() to ever later ops, finish() behind the last.
  void start(std::span<const ir::Tensor> given);
  /// Runs the ops before `end` that have not run since start().
  Status advance(ir::OpId end);
  std::vector<ir::Tensor> finish();
  /// As it is now: after the op that writes it and before the group behind its last reader, while steps are taken one
  /// by one. No handle: nothing computes it.
  const ir::Tensor& value(ir::ValueId v) const { return tensors_[v]; }

  // Plans of groups apart.
  void set(ir::ValueId v, ir::Tensor tensor) { tensors_[v] = std::move(tensor); }
  /// Runs the ops from `begin` on before `end`; whether there were any (others are folded).
  Result<bool> run_apart(ir::OpId begin, ir::OpId end);

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
  void place(const PlanSource& source);
  /// By step: the last step of its group.
  std::vector<size_t> ends_of_groups(std::span<const uint32_t> groups) const;
  ir::OpId id_of(const Step& step) const { return static_cast<ir::OpId>(step.op - graph_.ops.data()); }
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
  size_t next_ = 0;                    ///< the step that runs next
  std::vector<ir::ValueId> returned_;  ///< the graph's outputs, then its states
  std::vector<bool> is_output_;        ///< by value: whether it is returned
  std::vector<bool> fresh_;            ///< values that a step writes into memory of their own
  std::vector<bool> passed_on_;        ///< inputs and views of them that run() returns without copying
  ir::Tensor arena_;
  MemoryReport memory_;
};

}  // namespace assay::exec

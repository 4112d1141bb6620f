// A plan: the steps that run for one set of input shapes, with every tensor in its place.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "exec/session.h"
#include "ops/kernel.h"

namespace assay::exec {

/// What a session computes once from constants: their stored form and what rows' prepare() made of them.
struct Constants {
  std::vector<std::shared_ptr<const ir::Tensor>> tensors;  ///< by value; null where not constant
  std::vector<std::shared_ptr<const void>> prepared;       ///< by op
  size_t bytes = 0;                                        ///< converted copies
};
Result<Constants> prepare_constants(const ir::Graph& graph, const Threads& threads);

class Plan {
 public:
  static Result<std::unique_ptr<Plan>> make(const ir::Graph& graph, const Constants& constants,
                                            std::span<const ir::Tensor> inputs, const Threads& threads,
                                            const SessionOptions& options);
  bool fits(std::span<const ir::Tensor> inputs) const;
  Result<std::vector<ir::Tensor>> run(std::span<const ir::Tensor> inputs);
  const MemoryReport& memory() const { return memory_; }

 private:
  struct Step {
    ops::KernelContext context;
    const ir::Op* op;                  ///< the op whose row runs
    std::vector<ir::ValueId> results;  ///< values that the context's outputs become (the last fused op's)
    std::vector<ops::EpilogueStep> epilogue;
    bool dynamic = false;              ///< shapes are inferred when it runs
    bool view = false;                 ///< output shares the input's bytes
    std::vector<size_t> output_slots;  ///< indices of results that are graph outputs: allocated afresh each run
  };
  explicit Plan(const ir::Graph& graph) : graph_(graph) {}

  Status infer(std::span<const ir::Tensor> inputs);
  void make_steps(const Constants& constants, const Threads& threads, const SessionOptions& options);
  void place(const SessionOptions& options);
  Status run_dynamic(Step& step);
  void run_view(const Step& step);
  void bind(Step& step);
  bool is_static(ir::ValueId v) const { return values_[v].type.is_static(); }
  ir::ElemType stored(ir::ValueId v) const;

  const ir::Graph& graph_;
  std::vector<ir::Dims> input_dims_;
  std::vector<ir::Value> values_;    ///< the graph's, with types inferred for these shapes
  std::vector<bool> live_;           ///< ops that run (the others were folded)
  std::vector<ir::Tensor> tensors_;  ///< by value: where it is now
  std::vector<Step> steps_;
  std::vector<bool> is_output_;
  std::vector<bool> fresh_;  ///< values that a step writes into memory of their own
  ir::Tensor arena_;
  MemoryReport memory_;
};

}  // namespace assay::exec

#include "exec/runner.h"

#include <algorithm>

namespace assay::exec {
namespace {

constexpr size_t kKeptPlans = 4;  // a model fed with ever new shapes must not collect plans for ever

// The values that a run of the graph is given.
std::vector<ir::ValueId> given_values(const ir::Graph& graph, const Constants& constants) {
  std::vector<ir::ValueId> out = graph.inputs;
  for (const ir::State& state : graph.states) out.push_back(state.before);
  for (const auto& [local, outside] : graph.captures)
    if (!constants.tensors[local]) out.push_back(local);
  return out;
}

}  // namespace

Result<std::unique_ptr<Runner>> Runner::create(std::shared_ptr<const ir::Graph> graph,
                                               std::shared_ptr<const Threads> threads, const SessionOptions& options,
                                               const Constants* outer) {
  for (const ir::Op& op : graph->ops)
    if (!op.def || !op.def->eval || !op.def->infer)
      return Error{Code::op_unsupported, "has no kernel", graph->describe(op), "`assay ops` lists what there is"};
  std::unique_ptr<Runner> runner(new Runner());
  ASSAY_TRY(runner->constants_, prepare_constants(*graph, *threads, outer));
  runner->given_ = given_values(*graph, runner->constants_);
  runner->graph_ = std::move(graph);
  runner->threads_ = std::move(threads);
  runner->options_ = options;
  runner->is_nested_ = outer != nullptr;
  runner->nested_.resize(runner->graph_->ops.size());
  for (ir::OpId id = 0; id < runner->graph_->ops.size(); ++id)
    ASSAY_CHECK(runner->add_nested(runner->graph_->ops[id], id));
  return runner;
}

Status Runner::add_nested(const ir::Op& op, ir::OpId id) {
  for (const ir::Attr& a : op.attrs) {
    const auto* graph = std::get_if<std::shared_ptr<ir::Graph>>(&a.value);
    if (!graph) continue;
    ASSAY_TRY(auto inner, create(*graph, threads_, options_, &constants_));
    Nested nested{a.name, inner.get(), {}};
    for (const auto& [local, outside] : (*graph)->captures)
      if (!inner->constants_.tensors[local]) nested.captured.push_back(outside);
    nested_[id].push_back(std::move(nested));
    owned_.push_back(std::move(inner));
  }
  return {};
}

Result<Plan*> Runner::plan_for(std::span<const ir::Tensor> given, bool apart) {
  std::vector<std::unique_ptr<Plan>>& plans = apart ? apart_ : plans_;
  const auto found = std::ranges::find_if(plans, [&](const auto& p) { return p->fits(given); });
  if (found != plans.end()) {
    std::rotate(plans.begin(), found, found + 1);
    return plans.front().get();
  }
  if (plans.size() == kKeptPlans) plans.pop_back();
  const PlanSource source{*graph_, constants_, given_, nested_, *threads_, options_, is_nested_, groups_, apart};
  ASSAY_TRY(auto plan, Plan::make(source, given));
  plans.insert(plans.begin(), std::move(plan));
  return plans.front().get();
}

Result<std::vector<ir::Tensor>> Runner::run(std::span<const ir::Tensor> given) {
  if (given.size() != given_.size())
    return Error{Code::internal, "a nested graph is given other values than it takes", "graph '" + graph_->name + "'",
                 ""};
  ASSAY_TRY(Plan * plan, plan_for(given));
  return plan->run(given);
}

MemoryReport Runner::memory() const {
  MemoryReport report = plans_.empty() ? MemoryReport{} : plans_.front()->memory();
  for (const auto& inner : owned_) {
    const MemoryReport part = inner->memory();
    report.arena_bytes += part.arena_bytes;
    report.lower_bound_bytes += part.lower_bound_bytes;
    report.constant_bytes += part.constant_bytes;
  }
  return report;
}

}  // namespace assay::exec

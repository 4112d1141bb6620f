#include "exec/plan.h"

#include <algorithm>
#include <cstring>
#include <ranges>

#include "base/cancel.h"
#include "base/checked.h"
#include "base/limits.h"
#include "exec/fuse.h"
#include "exec/identity.h"
#include "exec/runner.h"
#include "ops/elementwise_run.h"
#include "ops/infer.h"
#include "ops/propagate.h"

namespace assay::exec {
namespace {

// Beyond this a tensor is a mistake or an attack, not a model (32 TiB).
constexpr int64_t kLargestTensorBits = int64_t{1} << 48;

Status check_size(const ir::Graph& graph, const ir::Op& op, const ir::Type& type) {
  if (!type.is_static()) return {};
  const auto count = checked_product(type.dims());
  const int64_t most = kLargestTensorBits / std::max(1, ir::elem_bits(type.elem));
  if (count && *count <= most && !ops::is_absurd(type)) return {};
  return Error{Code::limit_exceeded, "a result of type " + to_string(type) + " is too large", graph.describe(op),
               "check the shapes of the model and of its inputs"};
}

}  // namespace

ir::ElemType Plan::stored(ir::ValueId v) const {
  const ir::Value& value = graph_.at(v);
  return value.storage == ir::ElemType::undefined ? values_[v].type.elem : value.storage;
}

bool Plan::fits(std::span<const ir::Tensor> given) const {
  return std::ranges::equal(given, given_dims_, {}, &ir::Tensor::dims);
}

Result<std::unique_ptr<Plan>> Plan::make(const PlanSource& source, std::span<const ir::Tensor> given) {
  std::unique_ptr<Plan> plan(new Plan(source));
  ASSAY_CHECK(plan->infer(given, source.constants));
  plan->make_steps(source);
  plan->place(source);
  plan->memory_.constant_bytes = source.constants.bytes;
  return plan;
}

Status Plan::infer(std::span<const ir::Tensor> given, const Constants& constants) {
  values_ = graph_.values;
  for (size_t i = 0; i < given.size(); ++i) {
    const ir::ValueId v = given_[i];
    const ir::ElemType declared = graph_.at(v).type.elem;
    given_dims_.push_back(given[i].dims());
    values_[v].constant.reset();
    if (given[i].is_list()) continue;
    values_[v].type = ir::Type::of(declared == ir::ElemType::undefined ? given[i].elem() : declared, given[i].dims());
  }
  for (size_t i = 0; i < graph_.ops.size(); ++i) {
    const ir::Op& op = graph_.ops[i];
    ASSAY_TRY(const bool folded, ops::propagate(graph_, op, values_));
    live_.push_back(!folded && !constants.folded[i]);
    for (const ir::ValueId v : op.outputs) {
      if (v == ir::kNoValue) continue;
      if (constants.folded[i]) adopt(v, constants.tensors[v]);
      ASSAY_CHECK(check_size(graph_, op, values_[v].type));
    }
  }
  return {};
}

// What a folded operation gave, for the inference of those behind it.
void Plan::adopt(ir::ValueId v, const std::shared_ptr<const ir::Tensor>& constant) {
  if (!constant) return;  // only folded operations read it
  values_[v].type = ir::Type::of(values_[v].type.elem, constant->dims());
  if (stored(v) == values_[v].type.elem) values_[v].constant = constant;
}

// Runs one of the graphs of an op on the inputs that its kernel gives and on what the graph captures here.
ops::RunNested Plan::run_nested(const std::vector<Nested>& graphs) const {
  return [this, &graphs](std::string_view attr, std::span<const ir::Tensor> inputs) -> Result<std::vector<ir::Tensor>> {
    const auto nested = std::ranges::find(graphs, attr, &Nested::attr);
    if (nested == graphs.end()) return Error{Code::internal, "no graph '" + std::string(attr) + "'", "", ""};
    std::vector<ir::Tensor> given(inputs.begin(), inputs.end());
    for (const ir::ValueId v : nested->captured) given.push_back(tensors_[v]);
    return nested->runner->run(given);
  };
}

void Plan::make_steps(const PlanSource& source) {
  const Constants& constants = source.constants;
  tensors_.resize(values_.size());
  is_output_.resize(values_.size());
  returned_ = graph_.outputs;
  for (const ir::State& state : graph_.states) returned_.push_back(state.after);
  for (const ir::ValueId v : returned_) is_output_[v] = true;
  for (size_t v = 0; v < values_.size(); ++v) {
    if (constants.tensors[v])
      tensors_[v] = *constants.tensors[v];
    else if (values_[v].constant)
      tensors_[v] = *values_[v].constant;
  }
  const std::vector<Fusion> fusions =
      source.options.fuse ? find_fusions(graph_, values_, live_) : std::vector<Fusion>{};
  std::vector<const Fusion*> fused(graph_.ops.size());
  for (const Fusion& f : fusions) {
    fused[f.head] = &f;
    for (const ir::OpId tail : f.tail) live_[tail] = false;
  }
  for (size_t i = 0; i < graph_.ops.size(); ++i) {
    if (!live_[i]) continue;
    const ir::Op& op = graph_.ops[i];
    Step step{.context = ops::KernelContext(graph_, op, source.threads),
              .op = &op,
              .results = op.outputs,
              .epilogue = {},
              .output_slots = {}};
    const auto pointer = [&](ir::ValueId v) { return v == ir::kNoValue ? nullptr : &tensors_[v]; };
    for (const ir::ValueId v : op.inputs) step.context.inputs.push_back(pointer(v));
    step.context.prepared = constants.prepared[i].get();
    if (fused[i]) {
      for (size_t k = 0; k < fused[i]->tail.size(); ++k) {
        const ir::Op& tail = graph_.ops[fused[i]->tail[k]];
        ops::EpilogueStep e{&tail, stored(tail.outputs[0]), fused[i]->flowing[k], {}};
        for (const ir::ValueId v : tail.inputs) e.operands.push_back(pointer(v));
        e.operands[e.flowing] = nullptr;
        step.epilogue.push_back(std::move(e));
        step.results = tail.outputs;
      }
      step.elementwise = !op.def->takes_epilogue;
    }
    const auto known = [&](ir::ValueId v) { return v == ir::kNoValue || is_static(v); };
    step.dynamic = !std::ranges::all_of(op.inputs, known) || !std::ranges::all_of(step.results, known);
    step.view = (op.def->view || moves_nothing(op, values_)) && stored(op.inputs[0]) == stored(op.outputs[0]) &&
                stored(op.inputs[0]) != ir::ElemType::string;
    if (!source.nested[i].empty()) {
      step.dynamic = step.nested = true;
      step.captured = ir::captured_by(op);
      step.context.run_nested = run_nested(source.nested[i]);
    }
    step.context.outputs.resize(step.results.size());
    for (size_t k = 0; k < step.results.size(); ++k)
      if (step.results[k] != ir::kNoValue && is_output_[step.results[k]]) step.output_slots.push_back(k);
    steps_.push_back(std::move(step));
  }
  fresh_.resize(values_.size());
  passed_on_.resize(values_.size());
  if (source.shares_inputs)
    for (const ir::ValueId v : graph_.inputs) passed_on_[v] = true;
  for (Step& step : steps_) {
    step.context.epilogue = step.epilogue;
    for (const ir::ValueId v : step.results)
      if (v != ir::kNoValue && !step.view) fresh_[v] = true;
    if (step.view) passed_on_[step.results[0]] = passed_on_[step.op->inputs[0]];
  }
}

// Allocates what is not in the arena: graph outputs, strings.
void Plan::bind(Step& step) {
  for (size_t k = 0; k < step.results.size(); ++k) {
    const ir::ValueId v = step.results[k];
    if (v == ir::kNoValue || !(is_output_[v] || stored(v) == ir::ElemType::string)) continue;
    tensors_[v] = ir::Tensor::allocate(stored(v), values_[v].type.dims());
    step.context.outputs[k] = tensors_[v];
  }
}

void Plan::run_view(const Step& step) {
  const ir::ValueId v = step.results[0];
  tensors_[v] = tensors_[step.op->inputs[0]].reshaped(values_[v].type.dims());
}

Status Plan::run_dynamic(Step& step) {
  const ir::Op& op = *step.op;
  std::vector<ir::Value> known(op.inputs.size());
  std::vector<const ir::Value*> pointers;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const ir::ValueId v = op.inputs[i];
    if (v != ir::kNoValue) {
      known[i].type =
          tensors_[v].is_list() ? values_[v].type : ir::Type::of(graph_.at(v).type.elem, tensors_[v].dims());
      if (known[i].type.is_tensor() && known[i].type.elem == ir::ElemType::undefined)
        known[i].type.elem = values_[v].type.elem;
      known[i].constant = std::make_shared<const ir::Tensor>(tensors_[v]);
    }
    pointers.push_back(v == ir::kNoValue ? nullptr : &known[i]);
  }
  ops::InferContext context(graph_, op, std::move(pointers));
  ASSAY_CHECK(op.def->infer(context));
  for (size_t k = 0; k < op.outputs.size(); ++k) {
    if (op.outputs[k] == ir::kNoValue) continue;
    step.context.outputs[k] = {};
    const auto& type = context.outputs()[k];
    if (!type || !type->is_static()) continue;
    ASSAY_CHECK(check_size(graph_, op, *type));
    step.context.outputs[k] = ir::Tensor::allocate(stored(op.outputs[k]), type->dims());
  }
  ASSAY_CHECK(op.def->eval(step.context));
  for (size_t k = 0; k < op.outputs.size(); ++k)
    if (op.outputs[k] != ir::kNoValue) tensors_[op.outputs[k]] = step.context.outputs[k];
  return {};
}

// Steps behind this one were planned for the types that were inferred: what the graphs give must fit them.
Status Plan::run_nested_step(Step& step) {
  std::ranges::fill(step.context.outputs, ir::Tensor());
  ASSAY_CHECK(step.op->def->eval(step.context));
  for (size_t k = 0; k < step.results.size(); ++k) {
    const ir::ValueId v = step.results[k];
    if (v == ir::kNoValue) continue;
    const ir::Tensor& result = step.context.outputs[k];
    if (result.is_list() != !values_[v].type.is_tensor())
      return Error{Code::internal, "gives something else than " + to_string(values_[v].type), graph_.describe(*step.op),
                   ""};
    if (!result.is_list() && (result.elem() != stored(v) || (is_static(v) && result.dims() != values_[v].type.dims())))
      return Error{Code::internal,
                   "gives " + to_string(ir::Type::of(result.elem(), result.dims())) + ", not " +
                       to_string(values_[v].type) + " stored as " + std::string(ir::elem_name(stored(v))),
                   graph_.describe(*step.op), ""};
    tensors_[v] = result;
  }
  return {};
}

Status Plan::run_step(Step& step) {
  try {
    if (step.nested) return run_nested_step(step);
    if (step.dynamic) return run_dynamic(step);
    if (step.view) {
      run_view(step);
      return {};
    }
    if (!step.output_slots.empty() || step.context.outputs[0].empty_handle()) bind(step);
    return step.elementwise ? ops::eval_elementwise_run(step.context) : step.op->def->eval(step.context);
  } catch (const OverBudget& over) {
    return over.error(graph_.describe(*step.op));
  }
}

Result<std::vector<ir::Tensor>> Plan::run(std::span<const ir::Tensor> given) {
  start(given);
  ASSAY_CHECK(advance(ir::kNoOp));
  ASSAY_CHECK(check_cancel());
  return finish();
}

void Plan::start(std::span<const ir::Tensor> given) {
  for (size_t i = 0; i < given.size(); ++i) tensors_[given_[i]] = given[i];
  next_ = 0;
}

Status Plan::advance(ir::OpId end) {
  for (; next_ < steps_.size() && id_of(steps_[next_]) < end; ++next_) {
    if (steps_[next_].settled) continue;
    ASSAY_CHECK(check_cancel());
    ASSAY_CHECK(run_step(steps_[next_]));
  }
  return {};
}

Result<bool> Plan::run_apart(ir::OpId begin, ir::OpId end) {
  bool ran = false;
  const auto first = std::ranges::lower_bound(steps_, begin, {}, [this](const Step& step) { return id_of(step); });
  for (auto step = first; step != steps_.end() && id_of(*step) < end; ++step) {
    ASSAY_CHECK(check_cancel());
    const bool placed = !step->dynamic && !step->view;  // where set() may have put an operand since
    for (size_t k = 0; placed && k < step->results.size(); ++k)
      if (step->results[k] != ir::kNoValue) tensors_[step->results[k]] = step->context.outputs[k];
    ASSAY_CHECK(run_step(*step));
    ran = true;
  }
  return ran;
}

std::vector<ir::Tensor> Plan::finish() {
  std::vector<ir::Tensor> outputs;
  for (size_t i = 0; i < returned_.size(); ++i) {
    const ir::ValueId v = returned_[i];
    // What a session keeps is its own, even where it is an output too.
    const bool shared = i >= graph_.outputs.size() && std::ranges::find(graph_.outputs, v) != graph_.outputs.end();
    if (((fresh_[v] || passed_on_[v]) && !shared) || tensors_[v].elem() == ir::ElemType::string) {
      outputs.push_back(tensors_[v]);
    } else {  // a view of the arena, a constant or an input: the caller gets bytes of its own
      outputs.push_back(tensors_[v].copy());
    }
  }
  return outputs;
}

}  // namespace assay::exec

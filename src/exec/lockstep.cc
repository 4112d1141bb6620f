#include "exec/lockstep.h"

#include <algorithm>
#include <map>

#include "base/cancel.h"
#include "base/limits.h"
#include "exec/given.h"
#include "exec/operands.h"
#include "exec/runner.h"
#include "num/simd.h"
#include "ops/def.h"
#include "ops/elementwise.h"

namespace assay::exec {
namespace {

/// Memory for converted operands: blocks that are used again, in one run and in the next.
class Blocks {
 public:
  ir::Tensor take(ir::ElemType elem, const ir::Dims& dims) {
    const auto bytes = static_cast<int64_t>(ir::packed_bytes(elem, ir::Tensor::over(elem, dims, nullptr).size()));
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < free_.size(); ++i)
      if (free_[i].size() >= bytes && (best == SIZE_MAX || free_[i].size() < free_[best].size())) best = i;
    ir::Tensor block;
    if (best == SIZE_MAX) {
      block = ir::Tensor::allocate(ir::ElemType::uint8, {bytes});
    } else {
      block = std::move(free_[best]);
      free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(best));
    }
    used_.push_back(block);
    return ir::Tensor::over(elem, dims, block.mutable_bytes());
  }
  void give_back(const ir::Tensor& tensor) {
    const auto own = [&](const ir::Tensor& block) { return block.bytes() == tensor.bytes(); };
    const auto found = std::ranges::find_if(used_, own);
    if (found == used_.end()) return;  // it was never converted
    free_.push_back(std::move(*found));
    used_.erase(found);
  }
  void give_back_all() {
    std::ranges::move(used_, std::back_inserter(free_));
    used_.clear();
  }

 private:
  std::vector<ir::Tensor> free_, used_;
};

/// A value of the first program as this one stores it, for all operations that read it.
struct Converted {
  size_t readers = 0;
  size_t left = 0;      ///< of them in the run at hand
  ir::Tensor tensor{};  ///< no handle: not yet
};

/// From float32 to 16 bits in one rounding to nearest: the conversion that is in bulk.
bool is_narrowing(const ir::Tensor& from, const ir::Tensor& to, const std::optional<num::Rounding>& rounding) {
  const auto format = ir::elem_format(to.elem());
  const bool half = to.elem() == ir::ElemType::float16 || to.elem() == ir::ElemType::bfloat16;
  return from.elem() == ir::ElemType::float32 && half &&
         (!rounding || *rounding == num::Rounding{.format = num::format(*format)});
}

void convert_all(const ir::Tensor& from, ir::Tensor& to, const std::optional<num::Rounding>& rounding,
                 const Threads& threads) {
  num::Policy policy;
  policy.result = rounding;
  const bool narrowing = is_narrowing(from, to, rounding);
  const auto narrow = to.elem() == ir::ElemType::float16 ? num::to_float16 : num::to_bfloat16;
  const bool wide = from.elem() == ir::ElemType::float64 || to.elem() == ir::ElemType::float64;
  threads.for_each(static_cast<size_t>(from.size()), size_t{1} << 16, [&](size_t begin, size_t end) {
    if (narrowing) return narrow(from.data<float>() + begin, to.mutable_data<uint16_t>() + begin, end - begin);
    wide ? ops::convert<double>(from, to, begin, end, policy) : ops::convert<float>(from, to, begin, end, policy);
  });
}

bool moves_values(const ir::Op& op) {
  return op.def != nullptr && op.def->numeric == ops::Numeric::exact && !ir::has_nested(op);
}

}  // namespace

/// One program with its plans.
struct Lockstep::Lane {
  std::shared_ptr<const ir::Graph> graph;
  bool fed = false;
  Resolved resolved;
  std::unique_ptr<Runner> runner;
  std::vector<ir::Tensor> zeros;  ///< what its states hold at first
  /// By operation of the model and by its operand: which operand of the first program it is; SIZE_MAX: a constant, or
  /// nothing that the first program reads there.
  std::vector<std::vector<size_t>> sources;
  std::vector<std::vector<std::vector<Storing>>> paths;  ///< likewise: what becomes of it
  std::vector<std::vector<size_t>> places;               ///< likewise: its place in `converted`
  std::vector<bool> can_feed;                            ///< by operation of the model
  std::vector<Converted> converted;
  std::map<std::pair<ir::ValueId, ir::ValueId>, size_t> place_of;  ///< by the first program's value and by the own one
  Blocks blocks;
  Plan *plan = nullptr, *apart = nullptr;  ///< of the run at hand

  bool reads_constants(ir::OpId op) const {
    return can_feed[op] && std::ranges::all_of(sources[op], [](size_t source) { return source == SIZE_MAX; });
  }
  void find_sources(const Lane& first, const ir::Graph& model);
  size_t source_of(const Lane& first, ir::OpId op, size_t operand) const;
  Status start(std::span<const ir::Tensor> inputs);
  Result<bool> feed(const Lane& first, ir::OpId op, const Threads& threads);
  ir::Tensor as_stored(const ir::Tensor& exact, const std::vector<Storing>& path, const Threads& threads);
};

/// The operand at the same place where that is the same value; else any form of it that the first program reads here.
size_t Lockstep::Lane::source_of(const Lane& first, ir::OpId op, size_t operand) const {
  const auto& own = resolved.operands(op);
  const auto& theirs = first.resolved.operands(op);
  const auto same = [&](size_t i) {
    return theirs[i] != ir::kNoValue && first.resolved.origin(theirs[i]) == resolved.origin(own[operand]);
  };
  if (operand < theirs.size() && same(operand)) return operand;
  for (size_t i = 0; i < theirs.size(); ++i)
    if (same(i)) return i;
  return SIZE_MAX;
}

void Lockstep::Lane::find_sources(const Lane& first, const ir::Graph& model) {
  for (ir::OpId op = 0; op < model.ops.size(); ++op) {
    const auto& own = resolved.operands(op);
    sources.emplace_back(own.size(), SIZE_MAX);
    paths.emplace_back(own.size());
    places.emplace_back(own.size());
    bool all = !moves_values(model.ops[op]);
    for (size_t i = 0; i < own.size(); ++i) {
      if (own[i] == ir::kNoValue || !runner->is_computed(own[i])) continue;
      sources[op][i] = source_of(first, op, i);
      paths[op][i] = resolved.path(own[i]);
      all = all && sources[op][i] != SIZE_MAX;
    }
    can_feed.push_back(all);
    if (!all || reads_constants(op)) continue;
    for (size_t i = 0; i < own.size(); ++i) {
      if (sources[op][i] == SIZE_MAX) continue;
      const ir::ValueId theirs = first.resolved.operands(op)[sources[op][i]];
      const auto [place, added] = place_of.try_emplace({theirs, own[i]}, converted.size());
      if (added) converted.emplace_back();
      places[op][i] = place->second;
      ++converted[place->second].readers;
    }
  }
}

Status Lockstep::Lane::start(std::span<const ir::Tensor> inputs) {
  ASSAY_CHECK(check_inputs(*graph, inputs));
  std::vector<ir::Tensor> given(inputs.begin(), inputs.end());
  given.insert(given.end(), zeros.begin(), zeros.end());
  ASSAY_TRY(plan, runner->plan_for(given));
  plan->start(given);
  if (!fed) return {};
  blocks.give_back_all();
  for (Converted& each : converted) each.tensor = {}, each.left = each.readers;
  ASSAY_TRY(apart, runner->plan_for(given, true));
  apart->start(given);
  return {};
}

ir::Tensor Lockstep::Lane::as_stored(const ir::Tensor& exact, const std::vector<Storing>& path,
                                     const Threads& threads) {
  ir::Tensor now = exact;
  if (exact.is_list() || !ir::is_float(exact.elem())) return now;
  for (const Storing& step : path) {
    if (!ir::is_float(step.storage) || (step.storage == now.elem() && !step.rounding)) continue;
    ir::Tensor next = blocks.take(step.storage, now.dims());
    convert_all(now, next, step.rounding, threads);
    blocks.give_back(now);
    now = next;
  }
  return now;
}

/// Runs the operation on what the first program is about to read for it. False: there is nothing to run.
Result<bool> Lockstep::Lane::feed(const Lane& first, ir::OpId op, const Threads& threads) {
  if (!can_feed[op] || reads_constants(op)) return false;
  const auto& own = resolved.operands(op);
  const auto& theirs = first.resolved.operands(op);
  for (size_t i = 0; i < own.size(); ++i) {
    if (sources[op][i] == SIZE_MAX) continue;
    const ir::Tensor& exact = first.plan->value(theirs[sources[op][i]]);
    if (exact.empty_handle()) return false;  // of shapes alone, and no tensor for it
    Converted& value = converted[places[op][i]];
    if (value.tensor.empty_handle()) value.tensor = as_stored(exact, paths[op][i], threads);
    apart->set(own[i], value.tensor);
  }
  const OpGroup& group = resolved.group(op);
  ASSAY_TRY(const bool ran, apart->run_apart(group.op, group.end));
  for (size_t i = 0; i < own.size(); ++i) {
    if (sources[op][i] == SIZE_MAX) continue;
    Converted& value = converted[places[op][i]];
    if (--value.left > 0) continue;
    blocks.give_back(value.tensor);
    value.tensor = {};
  }
  return ran;
}

Lockstep::~Lockstep() = default;

Result<std::unique_ptr<Lockstep>> Lockstep::create(std::shared_ptr<const ir::Graph> model,
                                                   std::vector<LockstepProgram> programs,
                                                   std::shared_ptr<const Threads> threads) {
  std::unique_ptr<Lockstep> lockstep(new Lockstep());
  const auto make = [&]() -> Status {
    for (LockstepProgram& program : programs) {
      auto lane = std::make_unique<Lane>();
      ASSAY_TRY(lane->resolved, Resolved::of(*model, *program.graph));
      for (const ir::State& state : program.graph->states) {
        ASSAY_TRY(ir::Tensor zeros, zero_state(*program.graph, state));
        lane->zeros.push_back(std::move(zeros));
      }
      lane->graph = std::move(program.graph);
      lane->fed = program.fed;
      ASSAY_TRY(lane->runner, Runner::create(lane->graph, threads, {.fuse = false}));
      lane->runner->set_groups(lane->resolved.group_numbers());
      if (lane->fed && !lockstep->lanes_.empty()) lane->find_sources(*lockstep->lanes_[0], *model);
      lockstep->lanes_.push_back(std::move(lane));
    }
    return {};
  };
  ASSAY_CHECK(within_memory("the model's constants", make));
  if (lockstep->lanes_.empty() || lockstep->lanes_[0]->fed)
    return Error{Code::internal, "the first program of a lock-step run is fed by none"};
  lockstep->model_ = std::move(model);
  lockstep->threads_ = std::move(threads);
  return lockstep;
}

// The first program's operands stand while it has not run the operation, which may write over them.
Status Lockstep::run_op(ir::OpId op, size_t count, const LockstepVisitor& visit) {
  Lane& first = *lanes_[0];
  ASSAY_CHECK(first.plan->advance(first.resolved.group(op).op));
  std::vector<bool> fed(count);
  for (size_t i = 1; i < count; ++i) {
    if (!lanes_[i]->fed) continue;
    ASSAY_TRY(fed[i], lanes_[i]->feed(first, op, *threads_));
  }
  for (size_t i = 0; i < count; ++i) ASSAY_CHECK(lanes_[i]->plan->advance(lanes_[i]->resolved.group(op).end));
  std::vector<LockstepValue> values(count);
  const auto& outputs = model_->ops[op].outputs;
  for (size_t k = 0; k < outputs.size(); ++k) {
    if (outputs[k] == ir::kNoValue) continue;
    const auto seen = [&](const Plan& plan) {
      const ir::Tensor& value = plan.value(outputs[k]);
      return value.empty_handle() ? nullptr : &value;
    };
    for (size_t i = 0; i < count; ++i) {
      values[i].own = seen(*lanes_[i]->plan);
      const bool constant = lanes_[i]->fed && lanes_[i]->reads_constants(op);  // what it reads is nobody's error
      values[i].fed = constant ? values[i].own : fed[i] ? seen(*lanes_[i]->apart) : nullptr;
    }
    visit(op, k, values);
  }
  return {};
}

Result<std::vector<std::vector<ir::Tensor>>> Lockstep::run(std::span<const ir::Tensor> inputs, size_t count,
                                                           const LockstepVisitor& visit) {
  const num::ScopedFloatEnvironment environment;
  std::vector<std::vector<ir::Tensor>> outputs;
  const auto work = [&]() -> Status {
    for (size_t i = 0; i < count; ++i) ASSAY_CHECK(lanes_[i]->start(inputs));
    for (ir::OpId op = 0; op < model_->ops.size(); ++op) {
      ASSAY_CHECK(check_cancel());
      ASSAY_CHECK(run_op(op, count, visit));
    }
    for (size_t i = 0; i < count; ++i) {
      ASSAY_CHECK(lanes_[i]->plan->advance(ir::kNoOp));
      outputs.push_back(lanes_[i]->plan->finish());
      outputs.back().resize(lanes_[i]->graph->outputs.size());  // without what states hold now
    }
    return check_cancel();
  };
  ASSAY_CHECK(within_memory("the model's intermediate values", work));
  return outputs;
}

MemoryReport Lockstep::memory() const {
  MemoryReport all;
  for (const auto& lane : lanes_) {
    const MemoryReport part = lane->runner->memory();
    all.arena_bytes += part.arena_bytes;
    all.lower_bound_bytes += part.lower_bound_bytes;
    all.constant_bytes += part.constant_bytes;
  }
  return all;
}

}  // namespace assay::exec

// Where a plan's intermediates live.
#include <algorithm>

#include "base/checked.h"
#include "exec/memory.h"
#include "exec/plan.h"

namespace assay::exec {

std::vector<size_t> Plan::ends_of_groups(std::span<const uint32_t> groups) const {
  std::vector<size_t> ends(steps_.size());
  for (size_t s = steps_.size(); s-- > 0;) {
    const bool same =
        !groups.empty() && s + 1 < steps_.size() && groups[id_of(steps_[s])] == groups[id_of(steps_[s + 1])];
    ends[s] = same ? ends[s + 1] : s;
  }
  return ends;
}

void Plan::place(const PlanSource& source) {
  const SessionOptions& options = source.options;
  constexpr size_t kNone = SIZE_MAX;
  std::vector<Block> blocks;
  std::vector<size_t> block_of(values_.size(), kNone);  // views share their input's block
  std::vector<size_t> read_until;                       // of each block: the last step that reads one of its values
  const auto touch = [&](ir::ValueId v, size_t step) {
    if (v != ir::kNoValue && block_of[v] != kNone) blocks[block_of[v]].last = std::max(blocks[block_of[v]].last, step);
  };
  // Last step that reads each value, views included, to know when an operation may write over its input.
  // The caller reads outputs after the last step; one may be a view of an intermediate.
  std::vector<size_t> last_read(values_.size(), 0);
  for (const ir::ValueId v : returned_) last_read[v] = steps_.size();
  const std::vector<size_t> ends = ends_of_groups(source.groups);
  for (size_t s = steps_.size(); s-- > 0;) {
    const Step& step = steps_[s];
    for (const ir::ValueId v : step.results)
      if (v != ir::kNoValue) last_read[v] = std::max(last_read[v], ends[s] > s ? ends[s] : 0);
    if (source.apart) continue;
    const auto read = [&](ir::ValueId v) {
      if (v != ir::kNoValue) last_read[v] = std::max(last_read[v], s);
    };
    for (const ir::ValueId v : step.op->inputs) read(v);
    for (const ir::ValueId v : step.captured) read(v);
    for (const auto& e : step.epilogue)
      for (const ir::ValueId v : e.op->inputs) read(v);
    if (step.view && step.op->inputs[0] != ir::kNoValue)
      last_read[step.op->inputs[0]] = std::max(last_read[step.op->inputs[0]], last_read[step.results[0]]);
  }
  for (size_t s = 0; s < steps_.size(); ++s) {
    const Step& step = steps_[s];
    if (!source.apart) {
      for (const ir::ValueId v : step.op->inputs) touch(v, s);
      for (const ir::ValueId v : step.captured) touch(v, s);
      for (const auto& e : step.epilogue)
        for (const ir::ValueId v : e.op->inputs) touch(v, s);
    }
    if (step.dynamic) continue;
    const auto share = [&](ir::ValueId v, size_t block) {
      block_of[v] = block;
      if (block != kNone) read_until[block] = std::max(read_until[block], last_read[v]);
    };
    if (step.view) {
      if (!source.apart) share(step.results[0], block_of[step.op->inputs[0]]);
      touch(step.results[0], ends[s]);
      continue;
    }
    for (const ir::ValueId v : step.results) {
      if (v == ir::kNoValue || is_output_[v] || stored(v) == ir::ElemType::string) continue;
      const size_t bytes = ir::packed_bytes(stored(v), checked_product(values_[v].type.dims()).value_or(0));
      // A run of elementwise operations reads all of a chunk before it writes its results.
      if (step.op->def->in_place && options.reuse_memory && !source.apart &&
          (step.epilogue.empty() || step.elementwise)) {
        for (const ir::ValueId in : step.op->inputs) {
          if (in == ir::kNoValue || block_of[in] == kNone || blocks[block_of[in]].bytes != bytes) continue;
          const bool dies = read_until[block_of[in]] <= s;
          if (dies && values_[in].type.shape == values_[v].type.shape && stored(in) == stored(v)) {
            share(v, block_of[in]);
            break;
          }
        }
      }
      if (block_of[v] == kNone) {
        block_of[v] = blocks.size();
        blocks.push_back({.bytes = bytes, .first = s, .last = s});
        read_until.push_back(last_read[v]);
      }
      touch(v, ends[s]);
    }
  }
  for (const ir::ValueId v : returned_) touch(v, steps_.size());
  memory_.arena_bytes = lay_out(blocks, options.reuse_memory);
  memory_.lower_bound_bytes = largest_live_set(blocks);
  arena_ = ir::Tensor::allocate(ir::ElemType::uint8, {static_cast<int64_t>(memory_.arena_bytes)});
  for (Step& step : steps_) {
    for (size_t k = 0; k < step.results.size(); ++k) {
      const ir::ValueId v = step.results[k];
      if (v == ir::kNoValue || step.dynamic || step.view || block_of[v] == kNone) continue;
      tensors_[v] =
          ir::Tensor::over(stored(v), values_[v].type.dims(), arena_.mutable_bytes() + blocks[block_of[v]].offset);
      step.context.outputs[k] = tensors_[v];
    }
  }
  settle_views();
}

// Views of memory that stays where it is from run to run are made once.
void Plan::settle_views() {
  std::vector<bool> settled(values_.size());
  for (size_t v = 0; v < values_.size(); ++v) settled[v] = !tensors_[v].empty_handle() && !tensors_[v].is_list();
  for (const ir::ValueId v : given_) settled[v] = false;
  for (Step& step : steps_) {
    step.settled = step.view && !step.dynamic && settled[step.op->inputs[0]];
    if (!step.settled) continue;
    run_view(step);
    settled[step.results[0]] = true;
  }
}

}  // namespace assay::exec

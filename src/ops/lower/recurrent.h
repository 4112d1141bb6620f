// The frame of recurrent lowerings, the same in both formats: layouts, directions, states before and after.
#pragma once
#include <optional>
#include <vector>

#include "ops/lower/recurrent_plan.h"
#include "ops/lower/steps.h"

namespace assay::ops {

/// What one direction takes and gives: x and y [S, B, .], states [B, H]. Sequences run forward: reversed ones are
/// turned around before and after.
template <class S>
struct RecurrentEnds {
  typename S::Value x;
  std::optional<typename S::Value> h, c;  ///< absent: zeros
};
template <class S>
struct RecurrentResults {
  typename S::Value y, h;
  std::optional<typename S::Value> c;
};

/// [B, H] of a state operand.
template <class S>
std::optional<typename S::Value> initial_state(S& s, const RecurrentPlan& plan, size_t operand, int64_t d) {
  if (!s.c.has(operand)) return std::nullopt;
  auto state = s.in(operand);
  if (plan.batch_first) state = s.transpose(state, {1, 0, 2});
  if (plan.directions == 2) state = s.slice(state, 0, d, d + 1, 3);
  return s.squeeze(state, {0});
}

/// Runs `direction(d, ends)` for each direction and joins what they give to the operator's outputs.
template <class S, class Direction>
Status write_directions(S& s, const RecurrentPlan& plan, const Direction& direction) {
  using Value = typename S::Value;
  const Value x = plan.batch_first ? s.transpose(s.in(0), {1, 0, 2}) : s.in(0);
  std::vector<Value> ys, hs, cs;
  for (int64_t d = 0; d < plan.directions; ++d) {
    RecurrentEnds<S> ends{plan.reversed(d) ? s.reversed(x, 0, 3) : x, initial_state(s, plan, 5, d), std::nullopt};
    if (plan.gates == 4) ends.c = initial_state(s, plan, 6, d);
    RecurrentResults<S> results = direction(d, ends);
    if (s.c.wants(0)) {
      if (plan.reversed(d)) results.y = s.reversed(results.y, 0, 3);
      ys.push_back(s.expand(results.y, {1}));
    }
    if (s.c.wants(1)) hs.push_back(s.expand(results.h, {0}));
    if (s.c.wants(2) && results.c) cs.push_back(s.expand(*results.c, {0}));
  }
  if (s.c.wants(0)) {
    const Value y = s.concat(ys, 1);
    ASSAY_CHECK(s.result(plan.batch_first ? s.transpose(y, {2, 0, 1, 3}) : y, 0));
  }
  for (const size_t i : {size_t{1}, size_t{2}}) {
    if (!s.c.wants(i)) continue;
    const Value state = s.concat(i == 1 ? hs : cs, 0);
    ASSAY_CHECK(s.result(plan.batch_first ? s.transpose(state, {1, 0, 2}) : state, i));
  }
  return s.c.status();
}

/// A GRU step by step, for what the operations do not have: linear_before_reset, and batches in ML Programs.
template <class S>
RecurrentResults<S> unrolled_gru(S& s, const RecurrentPlan& plan, int64_t d, const RecurrentEnds<S>& ends);
extern template RecurrentResults<MilSteps> unrolled_gru(MilSteps&, const RecurrentPlan&, int64_t,
                                                        const RecurrentEnds<MilSteps>&);
extern template RecurrentResults<NnSteps> unrolled_gru(NnSteps&, const RecurrentPlan&, int64_t,
                                                       const RecurrentEnds<NnSteps>&);
/// Why a GRU cannot be written so; empty when it can.
std::string unrolled_gru_refusal(const RecurrentPlan& plan);

}  // namespace assay::ops

#include <algorithm>

#include "ops/lower/recurrent.h"

namespace assay::ops {
namespace {

constexpr int64_t kMostSteps = 256;  // each takes some twenty operations

template <class S>
typename S::Value activated(S& s, const RecurrentActivation& f, const typename S::Value& x) {
  return f.mil == "tanh" ? s.tanh(x) : s.sigmoid(x);
}

/// What does not change from step to step.
template <class S>
struct GruCell {
  using Value = typename S::Value;
  const RecurrentActivation *gates, *candidate;
  Value r_gates, r_candidate;  ///< [H, 2H] for z and r, [H, H]
  Value gate_bias, w_bias, r_bias;
  bool linear_before_reset;
};

/// xw: [B, 3H], the products of this step's input, gates z, r, h.
template <class S>
typename S::Value step(S& s, const GruCell<S>& cell, int64_t n, const typename S::Value& xw,
                       const typename S::Value& h) {
  const auto gates_of_x = s.slice(xw, 1, 0, 2 * n, 2), gates_of_h = s.matmul(h, cell.r_gates);
  const auto gates = activated(s, *cell.gates, s.add(s.add(gates_of_x, gates_of_h), cell.gate_bias));
  const auto z = s.slice(gates, 1, 0, n, 2), r = s.slice(gates, 1, n, 2 * n, 2);
  const auto from_x = s.slice(xw, 1, 2 * n, 3 * n, 2);
  const auto pre = [&] {
    if (cell.linear_before_reset) {
      const auto from_h = s.mul(r, s.add(s.matmul(h, cell.r_candidate), cell.r_bias));
      return s.add(s.add(from_x, from_h), cell.w_bias);
    }
    return s.add(s.add(from_x, s.matmul(s.mul(r, h), cell.r_candidate)), cell.w_bias);
  }();
  const auto candidate = activated(s, *cell.candidate, pre);
  const auto fresh = s.mul(s.sub(s.floats({1}, {1}), z), candidate);
  return s.add(fresh, s.mul(z, h));
}

}  // namespace

std::string unrolled_gru_refusal(const RecurrentPlan& plan) {
  if (plan.steps < 0) return "a sequence whose length is not known";
  if (plan.steps > kMostSteps) return "a sequence of more than " + std::to_string(kMostSteps) + " steps";
  if (plan.batch < 0) return "a batch whose extent is not known";
  for (const RecurrentActivation* f : plan.activations)
    if (f->mil != "sigmoid" && f->mil != "tanh") return "the activation " + std::string(f->onnx);
  return {};
}

template <class S>
RecurrentResults<S> unrolled_gru(S& s, const RecurrentPlan& plan, int64_t d, const RecurrentEnds<S>& ends) {
  const int64_t n = plan.hidden;
  const ir::Tensor &w = *s.c.constant(1), &r = *s.c.constant(2);
  const ir::Tensor* b = s.c.constant(3);
  const bool linear = s.c.op.attr_int("linear_before_reset", 0) != 0;
  const GruCell<S> cell{&plan.activation(d, 0),
                        &plan.activation(d, 1),
                        s.floats(plan.transposed(r, d, {0, 1}), {n, 2 * n}),
                        s.floats(plan.transposed(r, d, {2}), {n, n}),
                        s.floats(plan.bias(b, d, {0, 1}), {2 * n}),
                        s.floats(linear ? plan.half_bias(b, d, 2, 0) : plan.bias(b, d, {2}), {n}),
                        linear ? s.floats(plan.half_bias(b, d, 2, 1), {n}) : typename S::Value(),
                        linear};
  const auto xw = s.matmul(ends.x, s.floats(plan.transposed(w, d, {0, 1, 2}), {plan.input, 3 * n}));
  auto h = ends.h ? *ends.h : s.floats(std::vector<float>(static_cast<size_t>(plan.batch * n), 0.0F), {plan.batch, n});
  std::vector<typename S::Value> all;
  for (int64_t t = 0; t < plan.steps; ++t) {
    h = step(s, cell, n, s.squeeze(s.slice(xw, 0, t, t + 1, 3), {0}), h);
    all.push_back(s.expand(h, {0}));
  }
  return {s.c.wants(0) ? s.concat(all, 0) : h, h, std::nullopt};
}

template RecurrentResults<MilSteps> unrolled_gru(MilSteps&, const RecurrentPlan&, int64_t,
                                                 const RecurrentEnds<MilSteps>&);
template RecurrentResults<NnSteps> unrolled_gru(NnSteps&, const RecurrentPlan&, int64_t, const RecurrentEnds<NnSteps>&);

}  // namespace assay::ops

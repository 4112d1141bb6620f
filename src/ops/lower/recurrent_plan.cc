#include "ops/lower/recurrent_plan.h"

#include <algorithm>
#include <array>

namespace assay::ops {
namespace {

constexpr std::array<RecurrentActivation, 6> kActivations = {{
    {"Sigmoid", "sigmoid", "sigmoid"},
    {"Tanh", "tanh", "tanh"},
    {"Relu", "relu", "ReLU", 0, 0, false},
    {"Affine", "linear", "linear", 1, 0, false},
    {"HardSigmoid", "hard_sigmoid", "sigmoidHard", 0.2F, 0.5F},
    {"ScaledTanh", "", "scaledTanh", 1.7159F, 2.0F / 3},  // of programs: 1 and 1, which is Tanh
}};

Error refused(std::string reason) { return Error{Code::not_convertible, std::move(reason)}; }

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return std::tolower(x) == std::tolower(y); });
}

const RecurrentActivation* named(std::string_view name) {
  const auto* row = std::ranges::find_if(kActivations, [&](const auto& r) { return same_name(r.onnx, name); });
  return row == kActivations.end() ? nullptr : row;
}

bool takes_beta(const RecurrentActivation& a) { return a.alpha != 0; }

/// Values of activation_alpha and activation_beta are handed out in order to those that take one.
Status read_activations(const ir::Op& op, size_t each, RecurrentPlan& plan) {
  constexpr std::array<std::string_view, 3> kLstm = {"Sigmoid", "Tanh", "Tanh"};
  std::vector<std::string> names = op.attr_strings("activations");
  if (names.empty())
    for (int64_t d = 0; d < plan.directions; ++d)
      for (size_t k = 0; k < each; ++k) names.emplace_back(each == 1 ? "Tanh" : kLstm[k]);
  if (names.size() != each * static_cast<size_t>(plan.directions)) return refused("a wrong number of activations");
  const auto alphas = op.attr_floats("activation_alpha"), betas = op.attr_floats("activation_beta");
  size_t next = 0;
  for (const std::string& name : names) {
    const RecurrentActivation* row = named(name);
    if (row == nullptr) return refused("the activation " + name);
    if (takes_beta(*row)) {
      // Absent ones are ONNX's defaults: 1 and 0, 0.2 and 0.5, 1 and 1.
      const bool affine = row->onnx == "Affine", hard = row->onnx == "HardSigmoid";
      const float alpha = next < alphas.size() ? alphas[next] : hard ? 0.2F : 1.0F;
      const float beta = next < betas.size() ? betas[next] : affine ? 0.0F : hard ? 0.5F : 1.0F;
      ++next;
      if (alpha != row->alpha || beta != row->beta) return refused("the activation " + name + " with its parameters");
    }
    plan.activations.push_back(row);
  }
  return {};
}

/// Every sequence has all its steps.
bool is_full(const ir::Tensor& lengths, int64_t steps) {
  for (int64_t i = 0; i < lengths.size(); ++i)
    if (lengths.int_at(i) != steps) return false;
  return steps >= 0;
}

}  // namespace

Result<RecurrentPlan> recurrent_plan(const ir::Graph& graph, const ir::Op& op, size_t gates, float clip) {
  const auto constant = [&](size_t i) { return op.has_input(i) ? graph.at(op.inputs[i]).constant.get() : nullptr; };
  const ir::Type& x = graph.at(op.inputs[0]).type;
  const ir::Tensor* r = constant(2);
  if (!x.ranked() || x.shape->size() != 3) return refused("an input of unknown rank");
  if (constant(1) == nullptr || r == nullptr || r->rank() != 3) return refused("weights that are computed");
  for (const size_t i : {size_t{3}, size_t{7}})
    if (op.has_input(i) && constant(i) == nullptr) return refused("a bias or peepholes that are computed");
  if (op.attr_int("input_forget", 0) != 0) return refused("coupled input and forget gates (input_forget)");
  RecurrentPlan plan;
  plan.gates = gates;
  plan.batch_first = op.attr_int("layout", 0) != 0;
  plan.steps = (*x.shape)[plan.batch_first ? 1 : 0].value;
  plan.batch = (*x.shape)[plan.batch_first ? 0 : 1].value;
  plan.input = constant(1)->dims()[2];
  plan.hidden = r->dims()[2];
  const std::string direction = op.attr_string("direction", "forward");
  plan.directions = direction == "bidirectional" ? 2 : 1;
  plan.first_reversed = direction == "reverse";
  if (op.has_input(4) && (constant(4) == nullptr || !is_full(*constant(4), plan.steps)))
    return refused("sequences of different lengths (sequence_lens)");
  ASSAY_CHECK(read_activations(op, gates == 1 ? 1 : gates == 3 ? 2 : 3, plan));
  // What layers cut off changes nothing where all activations are flat by then: their networks have no clip elsewhere.
  const float asked = op.attr_float("clip", 0);
  const bool flat = std::ranges::all_of(plan.activations, [](const RecurrentActivation* f) { return f->bounded; });
  if (asked != 0 && asked != clip && !(asked == kLayerClip && flat))
    return refused("clip: Core ML limits other values than the operator does");
  return plan;
}

std::vector<float> RecurrentPlan::matrix(const ir::Tensor& t, int64_t d, const std::vector<size_t>& order) const {
  const int64_t columns = t.dims()[2], piece = hidden * columns;
  std::vector<float> out;
  out.reserve(order.size() * static_cast<size_t>(piece));
  for (const size_t gate : order) {
    const int64_t from = (d * static_cast<int64_t>(gates) + static_cast<int64_t>(gate)) * piece;
    for (int64_t i = 0; i < piece; ++i) out.push_back(static_cast<float>(t.float_at(from + i)));
  }
  return out;
}

std::vector<float> RecurrentPlan::transposed(const ir::Tensor& t, int64_t d, const std::vector<size_t>& order) const {
  const std::vector<float> rows = matrix(t, d, order);
  const size_t columns = static_cast<size_t>(t.dims()[2]), count = columns == 0 ? 0 : rows.size() / columns;
  std::vector<float> out(rows.size());
  for (size_t i = 0; i < count; ++i)
    for (size_t j = 0; j < columns; ++j) out[j * count + i] = rows[i * columns + j];
  return out;
}

std::vector<float> RecurrentPlan::half_bias(const ir::Tensor* b, int64_t d, size_t gate, size_t half) const {
  std::vector<float> out(static_cast<size_t>(hidden), 0.0F);
  if (b == nullptr) return out;
  const int64_t from =
      ((d * 2 + static_cast<int64_t>(half)) * static_cast<int64_t>(gates) + static_cast<int64_t>(gate)) * hidden;
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(b->float_at(from + static_cast<int64_t>(i)));
  return out;
}

std::vector<float> RecurrentPlan::bias(const ir::Tensor* b, int64_t d, const std::vector<size_t>& order) const {
  std::vector<float> out;
  for (const size_t gate : order) {
    const std::vector<float> w = half_bias(b, d, gate, 0), r = half_bias(b, d, gate, 1);
    for (size_t i = 0; i < w.size(); ++i) out.push_back(w[i] + r[i]);
  }
  return out;
}

std::vector<float> RecurrentPlan::peephole(const ir::Tensor& p, int64_t d, size_t which) const {
  std::vector<float> out;
  for (int64_t i = 0; i < hidden; ++i)
    out.push_back(static_cast<float>(p.float_at((d * 3 + static_cast<int64_t>(which)) * hidden + i)));
  return out;
}

}  // namespace assay::ops

#include "audit/repair/rescale.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "audit/search/units.h"
#include "ops/def.h"

namespace assay::audit {
namespace {

constexpr double kRoom = 8;  // what is rescaled stays so far below the limit: other data may be larger

/// A constant operand that is multiplied by a power of two.
struct Edit {
  ir::OpId op;
  size_t input;
  int exponent;
};
using Edits = std::vector<Edit>;

enum class Part : uint8_t {
  linear,  ///< inputs[0] times constant weights, plus constant inputs[2]
  scales,  ///< a product with a constant
  shifts,  ///< a constant is added
  passes,  ///< a positive factor goes through
};
struct Row {
  std::string_view type;
  Part part;
};
constexpr std::array kRows = {Row{"Gemm", Part::linear},          Row{"Conv", Part::linear},
                              Row{"ConvTranspose", Part::linear}, Row{"MatMul", Part::linear},
                              Row{"Mul", Part::scales},           Row{"Add", Part::shifts},
                              Row{"Relu", Part::passes},          Row{"LeakyRelu", Part::passes},
                              Row{"Abs", Part::passes},           Row{"Neg", Part::passes},
                              Row{"MaxPool", Part::passes},       Row{"AveragePool", Part::passes},
                              Row{"Identity", Part::passes},      Row{"GlobalAveragePool", Part::passes},
                              Row{"GlobalMaxPool", Part::passes}, Row{"Reshape", Part::passes},
                              Row{"Flatten", Part::passes},       Row{"Transpose", Part::passes},
                              Row{"Squeeze", Part::passes},       Row{"Unsqueeze", Part::passes},
                              Row{"Slice", Part::passes},         Row{"ReduceMean", Part::passes},
                              Row{"ReduceSum", Part::passes},     Row{"ReduceMax", Part::passes}};

const Row* row_of(const ir::Op& op) {
  const auto* row = std::ranges::find(kRows, op.type, &Row::type);
  return op.domain.empty() && row != kRows.end() ? row : nullptr;
}

class Planner {
 public:
  Planner(const ir::Graph& model) : model_(model), readers_(model.values.size()) {
    for (ir::OpId id = 0; id < model.ops.size(); ++id) {
      for (const ir::ValueId v : model.ops[id].inputs)
        if (v != ir::kNoValue) readers_[v].push_back(id);
      for (const ir::ValueId v : ir::captured_by(model.ops[id])) readers_[v].push_back(id);
    }
    closed_.assign(model.values.size(), false);
    for (const ir::ValueId v : model.outputs) closed_[v] = true;
    for (const ir::State& state : model.states) closed_[state.after] = true;
  }

  /// What multiplies the result of an operation by 2^exponent and takes it back behind; nothing where that cannot be.
  std::optional<Edits> plan(ir::OpId op, int exponent, std::vector<bool>& scaled) const {
    Edits edits;
    if (!produce(op, exponent, edits)) return std::nullopt;
    if (!carry(model_.ops[op].outputs[0], exponent, edits, scaled)) return std::nullopt;
    return edits;
  }

 private:
  bool constant(const ir::Op& op, size_t input) const {
    return op.has_input(input) && model_.at(op.inputs[input]).constant != nullptr &&
           model_.at(op.inputs[input]).constant->elem() == ir::ElemType::float32;
  }
  std::optional<size_t> weights(const ir::Op& op) const {
    if (constant(op, 1)) return 1;
    if ((op.type == "MatMul" || op.type == "Mul" || op.type == "Add") && constant(op, 0)) return 0;
    return std::nullopt;
  }
  bool produce(ir::OpId id, int exponent, Edits& edits) const;
  bool carry(ir::ValueId value, int exponent, Edits& edits, std::vector<bool>& scaled) const;
  bool read(ir::OpId id, ir::ValueId value, int exponent, Edits& edits, std::vector<bool>& scaled) const;

  const ir::Graph& model_;
  std::vector<std::vector<ir::OpId>> readers_;
  std::vector<bool> closed_;
};

bool Planner::produce(ir::OpId id, int exponent, Edits& edits) const {
  const ir::Op& op = model_.ops[id];
  const Row* row = row_of(op);
  if (row == nullptr || (row->part != Part::linear && row->part != Part::scales)) return false;
  const auto at = weights(op);
  if (!at) return false;
  edits.push_back({id, *at, exponent});
  if (!op.has_input(2)) return true;
  edits.push_back({id, 2, exponent});
  return constant(op, 2);
}

/// Everything that reads a value which is multiplied by 2^exponent.
bool Planner::carry(ir::ValueId value, int exponent, Edits& edits, std::vector<bool>& scaled) const {
  if (closed_[value] || scaled[value]) return false;
  scaled[value] = true;
  return std::ranges::all_of(readers_[value], [&](ir::OpId id) { return read(id, value, exponent, edits, scaled); });
}

bool Planner::read(ir::OpId id, ir::ValueId value, int exponent, Edits& edits, std::vector<bool>& scaled) const {
  const ir::Op& op = model_.ops[id];
  const Row* row = row_of(op);
  if (row == nullptr || op.outputs.size() != 1 || std::ranges::count(op.inputs, value) != 1) return false;
  if (row->part == Part::passes) return op.inputs[0] == value && carry(op.outputs[0], exponent, edits, scaled);
  const auto at = weights(op);
  if (!at || op.inputs[*at] == value || (op.has_input(2) && op.inputs[2] == value)) return false;
  if (row->part == Part::shifts) {
    edits.push_back({id, *at, exponent});
    return carry(op.outputs[0], exponent, edits, scaled);
  }
  edits.push_back({id, *at, -exponent});
  return true;
}

/// The operand becomes a constant of its own, for others may read the one that it was.
void apply(const Edit& edit, ir::Graph& graph) {
  const ir::ValueId old = graph.ops[edit.op].inputs[edit.input];
  const ir::Tensor& from = *graph.at(old).constant;
  ir::Tensor to = ir::Tensor::allocate(ir::ElemType::float32, from.dims());
  for (int64_t i = 0; i < from.size(); ++i) to.set_float(i, std::ldexp(from.float_at(i), edit.exponent));
  const std::string name = graph.fresh_name(graph.at(old).name + "_rescaled");
  const ir::ValueId fresh = graph.add_constant(name, std::move(to));
  graph.ops[edit.op].inputs[edit.input] = fresh;
}

}  // namespace

Rescaled rescale(const ir::Graph& model, std::span<const double> largest, double limit) {
  Rescaled found{.graph = model, .layers = {}, .left = {}};
  const Planner planner(model);
  std::vector<bool> scaled(model.values.size());
  for (ir::OpId id = 0; id < model.ops.size(); ++id) {
    const ir::Op& op = model.ops[id];
    if (op.outputs.empty() || op.outputs[0] == ir::kNoValue) continue;
    const ir::ValueId value = op.outputs[0];
    if (!is_stored_float(model.at(value)) || scaled[value] || !(largest[value] > limit)) continue;
    const int exponent = -static_cast<int>(std::ceil(std::log2(largest[value] / limit * kRoom)));
    std::vector<bool> then = scaled;
    const auto edits = std::isfinite(largest[value]) ? planner.plan(id, exponent, then) : std::nullopt;
    if (!edits) {
      found.left.push_back(id);
      continue;
    }
    scaled = std::move(then);
    for (const Edit& edit : *edits) apply(edit, found.graph);
    found.layers.emplace_back(id, exponent);
  }
  return found;
}

}  // namespace assay::audit

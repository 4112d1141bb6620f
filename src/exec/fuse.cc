#include "exec/fuse.h"

#include <algorithm>

#include "ops/def.h"

namespace assay::exec {
namespace {

struct Uses {
  std::vector<size_t> count;     // readers of each value, graph outputs included
  std::vector<ir::OpId> reader;  // the last reader
  std::vector<bool> is_output;
};

Uses count_uses(const ir::Graph& graph) {
  Uses uses{std::vector<size_t>(graph.values.size()), std::vector<ir::OpId>(graph.values.size(), ir::kNoOp),
            std::vector<bool>(graph.values.size())};
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    const auto read = [&](ir::ValueId v) {
      if (v == ir::kNoValue) return;
      ++uses.count[v];
      uses.reader[v] = static_cast<ir::OpId>(i);
    };
    std::ranges::for_each(graph.ops[i].inputs, read);
    std::ranges::for_each(ir::captured_by(graph.ops[i]), read);
  }
  for (const ir::ValueId v : graph.outputs) uses.is_output[v] = true;
  for (const ir::State& state : graph.states) uses.is_output[state.after] = true;
  return uses;
}

// Same shape as the result, one element, or one value per channel (axis 1 of a convolution's result, the last axis
// of a product's).
bool epilogue_operand(const ir::Type& operand, const ir::Dims& result, bool channels_first) {
  if (!operand.is_static()) return false;
  const ir::Dims dims = operand.dims();
  if (dims == result) return true;
  if (dims.size() > result.size()) return false;
  const size_t channel = channels_first ? 1 : result.size() - 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    const size_t axis = result.size() - dims.size() + i;
    if (dims[i] != 1 && (axis != channel || dims[i] != result[axis])) return false;
  }
  return true;
}

// One value per channel, axis 1 of a convolution's result.
bool channel_operand(const ir::Type& operand, const ir::Dims& result, bool channels_first) {
  return channels_first && operand.is_static() && operand.dims() == ir::Dims{result[1]};
}

bool computed_before(const ir::Graph& graph, ir::ValueId v, ir::OpId head) {
  const ir::OpId producer = graph.at(v).producer;
  return producer == ir::kNoOp || producer < head;
}

ir::ElemType stored(const ir::Graph& graph, const std::vector<ir::Value>& values, ir::ValueId v) {
  const ir::ElemType storage = graph.at(v).storage;
  return storage == ir::ElemType::undefined ? values[v].type.elem : storage;
}

// What computes_float64() says of the op on its own (ops/kernel.h).
bool in_float64(const ir::Graph& graph, const std::vector<ir::Value>& values, const ir::Op& op) {
  const auto wide = [&](ir::ValueId v) {
    return v != ir::kNoValue && stored(graph, values, v) == ir::ElemType::float64;
  };
  return op.policy.compute == num::FormatId::float64 || wide(op.outputs[0]) || wide(op.inputs[0]);
}

// The kernel rounds what flows on as the graph says that it would be stored, not as a plan found out.
bool storage_is_stated(const ir::Graph& graph, const ir::Op& op) {
  if (op.outputs[0] == ir::kNoValue) return false;
  const ir::Value& result = graph.at(op.outputs[0]);
  return result.storage != ir::ElemType::undefined || result.type.elem != ir::ElemType::undefined;
}

// A step whose operands' shapes are known when it runs only is run operation by operation.
bool has_static_inputs(const std::vector<ir::Value>& values, const ir::Op& op) {
  return std::ranges::all_of(op.inputs, [&](ir::ValueId v) { return v == ir::kNoValue || values[v].type.is_static(); });
}

// An elementwise operation on floats, whose result has a static shape, may have others behind it.
bool leads_elementwise(const std::vector<ir::Value>& values, const ir::Op& op) {
  const ops::Elementwise& rows = op.def->elementwise;
  if (!rows.f32 || !rows.f64 || rows.per_channel != 0 || op.attr_int("training_mode", 0) != 0) return false;
  const ir::Type& result = values[op.outputs[0]].type;
  return result.is_tensor() && result.is_static() && ir::is_float(result.elem) &&
         std::ranges::all_of(op.inputs,
                             [&](ir::ValueId v) { return v == ir::kNoValue || values[v].type.elem == result.elem; });
}

// The input of `op` through which `value` flows when `op` can join the epilogue; nullopt when it cannot.
std::optional<size_t> flows_through(const ir::Graph& graph, const std::vector<ir::Value>& values, const ir::Op& op,
                                    ir::ValueId value, ir::OpId head) {
  if (!op.def->elementwise.f32 || !op.def->elementwise.f64 || op.outputs.size() != 1) return std::nullopt;
  if (op.attr_int("training_mode", 0) != 0) return std::nullopt;  // BatchNormalization of its own statistics
  const ir::Type& result = values[op.outputs[0]].type;
  if (!result.is_static() || !values[value].type.is_static() || result.dims() != values[value].type.dims() ||
      result.elem != values[value].type.elem)
    return std::nullopt;
  const bool behind_contraction = graph.ops[head].def->takes_epilogue;
  const bool channels_first = graph.ops[head].type == "Conv" || graph.ops[head].type == "ConvTranspose";
  if (!behind_contraction && (op.def->elementwise.per_channel != 0 ||
                              in_float64(graph, values, op) != in_float64(graph, values, graph.ops[head])))
    return std::nullopt;
  const auto fits = [&](size_t i, const ir::Type& operand) {
    if (!behind_contraction) return operand.is_static();  // inference found that it broadcasts
    return (op.def->elementwise.per_channel >> i & 1U ? channel_operand : epilogue_operand)(operand, result.dims(),
                                                                                            channels_first);
  };
  std::optional<size_t> flowing;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const ir::ValueId v = op.inputs[i];
    if (v == ir::kNoValue) continue;
    if (v == value) {
      if (flowing) return std::nullopt;
      flowing = i;
    } else if (values[v].type.elem != result.elem || !computed_before(graph, v, head) || !fits(i, values[v].type)) {
      return std::nullopt;
    }
  }
  return flowing;
}

}  // namespace

std::vector<Fusion> find_fusions(const ir::Graph& graph, const std::vector<ir::Value>& values,
                                 const std::vector<bool>& live) {
  const Uses uses = count_uses(graph);
  std::vector<Fusion> fusions;
  std::vector<bool> taken(graph.ops.size());
  for (ir::OpId head = 0; head < graph.ops.size(); ++head) {
    const ir::Op& op = graph.ops[head];
    if (!live[head] || taken[head] || op.outputs.size() != 1 || !storage_is_stated(graph, op)) continue;
    if (!has_static_inputs(values, op)) continue;
    if (!op.def->takes_epilogue && !leads_elementwise(values, op)) continue;
    Fusion fusion{head, {}, {}};
    ir::ValueId value = op.outputs[0];
    while (uses.count[value] == 1 && !uses.is_output[value]) {
      const ir::OpId next = uses.reader[value];
      if (!live[next] || taken[next]) break;
      const auto flowing = flows_through(graph, values, graph.ops[next], value, head);
      if (!flowing) break;
      taken[next] = true;
      fusion.tail.push_back(next);
      fusion.flowing.push_back(*flowing);
      value = graph.ops[next].outputs[0];
    }
    if (!fusion.tail.empty()) fusions.push_back(std::move(fusion));
  }
  return fusions;
}

}  // namespace assay::exec

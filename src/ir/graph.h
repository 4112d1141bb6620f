// The program: a graph of operations in single-assignment form, in the vocabulary of ONNX's newest operators.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "ir/tensor.h"
#include "ir/type.h"
#include "num/policy.h"

namespace assay::ops {
struct OpDef;
}

namespace assay::ir {

using ValueId = uint32_t;
using OpId = uint32_t;
inline constexpr ValueId kNoValue = UINT32_MAX;  ///< an absent optional input or an output that nobody wants
inline constexpr OpId kNoOp = UINT32_MAX;

struct Graph;

using AttrValue = std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                               std::vector<std::string>, Tensor, std::shared_ptr<Graph>, Type, std::vector<Tensor>,
                               std::vector<std::shared_ptr<Graph>>, std::vector<Type>>;
struct Attr {
  std::string name;
  AttrValue value;
};

struct Value {
  std::string name;
  std::string file_name{};  ///< the file's name for it where `name` is the original model's; empty: the same
  Type type;                ///< as declared or inferred
  std::shared_ptr<const Tensor> constant{};  ///< set for initializers and folded values
  OpId producer = kNoOp;                     ///< kNoOp: graph input, constant or captured from the outer graph
  bool parameter = false;                    ///< a constant that was an attribute: never rounded by storage policies
  bool unstated = false;                     ///< NeuralNetwork intermediate: no type until resolved
  bool inside = false;                       ///< between operations of one Core ML layer, which keeps it in registers
  /// A graph input whose default in the file the caller replaces, or the constant that such a default is.
  bool replaces_default = false;
  /// Set by resolve: the type that the value is stored in (float16 for a float32 value under float16 storage).
  ElemType storage = ElemType::undefined;
  /// Set by resolve on constants: how the constant is rounded before any operation reads it.
  std::optional<num::Rounding> rounding{};
};

struct Op {
  std::string domain;    ///< "" is ai.onnx
  std::string type;      ///< "Conv"
  std::string name;      ///< the node's own name, may be empty
  std::string origin{};  ///< kind in the file where that is another vocabulary ("innerProduct"); empty for ONNX
  std::vector<ValueId> inputs{};
  std::vector<ValueId> outputs{};
  std::vector<Attr> attrs{};
  const ops::OpDef* def = nullptr;  ///< the row of the operator table; set on import
  num::Policy policy{};             ///< set by resolve

  const AttrValue* find_attr(std::string_view attr) const;
  bool has_attr(std::string_view attr) const { return find_attr(attr) != nullptr; }
  int64_t attr_int(std::string_view attr, int64_t fallback) const;
  float attr_float(std::string_view attr, float fallback) const;
  std::string attr_string(std::string_view attr, std::string_view fallback) const;
  std::vector<int64_t> attr_ints(std::string_view attr, std::vector<int64_t> fallback = {}) const;
  std::vector<float> attr_floats(std::string_view attr, std::vector<float> fallback = {}) const;
  std::vector<std::string> attr_strings(std::string_view attr) const;
  const Tensor* attr_tensor(std::string_view attr) const;
  const Graph* attr_graph(std::string_view attr) const;  ///< null when there is no such graph
  void set_attr(std::string_view attr, AttrValue value);
  void remove_attr(std::string_view attr);
  bool has_input(size_t i) const { return i < inputs.size() && inputs[i] != kNoValue; }
};

/// A tensor that a session keeps from one run to the next (Core ML's states), zeros before the first.
struct State {
  std::string name;
  ValueId before;  ///< what operations read of it at the start of a run; neither input nor constant
  ValueId after;   ///< its value when the run ends
};

struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Op> ops;  ///< in topological order
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::map<std::string, std::string> metadata;
  std::vector<State> states{};
  bool resolved = false;  ///< resolve has run: every value has `storage`, every op its policy
  /// Values of an enclosing graph that this (nested) graph reads: local id -> outer id.
  std::vector<std::pair<ValueId, ValueId>> captures;

  ValueId add_value(std::string value_name, Type type);
  ValueId add_constant(std::string value_name, Tensor tensor);
  OpId add_op(Op op);  ///< sets the producers of its outputs
  std::optional<ValueId> find(std::string_view value_name) const;
  const Value& at(ValueId id) const { return values[id]; }
  Value& at(ValueId id) { return values[id]; }
  /// "Conv 'stem/conv1'" or "Conv #3 (writes 'x')": how messages name an operation.
  std::string describe(const Op& op) const;
  /// A name that no value has and that is not reserved, starting with `stem`. Fast when called often.
  std::string fresh_name(std::string_view stem);
  /// Keeps fresh_name() from giving out a name that a file will still use.
  void reserve_name(std::string_view taken);
  /// Rebuilds Value::producer after ops were inserted, moved or removed.
  void relink();

 private:
  struct Names {
    std::unordered_set<std::string> taken;
    std::unordered_map<std::string, int> next;  ///< number to try next, by stem
    size_t seen = 0;                            ///< values already in `taken`
  };
  Names names_;
};

/// Calls `use` with each graph among the attributes of `op`.
template <class Use>
void for_each_nested(const Op& op, Use use) {
  for (const Attr& a : op.attrs) {
    if (const auto* one = std::get_if<std::shared_ptr<Graph>>(&a.value)) use(std::as_const(**one));
    if (const auto* many = std::get_if<std::vector<std::shared_ptr<Graph>>>(&a.value))
      for (const std::shared_ptr<Graph>& each : *many) use(std::as_const(*each));
  }
}
/// Calls `use(graph, op)` with each operation of `graph` and of the graphs nested in it.
template <class Use>
void for_each_op(const Graph& graph, Use use) {
  for (const Op& op : graph.ops) {
    use(graph, op);
    for_each_nested(op, [&](const Graph& inner) { for_each_op(inner, use); });
  }
}
bool has_nested(const Op& op);
/// Whether both come from one layer or operation of a Core ML file. Never of operations of ONNX models.
bool same_layer(const Op& a, const Op& b);
/// For each value of `graph`: whether anything sees it but operations of the layer that writes it. What graphs nested
/// in an operation or the operation around them see counts, whichever layer that is.
std::vector<bool> seen_outside_layer(const Graph& graph);
/// The values that graphs nested in `op` read from the graph around them: operands that are not among its inputs.
std::vector<ValueId> captured_by(const Op& op);

}  // namespace assay::ir

// Operators that are not ONNX's own, defined for others who read the file: functions of the model in ONNX's operators.
#pragma once
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ir/graph.h"
#include "pb/writer.h"

namespace assay::onnx {

/// One attribute of a step: a number, a text, or the attribute of the operator that it takes over (`from`).
struct Setting {
  enum class Kind : uint8_t { none, real, integer, text, integers };
  std::string_view name{};
  Kind kind = Kind::none;
  double number = 0;
  std::string_view from{};  ///< of a text: the text
};

/// One node of a body; names are separated by blanks.
struct Step {
  std::string_view op, in, out;
  Setting setting{};
};

struct FunctionInput {
  std::string_view name;
  ir::TypeSet types;
};

/// What an operator of domain `coreml` is: the steps of its kernel in the same order, for float32 (or integers). Other
/// types compute in float32, or float64, as kernels do, and round once.
struct FunctionRow {
  std::string_view type;
  std::string_view variant;  ///< what tells apart the forms of one operator
  std::span<const FunctionInput> in;
  std::string_view out;               ///< what the last step gives
  std::span<const Setting> defaults;  ///< its attributes
  std::span<const Step> steps;
};
std::span<const FunctionRow> function_rows();

/// The operator set whose operators all bodies keep to, and the IR versions that have defaults and overloads.
constexpr int kBodyOpset = 18;
constexpr int kIrOfDefaults = 9;
constexpr int kIrOfOverloads = 10;

/// A row for one element type; `overload` is empty for float32.
struct Function {
  const FunctionRow* row = nullptr;
  ir::ElemType elem = ir::ElemType::float32;
  std::string overload{};
  /// A name for it among those of its file.
  std::string key() const { return std::string(row->type) + '/' + overload; }
};

/// The function that defines the operation; nothing where there is none.
std::optional<Function> function_of(const ir::Graph& graph, const ir::Op& op);
/// A FunctionProto over the operators of set `opset`.
pb::Writer function_proto(const Function& function, int opset);

/// Operations, those of nested graphs too, that are neither ONNX's nor have a function: how many of each operator.
std::map<std::string, size_t> undefined_operators(const ir::Graph& graph);
/// A213 about them; nothing when there are none.
std::optional<Warning> warn_undefined(const ir::Graph& graph, const std::string& path);

}  // namespace assay::onnx

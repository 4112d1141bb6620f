// Names while a graph is built: what is visible where, and which function is being inlined.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "ir/graph.h"
#include "onnx/proto.h"

namespace assay::onnx {

/// The names visible at one place. A nested graph sees its outer scope (and captures what it reads from there); the
/// body of an inlined function does not.
struct Scope {
  explicit Scope(ir::Graph& g, Scope* o = nullptr, int d = 0) : graph(g), outer(o), depth(d) {}
  ir::Graph& graph;
  Scope* outer;
  int depth;                                      ///< graphs around this one
  const std::vector<NodeProto>* nodes = nullptr;  ///< of the graph or function, for messages
  std::unordered_map<std::string_view, ir::ValueId> names{};
  /// Inlined functions: formal outputs whose values the caller has made already.
  std::unordered_map<std::string_view, ir::ValueId> promised{};

  /// The value of a name; one of an enclosing graph becomes a capture here.
  std::optional<ir::ValueId> find(std::string_view name);
  /// The node, of this graph or one around it, that has the name among its outputs; null when there is none.
  const NodeProto* writer(std::string_view name) const;
};

struct Frame;

/// An attribute with the place at which its references and graphs are to be read.
struct Binding {
  const AttributeProto* attr = nullptr;
  Scope* scope = nullptr;
  const Frame* frame = nullptr;
};

/// The model itself, or one function call that is being inlined.
struct Frame {
  const Frame* caller = nullptr;
  const FunctionProto* function = nullptr;
  int depth = 0;
  std::string prefix{};  ///< of names inside
  std::unordered_map<std::string_view, int64_t> opsets{};
  std::unordered_map<std::string_view, Binding> attrs{};

  /// The attribute itself, or what it refers to; nullopt when the caller gave nothing and there is no default.
  std::optional<Binding> resolve(const AttributeProto& attr, Scope& scope) const;
};

}  // namespace assay::onnx

// From parsed messages to a graph.
#pragma once
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/result.h"
#include "ir/graph.h"
#include "ir/unknown.h"
#include "onnx/proto.h"
#include "onnx/scope.h"
#include "onnx/tensor_proto.h"

namespace assay::ops {
class UpgradeContext;
}

namespace assay::onnx {

class Importer {
 public:
  /// `given`: names of which an initializer that is a default becomes an input.
  Importer(const ModelProto& model, TensorLoader loader, std::span<const std::string> given, Warnings& warnings,
           ir::Unknown unknown = ir::Unknown::refused)
      : model_(model),
        loader_(std::move(loader)),
        given_(given.begin(), given.end()),
        warnings_(warnings),
        unknown_(unknown) {}
  Result<ir::Graph> run();

 private:
  struct Missing {
    size_t count = 0;
    std::string first;
  };

  Status check_versions() const;
  Status read_functions();
  Result<std::unordered_map<std::string_view, int64_t>> read_opsets(const std::vector<OpsetId>& opsets) const;

  Status graph(const GraphProto& proto, Scope& scope, const Frame& frame);
  /// This initializer of the main graph is what an input is where the caller has no value. Before IR 4 all initializers
  /// are listed as inputs, and are constants.
  bool is_default(std::string_view name, const Scope& scope) const;
  /// The caller has a value of its own for it.
  bool replaced(std::string_view name, const Scope& scope) const;
  Status graph_inputs(const GraphProto& proto, Scope& scope);
  Status graph_constants(const GraphProto& proto, Scope& scope);
  Status graph_outputs(const GraphProto& proto, Scope& scope);

  Status node(const NodeProto& proto, Scope& scope, const Frame& frame);
  Status constant_node(const NodeProto& proto, Scope& scope, const Frame& frame);
  Status op_node(const NodeProto& proto, Scope& scope, const Frame& frame);
  Status inline_call(const NodeProto& proto, const FunctionProto& function, Scope& scope, const Frame& frame);
  /// Adds the op, or counts it as missing (and adds it without a row where unknown ones are kept).
  Status emit(ir::Graph& graph, ir::Op op);

  Result<ir::ValueId> read(std::string_view name, const NodeProto& proto, Scope& scope);
  /// A new value that a node of `scope` writes.
  Result<ir::ValueId> write(std::string_view name, Scope& scope, const Frame& frame);
  Status define(std::string_view name, ir::ValueId id, Scope& scope);

  Result<ir::AttrValue> attribute(const Binding& binding);
  Result<std::shared_ptr<ir::Graph>> nested(const GraphProto& proto, const Binding& binding);
  Result<ir::Tensor> constant_value(const AttributeProto& attr);
  const FunctionProto* function(const NodeProto& node) const;
  Result<int64_t> version(std::string_view domain, const NodeProto& node, const Frame& frame) const;

  const ModelProto& model_;
  TensorLoader loader_;
  std::unordered_set<std::string_view> given_;
  std::unordered_set<std::string_view> defaults_;  ///< initializers of the main graph that are inputs too
  Warnings& warnings_;
  ir::Unknown unknown_;
  std::unordered_map<std::string, const FunctionProto*> functions_;
  std::map<std::string, Missing> missing_;
  size_t nodes_ = 0;
};

/// "float32[n,3]" of a TypeProto. Errors: type_unsupported for sparse and opaque types.
Result<ir::Type> to_type(const TypeProto& proto, const std::string& where);
/// The error, its place in a file.
Error in_file(Error e, const std::string& path);
/// Applies the rows' upgrade rules to context.op until it has the newest meaning, and sets op.def (null: no row).
Status upgrade(ops::UpgradeContext& context);

}  // namespace assay::onnx

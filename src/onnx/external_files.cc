#include "onnx/external_files.h"

#include <set>

#include "base/limits.h"
#include "base/mapped_file.h"
#include "onnx/proto.h"

namespace assay::onnx {
namespace {

class Collector {
 public:
  std::set<std::string> locations;

  void graph(const GraphProto& graph) {
    for (const TensorProto& tensor : graph.initializers) add(tensor);
    for (const SparseTensorProto& sparse : graph.sparse_initializers) add(sparse);
    nodes(graph.nodes);
  }
  void nodes(const std::vector<NodeProto>& nodes) {
    for (const NodeProto& node : nodes) attributes(node.attributes);
  }
  void attributes(const std::vector<AttributeProto>& attributes) {
    for (const AttributeProto& attribute : attributes) {
      if (attribute.t) add(*attribute.t);
      for (const TensorProto& tensor : attribute.tensors) add(tensor);
      if (attribute.sparse) add(*attribute.sparse);
      for (const SparseTensorProto& sparse : attribute.sparses) add(sparse);
      if (attribute.g) graph(*attribute.g);
      for (const GraphProto& inner : attribute.graphs) graph(inner);
    }
  }

 private:
  void add(const SparseTensorProto& sparse) {
    add(sparse.values);
    add(sparse.indices);
  }
  void add(const TensorProto& tensor) {
    if (tensor.data_location != TensorProto::kExternal) return;
    for (const auto& [key, value] : tensor.external_data)
      if (key == "location") locations.emplace(value);
  }
};

}  // namespace

Result<std::vector<std::string>> external_files(const std::string& path) {
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  return within_memory("the model", [&]() -> Result<std::vector<std::string>> {
    ModelProto model;
    if (Status parsed = parse_model(file.bytes(), model, true); !parsed.ok()) {
      Error error = std::move(parsed).error();
      error.where = error.where.empty() ? path : path + ": " + error.where;
      return error;
    }
    Collector collector;
    if (model.graph) collector.graph(*model.graph);
    for (const FunctionProto& function : model.functions) {
      collector.attributes(function.defaults);
      collector.nodes(function.nodes);
    }
    return std::vector<std::string>(collector.locations.begin(), collector.locations.end());
  });
}

}  // namespace assay::onnx

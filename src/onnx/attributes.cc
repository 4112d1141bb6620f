#include "onnx/importer.h"
#include "onnx/limits.h"

namespace assay::onnx {
namespace {

Error invalid(std::string message) { return Error{Code::model_invalid, std::move(message), "", "check the export"}; }

/// Files older than IR 2, and careless writers, leave the type out.
int32_t kind_of(const AttributeProto& a) {
  if (a.type != AttributeProto::kUndefined) return a.type;
  if (a.f) return AttributeProto::kFloat;
  if (a.i) return AttributeProto::kInt;
  if (a.s) return AttributeProto::kString;
  if (a.t) return AttributeProto::kTensor;
  if (a.g) return AttributeProto::kGraph;
  if (!a.floats.empty()) return AttributeProto::kFloats;
  if (!a.ints.empty()) return AttributeProto::kInts;
  if (!a.strings.empty()) return AttributeProto::kStrings;
  return AttributeProto::kUndefined;
}

std::vector<std::string> texts(const std::vector<std::string_view>& views) { return {views.begin(), views.end()}; }

}  // namespace

Result<ir::AttrValue> Importer::attribute(const Binding& binding) {
  const AttributeProto& a = *binding.attr;
  switch (kind_of(a)) {
    case AttributeProto::kFloat:
      return ir::AttrValue(a.f.value_or(0));
    case AttributeProto::kInt:
      return ir::AttrValue(a.i.value_or(0));
    case AttributeProto::kString:
      return ir::AttrValue(std::string(a.s.value_or("")));
    case AttributeProto::kFloats:
      return ir::AttrValue(a.floats);
    case AttributeProto::kInts:
      return ir::AttrValue(a.ints);
    case AttributeProto::kStrings:
      return ir::AttrValue(texts(a.strings));
    case AttributeProto::kTensor: {
      if (!a.t) return invalid("has no tensor");
      ASSAY_TRY(ir::Tensor t, loader_.load(*a.t));
      return ir::AttrValue(std::move(t));
    }
    case AttributeProto::kSparseTensor: {
      if (!a.sparse) return invalid("has no tensor");
      ASSAY_TRY(ir::Tensor t, loader_.load_sparse(*a.sparse));
      return ir::AttrValue(std::move(t));
    }
    case AttributeProto::kGraph: {
      if (!a.g) return invalid("has no graph");
      ASSAY_TRY(std::shared_ptr<ir::Graph> g, nested(*a.g, binding));
      return ir::AttrValue(std::move(g));
    }
    case AttributeProto::kTypeProto: {
      if (!a.tp) return invalid("has no type");
      ASSAY_TRY(ir::Type type, to_type(*a.tp, ""));
      return ir::AttrValue(std::move(type));
    }
    case AttributeProto::kTensors: {
      std::vector<ir::Tensor> list;
      for (const TensorProto& t : a.tensors) {
        ASSAY_TRY(ir::Tensor tensor, loader_.load(t));
        list.push_back(std::move(tensor));
      }
      return ir::AttrValue(std::move(list));
    }
    case AttributeProto::kSparseTensors: {
      std::vector<ir::Tensor> list;
      for (const SparseTensorProto& t : a.sparses) {
        ASSAY_TRY(ir::Tensor tensor, loader_.load_sparse(t));
        list.push_back(std::move(tensor));
      }
      return ir::AttrValue(std::move(list));
    }
    case AttributeProto::kGraphs: {
      std::vector<std::shared_ptr<ir::Graph>> list;
      for (const GraphProto& g : a.graphs) {
        ASSAY_TRY(std::shared_ptr<ir::Graph> inner, nested(g, binding));
        list.push_back(std::move(inner));
      }
      return ir::AttrValue(std::move(list));
    }
    case AttributeProto::kTypeProtos: {
      std::vector<ir::Type> list;
      for (const TypeProto& t : a.types) {
        ASSAY_TRY(ir::Type type, to_type(t, ""));
        list.push_back(std::move(type));
      }
      return ir::AttrValue(std::move(list));
    }
    default:
      return invalid("has an unknown type or no value");
  }
}

Result<std::shared_ptr<ir::Graph>> Importer::nested(const GraphProto& proto, const Binding& binding) {
  if (!binding.scope || !binding.frame) return invalid("a function's default cannot be a graph");
  const int depth = binding.scope->depth + 1;
  if (depth > kMaxGraphDepth)
    return Error{Code::limit_exceeded, "graphs are nested more than " + std::to_string(kMaxGraphDepth) + " deep",
                 "graph '" + std::string(proto.name.substr(0, 200)) + "'", "check the export"};
  auto inner = std::make_shared<ir::Graph>();
  Scope scope(*inner, binding.scope, depth);
  ASSAY_CHECK(graph(proto, scope, *binding.frame));
  return inner;
}

Result<ir::Tensor> Importer::constant_value(const AttributeProto& a) {
  // The attribute's name is that of the Constant node (value, value_ints, ...) or of whatever it refers to: the kind
  // says enough.
  switch (kind_of(a)) {
    case AttributeProto::kTensor:
      if (!a.t) return invalid("has no tensor");
      return loader_.load(*a.t);
    case AttributeProto::kSparseTensor:
      if (!a.sparse) return invalid("has no tensor");
      return loader_.load_sparse(*a.sparse);
    case AttributeProto::kFloat:
      return ir::Tensor::scalar(a.f.value_or(0));
    case AttributeProto::kInt:
      return ir::Tensor::scalar(a.i.value_or(0));
    case AttributeProto::kString:
      return ir::Tensor::of_strings({}, {std::string(a.s.value_or(""))});
    case AttributeProto::kFloats:
      return ir::Tensor::of<float>(ir::ElemType::float32, {static_cast<int64_t>(a.floats.size())}, a.floats);
    case AttributeProto::kInts:
      return ir::Tensor::of_ints(a.ints);
    case AttributeProto::kStrings:
      return ir::Tensor::of_strings({static_cast<int64_t>(a.strings.size())}, texts(a.strings));
    default:
      return invalid("has no value");
  }
}

}  // namespace assay::onnx

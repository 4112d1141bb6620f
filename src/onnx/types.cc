#include "base/checked.h"
#include "onnx/importer.h"

namespace assay::onnx {
namespace {
Error unsupported(std::string what, const std::string& where) {
  return Error{Code::type_unsupported, std::move(what), where, "export the model with dense tensors"};
}

Result<ir::Type> element(const TypeProto& proto, ir::Type::Kind kind, const std::string& where) {
  ir::Type type;
  type.kind = kind;
  ir::Type inner;
  if (proto.element) {
    ASSAY_TRY(inner, to_type(*proto.element, where));
  }
  type.element = std::make_shared<const ir::Type>(std::move(inner));
  return type;
}
}  // namespace

Result<ir::Type> to_type(const TypeProto& proto, const std::string& where) {
  switch (proto.kind) {
    case TypeProto::kNone:
      return ir::Type{};
    case TypeProto::kOpaque:
      return unsupported("opaque types are not read", where);
    case TypeProto::kSparse:
      return unsupported("sparse tensor types are not read", where);
    case TypeProto::kSequence:
      return element(proto, ir::Type::Kind::sequence, where);
    case TypeProto::kOptional:
      return element(proto, ir::Type::Kind::optional, where);
    case TypeProto::kMap: {
      ASSAY_TRY(ir::Type map, element(proto, ir::Type::Kind::map, where));
      map.elem = ir::elem_from_onnx(proto.elem_type).value_or(ir::ElemType::undefined);
      return map;
    }
    case TypeProto::kTensor:
      break;
  }
  const auto elem = ir::elem_from_onnx(proto.elem_type);
  if (!elem && proto.elem_type != 0)
    return Error{Code::model_invalid, "element type " + std::to_string(proto.elem_type) + " does not exist", where,
                 "export the model again"};
  ir::Type type = ir::Type::tensor(elem.value_or(ir::ElemType::undefined));
  if (!proto.shape) return type;
  std::vector<ir::Dim> dims;
  ir::Dims known;
  for (const DimensionProto& d : *proto.shape) {
    // Exporters write 0 and -1 for "not known".
    if (d.value && *d.value > 0) {
      dims.emplace_back(*d.value);
      known.push_back(*d.value);
    } else {
      dims.emplace_back(std::string(d.param));
    }
  }
  if (!checked_product(known))
    return Error{Code::limit_exceeded, "dimensions " + ir::to_string(known) + " are absurd", where,
                 "export the model again"};
  type.shape = std::move(dims);
  return type;
}

}  // namespace assay::onnx

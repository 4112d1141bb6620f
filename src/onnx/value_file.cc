// Values in files of their own, as ONNX's test data has them: TensorProto, SequenceProto, OptionalProto.
#include <vector>

#include "base/mapped_file.h"
#include "onnx/import.h"
#include "onnx/importer.h"
#include "onnx/limits.h"
#include "onnx/tensor_proto.h"

namespace assay::onnx {
namespace {

using Kind = ir::Type::Kind;
constexpr uint32_t kSequenceField = 5, kTensorField = 3, kOptionalField = 7;

Result<ir::Tensor> value(pb::Reader r, const ir::Type& type, TensorLoader& loader);

/// SequenceProto and OptionalProto share their layout: the field tells what is inside.
uint32_t field_of(Kind kind) {
  return kind == Kind::sequence ? kSequenceField : kind == Kind::optional ? kOptionalField : kTensorField;
}

Result<ir::Tensor> list(pb::Reader r, const ir::Type& type, TensorLoader& loader) {
  std::vector<ir::Tensor> items;
  while (r.next()) {
    if (r.field() != field_of(type.element->kind)) continue;
    if (items.size() >= kMaxItems) return r.error(Code::limit_exceeded, "too many values");
    ASSAY_TRY(ir::Tensor item, value(r.message("values"), *type.element, loader));
    items.push_back(std::move(item));
  }
  ASSAY_CHECK(r.status());
  return ir::Tensor::of_items(std::move(items));
}

Result<ir::Tensor> value(pb::Reader r, const ir::Type& type, TensorLoader& loader) {
  if (type.kind == Kind::map || (!type.is_tensor() && !type.element))
    return Error{Code::type_unsupported, "values of type " + to_string(type) + " are not read from files", "",
                 "give tensors, sequences or optionals"};
  if (!type.is_tensor()) return list(r, type, loader);
  TensorProto proto;
  ASSAY_CHECK(parse_tensor(r, proto));
  ASSAY_TRY(ir::Tensor tensor, loader.load(proto));
  return tensor.elem() == ir::ElemType::string ? std::move(tensor) : tensor.aligned();
}

}  // namespace

Result<ir::Tensor> read_value_file(const std::string& path, const ir::Type& type) {
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  TensorLoader loader(file.owner(), ExternalData());
  auto read = value(pb::Reader(file.bytes(), "value"), type, loader);
  if (!read.ok()) return in_file(std::move(read).error(), path);
  return read;
}

}  // namespace assay::onnx

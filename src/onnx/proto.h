// The messages of the ONNX format as plain structs of views into the file. Field meanings: docs/formats/onnx.md.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pb/reader.h"

namespace assay::onnx {

using pb::Bytes;
struct GraphProto;

struct StringEntry {
  std::string_view key, value;
};

struct TensorProto {
  enum Location : int32_t { kDefault = 0, kExternal = 1 };
  std::vector<int64_t> dims;
  int32_t data_type = 0;
  bool segmented = false;
  // Runs of encoded numbers, decoded when the tensor is made.
  std::vector<Bytes> float_data, int32_data, int64_data, double_data, uint64_data;
  std::vector<std::string_view> string_data;
  std::string name;  ///< a copy: reading it later would make the weight's page resident again
  std::optional<Bytes> raw_data;
  std::vector<StringEntry> external_data;
  int32_t data_location = kDefault;
};

struct SparseTensorProto {
  TensorProto values, indices;
  std::vector<int64_t> dims;
};

struct DimensionProto {
  std::optional<int64_t> value;
  std::string_view param;
};

struct TypeProto {
  enum Kind : uint8_t { kNone, kTensor, kSequence, kMap, kOpaque, kSparse, kOptional };
  Kind kind = kNone;
  int32_t elem_type = 0;  ///< tensor and sparse: element; map: key
  std::optional<std::vector<DimensionProto>> shape;
  std::unique_ptr<TypeProto> element;  ///< sequence, optional: element; map: value
};

struct ValueInfoProto {
  std::string_view name;
  TypeProto type;
};

struct AttributeProto {
  enum Type : int32_t {
    kUndefined = 0,
    kFloat,
    kInt,
    kString,
    kTensor,
    kGraph,
    kFloats,
    kInts,
    kStrings,
    kTensors,
    kGraphs,
    kSparseTensor,
    kSparseTensors,
    kTypeProto,
    kTypeProtos
  };
  std::string_view name, ref_attr_name;
  int32_t type = kUndefined;
  std::optional<float> f;
  std::optional<int64_t> i;
  std::optional<std::string_view> s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string_view> strings;
  std::unique_ptr<TensorProto> t;
  std::unique_ptr<GraphProto> g;
  std::unique_ptr<SparseTensorProto> sparse;
  std::unique_ptr<TypeProto> tp;
  std::vector<TensorProto> tensors;
  std::vector<GraphProto> graphs;
  std::vector<SparseTensorProto> sparses;
  std::vector<TypeProto> types;
};

struct NodeProto {
  std::string_view name, op_type, domain, overload;
  std::vector<std::string_view> inputs, outputs;
  std::vector<AttributeProto> attributes;
};

struct TensorAnnotation {
  std::string_view tensor;
  std::vector<StringEntry> parameters;
};

struct GraphProto {
  std::string_view name;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::vector<SparseTensorProto> sparse_initializers;
  std::vector<ValueInfoProto> inputs, outputs;
  std::vector<TensorAnnotation> quantization;
  size_t value_infos = 0;  ///< counted, never trusted
};

struct OpsetId {
  std::string_view domain;
  int64_t version = 0;
};

struct FunctionProto {
  std::string_view name, domain, overload;
  std::vector<std::string_view> inputs, outputs, attributes;
  std::vector<AttributeProto> defaults;
  std::vector<NodeProto> nodes;
  std::vector<OpsetId> opsets;
};

struct ModelProto {
  int64_t ir_version = 0, model_version = 0;
  std::string_view producer_name, producer_version, domain;
  std::optional<GraphProto> graph;
  std::vector<OpsetId> opsets;
  std::vector<FunctionProto> functions;
  std::vector<StringEntry> metadata;
  size_t trainings = 0, configurations = 0;  ///< present, of no consequence for inference
};

/// Errors: file_malformed and limit_exceeded, with byte offset and field path. `mapped`: the bytes are a mapped file,
/// of which large weights are not kept resident.
Status parse_model(Bytes bytes, ModelProto& model, bool mapped);
Status parse_tensor(pb::Reader reader, TensorProto& tensor);

}  // namespace assay::onnx

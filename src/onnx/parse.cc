// Field numbers to struct members, one function a message. Whatever has no case is skipped.
#include "onnx/limits.h"
#include "onnx/proto.h"
#include "onnx/residency.h"

namespace assay::onnx {
namespace {
using pb::Reader;
using pb::Wire;

/// A new element of a repeated message field, parsed; counts are capped because an empty message costs two bytes.
template <class T, class Parse>
Status repeated(Reader& r, std::vector<T>& to, std::string_view name, Parse parse) {
  if (to.size() >= kMaxItems)
    return r.error(Code::limit_exceeded, "more than " + std::to_string(kMaxItems) + " " + std::string(name) + "s");
  const auto index = static_cast<int64_t>(to.size());
  return parse(r.message(name, index), to.emplace_back());
}

/// A singular message field that is rare: made on first sight, merged afterwards.
template <class T, class Parse>
Status single(Reader& r, std::unique_ptr<T>& to, std::string_view name, Parse parse) {
  if (!to) to = std::make_unique<T>();
  return parse(r.message(name), *to);
}

Status entry(Reader r, StringEntry& e) {
  while (r.next()) {
    if (r.field() == 1) e.key = r.text();
    if (r.field() == 2) e.value = r.text();
  }
  return r.status();
}

Status tensor(Reader r, TensorProto& t) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        r.append(t.dims);
        break;
      case 2:
        t.data_type = r.int32();
        break;
      case 3:
        t.segmented = true;
        break;
      case 4:
        r.append_run(t.float_data, Wire::fixed32);
        break;
      case 5:
        r.append_run(t.int32_data, Wire::varint);
        break;
      case 6:
        t.string_data.push_back(r.text());
        break;
      case 7:
        r.append_run(t.int64_data, Wire::varint);
        break;
      case 8:
        t.name = r.text();
        break;
      case 9:
        t.raw_data = r.large_bytes();
        break;
      case 10:
        r.append_run(t.double_data, Wire::fixed64);
        break;
      case 11:
        r.append_run(t.uint64_data, Wire::varint);
        break;
      case 13:
        ASSAY_CHECK(repeated(r, t.external_data, "external_data", entry));
        break;
      case 14:
        t.data_location = r.int32();
        break;
      default:
        break;
    }
  }
  return r.status();
}

Status sparse_tensor(Reader r, SparseTensorProto& t) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        ASSAY_CHECK(tensor(r.message("values"), t.values));
        break;
      case 2:
        ASSAY_CHECK(tensor(r.message("indices"), t.indices));
        break;
      case 3:
        r.append(t.dims);
        break;
      default:
        break;
    }
  }
  return r.status();
}

Status dimension(Reader r, DimensionProto& d) {
  while (r.next()) {
    if (r.field() == 1) d = {r.int64(), {}};
    if (r.field() == 2) d = {std::nullopt, r.text()};
  }
  return r.status();
}

Status shape(Reader r, std::vector<DimensionProto>& dims) {
  while (r.next())
    if (r.field() == 1) ASSAY_CHECK(repeated(r, dims, "dim", dimension));
  return r.status();
}

Status type(Reader r, TypeProto& t);

// Tensor, SparseTensor, Sequence, Map and Optional share their layout: 1 an element (or key) type, 2 a shape or value.
Status type_body(Reader r, TypeProto& t) {
  while (r.next()) {
    if (r.field() == 1 && r.wire() == Wire::varint)
      t.elem_type = r.int32();
    else if (r.field() == 1 || (r.field() == 2 && t.kind == TypeProto::kMap))
      ASSAY_CHECK(single(r, t.element, r.field() == 1 ? "elem_type" : "value_type", type));
    else if (r.field() == 2) {
      if (!t.shape) t.shape.emplace();
      ASSAY_CHECK(shape(r.message("shape"), *t.shape));
    }
  }
  return r.status();
}

Status type(Reader r, TypeProto& t) {
  struct Row {
    uint32_t field;
    TypeProto::Kind kind;
    std::string_view name;
  };
  static constexpr Row kRows[] = {{1, TypeProto::kTensor, "tensor_type"},
                                  {4, TypeProto::kSequence, "sequence_type"},
                                  {5, TypeProto::kMap, "map_type"},
                                  {7, TypeProto::kOpaque, "opaque_type"},
                                  {8, TypeProto::kSparse, "sparse_tensor_type"},
                                  {9, TypeProto::kOptional, "optional_type"}};
  while (r.next()) {
    for (const Row& row : kRows) {
      if (row.field != r.field()) continue;
      if (t.kind != row.kind) t = TypeProto{};  // a oneof: the last member wins
      t.kind = row.kind;
      if (row.kind != TypeProto::kOpaque) ASSAY_CHECK(type_body(r.message(row.name), t));
      break;
    }
  }
  return r.status();
}

Status value_info(Reader r, ValueInfoProto& v) {
  while (r.next()) {
    if (r.field() == 1) v.name = r.text();
    if (r.field() == 2) ASSAY_CHECK(type(r.message("type"), v.type));
  }
  return r.status();
}

Status graph(Reader r, GraphProto& g);

Status attribute(Reader r, AttributeProto& a) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        a.name = r.text();
        break;
      case 2:
        a.f = r.float32();
        break;
      case 3:
        a.i = r.int64();
        break;
      case 4:
        a.s = r.text();
        break;
      case 5:
        ASSAY_CHECK(single(r, a.t, "t", tensor));
        break;
      case 6:
        ASSAY_CHECK(single(r, a.g, "g", graph));
        break;
      case 7:
        r.append(a.floats);
        break;
      case 8:
        r.append(a.ints);
        break;
      case 9:
        a.strings.push_back(r.text());
        break;
      case 10:
        ASSAY_CHECK(repeated(r, a.tensors, "tensors", tensor));
        break;
      case 11:
        ASSAY_CHECK(repeated(r, a.graphs, "graphs", graph));
        break;
      case 14:
        ASSAY_CHECK(single(r, a.tp, "tp", type));
        break;
      case 15:
        ASSAY_CHECK(repeated(r, a.types, "type_protos", type));
        break;
      case 20:
        a.type = r.int32();
        break;
      case 21:
        a.ref_attr_name = r.text();
        break;
      case 22:
        ASSAY_CHECK(single(r, a.sparse, "sparse_tensor", sparse_tensor));
        break;
      case 23:
        ASSAY_CHECK(repeated(r, a.sparses, "sparse_tensors", sparse_tensor));
        break;
      default:
        break;
    }
  }
  return r.status();
}

Status node(Reader r, NodeProto& n) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        n.inputs.push_back(r.text());
        break;
      case 2:
        n.outputs.push_back(r.text());
        break;
      case 3:
        n.name = r.text();
        break;
      case 4:
        n.op_type = r.text();
        break;
      case 5:
        ASSAY_CHECK(repeated(r, n.attributes, "attribute", attribute));
        break;
      case 7:
        n.domain = r.text();
        break;
      case 8:
        n.overload = r.text();
        break;
      default:
        break;
    }
  }
  return r.status();
}

Status annotation(Reader r, TensorAnnotation& a) {
  while (r.next()) {
    if (r.field() == 1) a.tensor = r.text();
    if (r.field() == 2) ASSAY_CHECK(repeated(r, a.parameters, "quant_parameter_tensor_names", entry));
  }
  return r.status();
}

Status graph(Reader r, GraphProto& g) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        ASSAY_CHECK(repeated(r, g.nodes, "node", node));
        break;
      case 2:
        g.name = r.text();
        break;
      case 5:
        ASSAY_CHECK(repeated(r, g.initializers, "initializer", tensor));
        break;
      case 11:
        ASSAY_CHECK(repeated(r, g.inputs, "input", value_info));
        break;
      case 12:
        ASSAY_CHECK(repeated(r, g.outputs, "output", value_info));
        break;
      case 13:
        ++g.value_infos;
        break;
      case 14:
        ASSAY_CHECK(repeated(r, g.quantization, "quantization_annotation", annotation));
        break;
      case 15:
        ASSAY_CHECK(repeated(r, g.sparse_initializers, "sparse_initializer", sparse_tensor));
        break;
      default:
        break;
    }
  }
  return r.status();
}

Status opset(Reader r, OpsetId& o) {
  while (r.next()) {
    if (r.field() == 1) o.domain = r.text();
    if (r.field() == 2) o.version = r.int64();
  }
  return r.status();
}

Status function(Reader r, FunctionProto& f) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        f.name = r.text();
        break;
      case 4:
        f.inputs.push_back(r.text());
        break;
      case 5:
        f.outputs.push_back(r.text());
        break;
      case 6:
        f.attributes.push_back(r.text());
        break;
      case 7:
        ASSAY_CHECK(repeated(r, f.nodes, "node", node));
        break;
      case 9:
        ASSAY_CHECK(repeated(r, f.opsets, "opset_import", opset));
        break;
      case 10:
        f.domain = r.text();
        break;
      case 11:
        ASSAY_CHECK(repeated(r, f.defaults, "attribute_proto", attribute));
        break;
      case 13:
        f.overload = r.text();
        break;
      default:
        break;
    }
  }
  return r.status();
}

Status model(Reader r, ModelProto& m) {
  while (r.next()) {
    switch (r.field()) {
      case 1:
        m.ir_version = r.int64();
        break;
      case 2:
        m.producer_name = r.text();
        break;
      case 3:
        m.producer_version = r.text();
        break;
      case 4:
        m.domain = r.text();
        break;
      case 5:
        m.model_version = r.int64();
        break;
      case 7:
        if (!m.graph) m.graph.emplace();
        ASSAY_CHECK(graph(r.message("graph"), *m.graph));
        break;
      case 8:
        ASSAY_CHECK(repeated(r, m.opsets, "opset_import", opset));
        break;
      case 14:
        ASSAY_CHECK(repeated(r, m.metadata, "metadata_props", entry));
        break;
      case 20:
        ++m.trainings;
        break;
      case 25:
        ASSAY_CHECK(repeated(r, m.functions, "functions", function));
        break;
      case 26:
        ++m.configurations;
        break;
      default:
        break;
    }
  }
  return r.status();
}
}  // namespace

Status parse_model(Bytes bytes, ModelProto& m, bool mapped) {
  return model(Reader(bytes, "model", mapped ? release_around : nullptr), m);
}
Status parse_tensor(Reader reader, TensorProto& t) { return tensor(reader, t); }

}  // namespace assay::onnx

#include "api/listing/listing.h"

#include <algorithm>

#include "base/text.h"
#include "ir/text.h"

namespace assay::api {
namespace {

constexpr std::string_view kUnstated = "unstated";

/// "fp32" of "tensor<fp32, [1, 3]>", "float32" of "float32[1,3]".
std::string element_of(const std::string& type) {
  constexpr std::string_view kTensor = "tensor<";
  if (type.starts_with(kTensor)) return type.substr(kTensor.size(), type.find(',') - kTensor.size());
  return type.substr(0, type.find('['));
}

/// Whether an operation computes in this type; casts at a program's borders do not count.
bool any_type(const Listing& listing, std::string_view word) {
  return std::ranges::any_of(listing.ops, [&](const ListedOp& op) {
    return op.kind != "cast" && std::ranges::any_of(op.outputs, [&](const ListedValue& v) {
             return !v.type.empty() && element_of(v.type) == word;
           });
  });
}

std::string attribute_text(const ir::AttrValue& value) {
  struct Text {
    std::string operator()(int64_t v) const { return std::to_string(v); }
    std::string operator()(float v) const { return shortest(v); }
    std::string operator()(const std::string& v) const { return "\"" + v + "\""; }
    std::string operator()(const std::vector<int64_t>& v) const { return ir::to_string(v); }
    std::string operator()(const std::vector<float>& v) const {
      std::vector<std::string> parts;
      for (const float x : v) parts.push_back(shortest(x));
      return "[" + join(parts, ",") + "]";
    }
    std::string operator()(const std::vector<std::string>& v) const { return "[" + join(v, ",") + "]"; }
    std::string operator()(const ir::Tensor& v) const {
      return std::string(ir::elem_name(v.elem())) + ir::to_string(v.dims());
    }
    std::string operator()(const std::shared_ptr<ir::Graph>& v) const {
      return std::to_string(v->ops.size()) + " operations";
    }
    std::string operator()(const ir::Type& v) const { return ir::to_string(v); }
    std::string operator()(const std::vector<ir::Tensor>& v) const { return std::to_string(v.size()) + " tensors"; }
    std::string operator()(const std::vector<std::shared_ptr<ir::Graph>>& v) const {
      return std::to_string(v.size()) + " graphs";
    }
    std::string operator()(const std::vector<ir::Type>& v) const { return std::to_string(v.size()) + " types"; }
  };
  return std::visit(Text{}, value);
}

mil::DataType number_type(ir::ElemType type) {
  const mil::DataTypeRow* row = nullptr;
  switch (type) {
    case ir::ElemType::float32:
      row = mil::data_type_named("fp32");
      break;
    case ir::ElemType::float16:
      row = mil::data_type_named("fp16");
      break;
    default:
      row = mil::data_type_named(ir::elem_name(type));
  }
  return row == nullptr ? mil::DataType::unused : row->type;
}

Weight weight_of(const ir::Value& value) {
  const ir::Tensor& t = *value.constant;
  Weight weight{value.name, std::string(ir::elem_name(t.elem())), ir::to_string(t.dims()), "", t.byte_size()};
  if (t.elem() == ir::ElemType::string) return weight;
  weight.data = mil::Payload::of({t.bytes(), t.byte_size()}, std::make_shared<const ir::Tensor>(t));
  weight.data_type = number_type(t.elem());
  return weight;
}

}  // namespace

std::map<std::string, uint64_t> Listing::kinds() const {
  std::map<std::string, uint64_t> counts;
  for (const ListedOp& op : ops) ++counts[op.kind];
  return counts;
}

std::map<std::string, uint64_t> Listing::result_types() const {
  std::map<std::string, uint64_t> counts;
  for (const ListedOp& op : ops)
    for (const ListedValue& v : op.outputs) ++counts[v.type.empty() ? std::string(kUnstated) : element_of(v.type)];
  return counts;
}

std::vector<std::string> Listing::unstated() const {
  std::vector<std::string> names;
  for (const ListedOp& op : ops)
    for (const ListedValue& v : op.outputs)
      if (v.type.empty()) names.push_back(v.name);
  return names;
}

uint64_t Listing::typed_count() const {
  uint64_t count = 0;
  for (const ListedOp& op : ops)
    count += static_cast<uint64_t>(std::ranges::count_if(op.outputs, [](const auto& v) { return !v.type.empty(); }));
  return count;
}

std::string precision_sentence(const Listing& listing) {
  if (listing.format == "Core ML NeuralNetwork")
    return listing.unstated().empty()
               ? "float32 on the CPU; float16 on the GPU and the Neural Engine (layers compute in no stated type)"
               : "float32 on the CPU; float16 on the GPU and the Neural Engine";
  if (listing.format == "Core ML ML Program") {
    const bool wide = any_type(listing, "fp32"), narrow = any_type(listing, "fp16");
    if (wide && narrow)
      return "mixed: float32 operations run in float32 on CPU and GPU; float16 ones in float16 or wider, also on the "
             "Neural Engine";
    if (narrow) return "float16 on the GPU and the Neural Engine; float16 or float32 on the CPU (types are a minimum)";
    if (wide) return "float32 on CPU and GPU; the Neural Engine is not used";
    return "no floating-point results";
  }
  return "every value has a type; which precision it is computed in is the runtime's choice";
}

namespace {

ListedValue listed(const ir::Graph& graph, ir::ValueId v) {
  return {graph.at(v).name, ir::to_string(graph.at(v).type)};
}

void list_ops(const ir::Graph& graph, int depth, Listing& listing) {
  for (const ir::Op& op : graph.ops) {
    ListedOp row{op.domain.empty() ? op.type : op.domain + "." + op.type, op.name};
    row.depth = depth;
    for (const ir::ValueId v : op.inputs) {
      if (v == ir::kNoValue) continue;
      row.inputs.push_back(graph.at(v).name);
      if (graph.at(v).constant) row.weights.push_back(weight_of(graph.at(v)));
    }
    for (const ir::ValueId v : op.outputs)
      if (v != ir::kNoValue) row.outputs.push_back(listed(graph, v));
    for (const ir::Attr& attr : op.attrs) row.attributes.emplace_back(attr.name, attribute_text(attr.value));
    listing.ops.push_back(std::move(row));
    ir::for_each_nested(op, [&](const ir::Graph& nested) { list_ops(nested, depth + 1, listing); });
  }
}

}  // namespace

Listing list_graph(const ir::Graph& graph) {
  Listing listing;
  listing.format = "ONNX";
  listing.heading = graph.name;
  listing.metadata = graph.metadata;
  for (const ir::ValueId v : graph.inputs) listing.inputs.push_back(listed(graph, v));
  for (const ir::ValueId v : graph.outputs) listing.outputs.push_back(listed(graph, v));
  list_ops(graph, 0, listing);
  return listing;
}

std::string print_listing(const Listing& listing) {
  const auto typed = [](const ListedValue& v) {
    return v.name + ": " + (v.type.empty() ? std::string(kUnstated) : v.type);
  };
  const auto all = [&](const std::vector<ListedValue>& values) {
    std::vector<std::string> parts;
    for (const ListedValue& v : values) parts.push_back(typed(v));
    return join(parts, ", ");
  };
  std::string out = listing.heading + "(" + all(listing.inputs) + ") {\n";
  for (const ListedOp& op : listing.ops) {
    out += std::string(static_cast<size_t>(2 + 2 * op.depth), ' ');
    if (!op.outputs.empty()) out += all(op.outputs) + " = ";
    std::vector<std::string> parts = op.inputs;
    for (const auto& [key, text] : op.attributes) parts.push_back(key + ": " + text);
    for (const Weight& w : op.weights)
      parts.push_back(w.name + ": " + w.type + w.shape + (w.place.empty() ? "" : " at " + w.place));
    out += op.kind + "(" + join(parts, ", ") + ")\n";
  }
  return out + "} -> (" + all(listing.outputs) + ")\n";
}

}  // namespace assay::api

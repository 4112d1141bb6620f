#include "api/listing/listing.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "ir/text.h"

namespace assay::api {
namespace {

constexpr std::string_view kUnstated = "unstated", kResolved = "resolved";

/// "fp32" of "tensor<fp32, [1, 3]>", "float32" of "float32[1,3]".
std::string element_of(const std::string& type) {
  constexpr std::string_view kTensor = "tensor<";
  if (type.starts_with(kTensor)) return type.substr(kTensor.size(), type.find(',') - kTensor.size());
  const std::string name = type.substr(0, type.find('['));
  return name + std::string(static_cast<size_t>(std::ranges::count(name, '(')), ')');  // "seq(float32)"
}

/// Whether an operation computes in this type; casts at a program's borders do not count.
bool any_type(std::span<const ListedOp> ops, std::string_view word) {
  return std::ranges::any_of(ops, [&](const ListedOp& op) {
    return op.kind != "cast" &&
           std::ranges::any_of(op.outputs, [&](const ListedValue& v) { return element_of(v.type) == word; });
  });
}

bool all_typed(std::span<const ListedOp> ops) {
  return std::ranges::none_of(ops, [](const ListedOp& op) {
    return std::ranges::any_of(op.outputs, [](const ListedValue& v) { return v.type.empty(); });
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
    std::string operator()(const std::shared_ptr<ir::Graph>& v) const { return counted(v->ops.size(), "operation"); }
    std::string operator()(const ir::Type& v) const { return ir::to_string(v); }
    std::string operator()(const std::vector<ir::Tensor>& v) const { return counted(v.size(), "tensor"); }
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

namespace {

std::string sentence(std::string_view format, std::span<const ListedOp> ops) {
  if (format == "Core ML NeuralNetwork")
    return all_typed(ops)
               ? "float32 on the CPU; float16 on the GPU and the Neural Engine (layers compute in no stated type)"
               : "float32 on the CPU; float16 on the GPU and the Neural Engine";
  if (format == "Core ML ML Program") {
    const bool wide = any_type(ops, "fp32"), narrow = any_type(ops, "fp16");
    if (wide && narrow)
      return "mixed: float32 operations run in float32 on CPU and GPU; float16 ones in float16 or wider, also on the "
             "Neural Engine";
    if (narrow) return "float16 on the GPU and the Neural Engine; float16 or float32 on the CPU (types are a minimum)";
    if (wide) return "float32 on CPU and GPU; the Neural Engine is not used";
    return "no floating-point results";
  }
  if (format == "ONNX") return "every value has a type; which precision it is computed in is the runtime's choice";
  if (format == kResolved) return "what each operation's policy says";
  return "not stated: a model of this kind has no typed operations";
}

}  // namespace

std::span<const ListedOp> Listing::ops_of(size_t part) const {
  const size_t end = part + 1 < parts.size() ? parts[part + 1].first : ops.size();
  return std::span(ops).subspan(parts[part].first, end - parts[part].first);
}

std::string precision_sentence(const Listing& listing) {
  if (listing.parts.empty()) return sentence(listing.format, listing.ops);
  std::set<std::string> said;
  std::vector<std::string> each;
  for (size_t i = 0; i < listing.parts.size(); ++i) {
    const std::string one = sentence(listing.parts[i].format, listing.ops_of(i));
    said.insert(one);
    each.push_back("in '" + listing.parts[i].heading + "' " + one);
  }
  return said.size() == 1 ? *said.begin() : join(each, "; ");
}

namespace {

ListedValue listed(const ir::Graph& graph, ir::ValueId v) {
  ir::Type type = graph.at(v).type;
  if (graph.at(v).storage != ir::ElemType::undefined && type.kind == ir::Type::Kind::tensor)
    type.elem = graph.at(v).storage;
  return {graph.at(v).name, ir::to_string(type)};
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

Listing list_resolved(const ir::Graph& graph) {
  Listing listing = list_graph(graph);
  listing.format = kResolved;
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
  const auto print = [&](const ListedOp& op) {
    std::string out(static_cast<size_t>(2 + 2 * op.depth), ' ');
    if (!op.outputs.empty()) out += all(op.outputs) + " = ";
    std::vector<std::string> parts = op.inputs;
    for (const auto& [key, text] : op.attributes) parts.push_back(key + ": " + text);
    for (const Weight& w : op.weights)
      parts.push_back(w.name + ": " + w.type + w.shape + (w.place.empty() ? "" : " at " + w.place));
    return out + op.kind + "(" + join(parts, ", ") + ")\n";
  };
  std::string out;
  const auto program = [&](const auto& head, std::span<const ListedOp> ops) {
    out += head.heading + "(" + all(head.inputs) + ") {\n";
    for (const ListedOp& op : ops) out += print(op);
    out += "} -> (" + all(head.outputs) + ")\n";
  };
  if (listing.parts.empty()) program(listing, listing.ops);
  for (size_t i = 0; i < listing.parts.size(); ++i) program(listing.parts[i], listing.ops_of(i));
  return out;
}

}  // namespace assay::api

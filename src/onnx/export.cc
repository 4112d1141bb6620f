#include "onnx/export.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/output_file.h"
#include "onnx/functions.h"
#include "onnx/oldest.h"
#include "onnx/sayable.h"
#include "ops/def.h"
#include "pb/writer.h"

namespace assay::onnx {
namespace {
using ir::ElemType;
using ir::kNoValue;
using ir::ValueId;
using pb::Bytes;
using pb::Writer;

constexpr uint64_t kInlineLimit = uint64_t{1} << 31;  // protobuf's limit for one message
constexpr size_t kSmallTensor = 1024;                 // stays inline even then
constexpr size_t kDataAlignment = 4096;

int ir_version_of(int opset) {
  constexpr std::pair<int, int> kRows[] = {{25, 13}, {24, 12}, {23, 11}, {21, 10}, {19, 9}};
  for (const auto& [from, ir] : kRows)
    if (opset >= from) return ir;
  return 8;
}

void write_type(Writer& w, const ir::Type& t);
void write_element(Writer& w, uint32_t field, const ir::Type& t) {
  Writer inner, element;
  if (t.kind == ir::Type::Kind::map) inner.int64(1, static_cast<int64_t>(t.elem));
  if (t.element) write_type(element, *t.element);
  inner.message(t.kind == ir::Type::Kind::map ? 2 : 1, std::move(element));
  w.message(field, std::move(inner));
}

void write_type(Writer& w, const ir::Type& t) {
  switch (t.kind) {
    case ir::Type::Kind::sequence:
      return write_element(w, 4, t);
    case ir::Type::Kind::map:
      return write_element(w, 5, t);
    case ir::Type::Kind::optional:
      return write_element(w, 9, t);
    case ir::Type::Kind::tensor:
      break;
  }
  Writer tensor;
  tensor.int64(1, static_cast<int64_t>(t.elem));
  if (t.shape) {
    Writer shape;
    for (const ir::Dim& d : *t.shape) {
      Writer dim;
      if (d.known())
        dim.int64(1, d.value);
      else if (!d.symbol.empty())
        dim.text(2, d.symbol);
      shape.message(1, std::move(dim));
    }
    tensor.message(2, std::move(shape));
  }
  w.message(1, std::move(tensor));
}

class Exporter {
 public:
  Exporter(const ir::Graph& graph, std::string data_name) : graph_(graph), data_name_(std::move(data_name)) {}
  Status run(Writer& model);
  const std::vector<ir::Tensor>& external() const { return external_; }
  bool use_external = false;
  int stated_opset = 0;  ///< of ai.onnx; 0: what the operators need

 private:
  using Names = std::unordered_map<ValueId, std::string>;
  Status graph(const ir::Graph& g, const Names* outer, Writer& w);
  Status op(const ir::Graph& g, const ir::Op& o, Names& names, Writer& w);
  std::string operand(const ir::Graph& g, const ir::Op& o, size_t i, Names& names, Writer& w);
  Status attribute(const ir::Attr& a, const Names& names, Writer& w);
  Status attribute_graph(const ir::Graph& g, const Names& names, uint32_t field, Writer& w);
  std::vector<std::string> outputs(const ir::Graph& g, bool nested, Names& names, Writer& nodes);
  Status constants(const ir::Graph& g, Names& names, Writer& w, Writer& nodes);
  Writer tensor(const ir::Tensor& t, std::string_view name);
  void value_info(const ir::Graph& g, ValueId v, const std::string& name, uint32_t field, Writer& w);
  void pair(const std::string& from, const std::string& to, ElemType storage, Writer& w);
  void cast(const std::string& from, const std::string& to, ElemType type, Writer& w);
  void node(std::string_view type, const std::string& from, const std::string& to, Writer& w);
  std::string fresh(const std::string& stem);
  std::string fresh_op(const std::string& stem);
  std::string name_of(const ir::Graph& g, ValueId v, Names& names);
  void need(std::string_view domain, int since);
  Result<ElemType> narrow(const ir::Graph& g, const ir::Value& v) const;

  const ir::Graph& graph_;
  std::string data_name_;
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> next_;
  std::unordered_set<std::string> taken_ops_;
  std::unordered_map<std::string, int> next_op_;
  std::map<std::string, int> opsets_{{"", 13}};
  std::map<std::string, Function> functions_;  ///< that its operations call, by their keys
  std::vector<ir::Tensor> external_;
  uint64_t external_bytes_ = 0;
};

std::string Exporter::fresh(const std::string& stem) {
  std::string candidate = stem;
  for (int& i = next_[stem]; candidate.empty() || !taken_.insert(candidate).second;)
    candidate = stem + "_" + std::to_string(++i);
  return candidate;
}

/// Nodes and values have names of their own; a node need not have one, but no two may share one.
std::string Exporter::fresh_op(const std::string& stem) {
  std::string candidate = stem;
  for (int& i = next_op_[stem]; !taken_ops_.insert(candidate).second;) candidate = stem + "_" + std::to_string(++i);
  return candidate;
}

std::string Exporter::name_of(const ir::Graph& g, ValueId v, Names& names) {
  if (v == kNoValue) return {};
  const auto [at, is_new] = names.try_emplace(v);
  if (is_new) at->second = fresh(g.at(v).name);
  return at->second;
}

void Exporter::need(std::string_view domain, int since) {
  int& version = opsets_[std::string(domain)];
  version = std::max(version, since);
}

/// The storage type when a value is stored narrower than it is declared; undefined when it is not. What lists hold was
/// rounded before it was put in: written as float32 it is the same.
Result<ElemType> Exporter::narrow(const ir::Graph& g, const ir::Value& v) const {
  if (!g.resolved || !v.type.is_tensor() || v.storage == ElemType::undefined || v.storage == v.type.elem)
    return ElemType::undefined;
  if (v.type.elem == ElemType::float32 && (v.storage == ElemType::float16 || v.storage == ElemType::bfloat16))
    return v.storage;
  return Error{Code::not_expressible,
               std::string(ir::elem_name(v.type.elem)) + " stored as " + std::string(ir::elem_name(v.storage)),
               "value '" + v.name + "'", "only float16 and bfloat16 storage can be written as plain ONNX"};
}

void Exporter::node(std::string_view type, const std::string& from, const std::string& to, Writer& w) {
  Writer n;
  n.text(1, from);
  n.text(2, to);
  n.text(4, type);
  w.message(1, std::move(n));
}

void Exporter::cast(const std::string& from, const std::string& to, ElemType type, Writer& w) {
  Writer n, a;
  n.text(1, from);
  n.text(2, to);
  n.text(4, "Cast");
  a.text(1, "to");
  a.int64(3, static_cast<int64_t>(type));
  a.int64(20, 2);
  n.message(5, std::move(a));
  w.message(1, std::move(n));
}

void Exporter::pair(const std::string& from, const std::string& to, ElemType storage, Writer& w) {
  const std::string middle = fresh(to + "@" + std::string(ir::elem_name(storage)));
  cast(from, middle, storage, w);
  cast(middle, to, ElemType::float32, w);
}

Writer Exporter::tensor(const ir::Tensor& t, std::string_view name) {
  Writer w;
  w.packed(1, t.dims());
  w.int64(2, static_cast<int64_t>(t.elem()));
  if (t.elem() == ElemType::string) {
    for (const std::string& s : t.strings()) w.text(6, s);
    w.text(8, name);
    return w;
  }
  w.text(8, name);
  if (t.size() == 0) return w;
  if (!use_external || t.byte_size() <= kSmallTensor) {
    w.borrow(9, Bytes(t.bytes(), t.byte_size()));
    return w;
  }
  const std::pair<const char*, std::string> entries[] = {
      {"location", data_name_}, {"offset", std::to_string(external_bytes_)}, {"length", std::to_string(t.byte_size())}};
  for (const auto& [key, value] : entries) {
    Writer e;
    e.text(1, key);
    e.text(2, value);
    w.message(13, std::move(e));
  }
  w.int64(14, 1);
  external_.push_back(t);
  external_bytes_ += (t.byte_size() + kDataAlignment - 1) / kDataAlignment * kDataAlignment;
  return w;
}

void Exporter::value_info(const ir::Graph& g, ValueId v, const std::string& name, uint32_t field, Writer& w) {
  Writer info, type;
  info.text(1, name);
  const ir::Type& known = g.at(v).type;
  if (!known.is_tensor() || known.elem != ElemType::undefined) {  // else whoever reads the model infers it
    write_type(type, known);
    info.message(2, std::move(type));
  }
  w.message(field, std::move(info));
}

Status Exporter::attribute_graph(const ir::Graph& g, const Names& names, uint32_t field, Writer& w) {
  Writer inner;
  ASSAY_CHECK(graph(g, &names, inner));
  w.message(field, std::move(inner));
  return {};
}

Status Exporter::attribute(const ir::Attr& a, const Names& names, Writer& w) {
  w.text(1, a.name);
  Status status;
  int kind = 0;
  std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, float>) {
          w.float32(2, v);
          kind = 1;
        } else if constexpr (std::is_same_v<T, int64_t>) {
          w.int64(3, v);
          kind = 2;
        } else if constexpr (std::is_same_v<T, std::string>) {
          w.text(4, v);
          kind = 3;
        } else if constexpr (std::is_same_v<T, ir::Tensor>) {
          w.message(5, tensor(v, ""));
          kind = 4;
        } else if constexpr (std::is_same_v<T, std::shared_ptr<ir::Graph>>) {
          status = attribute_graph(*v, names, 6, w);
          kind = 5;
        } else if constexpr (std::is_same_v<T, std::vector<float>>) {
          for (const float f : v) w.float32(7, f);
          kind = 6;
        } else if constexpr (std::is_same_v<T, std::vector<int64_t>>) {
          for (const int64_t i : v) w.int64(8, i);
          kind = 7;
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          for (const std::string& s : v) w.text(9, s);
          kind = 8;
        } else if constexpr (std::is_same_v<T, std::vector<ir::Tensor>>) {
          for (const ir::Tensor& t : v) w.message(10, tensor(t, ""));
          kind = 9;
        } else if constexpr (std::is_same_v<T, std::vector<std::shared_ptr<ir::Graph>>>) {
          for (const auto& g : v)
            if (status.ok()) status = attribute_graph(*g, names, 11, w);
          kind = 10;
        } else if constexpr (std::is_same_v<T, ir::Type>) {
          Writer type;
          write_type(type, v);
          w.message(14, std::move(type));
          kind = 13;
        } else {
          for (const ir::Type& t : v) {
            Writer type;
            write_type(type, t);
            w.message(15, std::move(type));
          }
          kind = 14;
        }
      },
      a.value);
  w.int64(20, kind);
  return status;
}

/// The name that input `i` is read by. Clip's bounds and Pad's value were attributes once, in float32 beside an input
/// of any type; ONNX takes them in the input's type alone.
std::string Exporter::operand(const ir::Graph& g, const ir::Op& o, size_t i, Names& names, Writer& w) {
  std::string name = name_of(g, o.inputs[i], names);
  const bool was_attribute = o.domain.empty() && ((o.type == "Clip" && i > 0) || (o.type == "Pad" && i == 2));
  if (!was_attribute || name.empty()) return name;
  const ElemType data = g.at(o.inputs[0]).type.elem, own = g.at(o.inputs[i]).type.elem;
  if (data == own || data == ElemType::undefined || own == ElemType::undefined) return name;
  std::string converted = fresh(name + "@" + std::string(ir::elem_name(data)));
  cast(name, converted, data, w);
  return converted;
}

Status Exporter::op(const ir::Graph& g, const ir::Op& o, Names& names, Writer& w) {
  if (g.resolved)
    if (const std::string what = unsayable(g, o); !what.empty()) return refuse("ONNX cannot say " + what, g, o);
  if (o.domain == "assay" && o.type == "Round") {
    const std::string from = name_of(g, o.inputs[0], names), to = name_of(g, o.outputs[0], names);
    const ir::Value &before = g.at(o.inputs[0]), &after = g.at(o.outputs[0]);
    if (!after.type.is_tensor() && before.storage == ElemType::float32 && after.storage != ElemType::float32)
      return refuse("ONNX rounds no sequences and optionals", g, o);
    ASSAY_TRY(const ElemType storage, narrow(g, after));
    if (storage != ElemType::undefined)
      pair(from, to, storage, w);
    else
      node("Identity", from, to, w);  // widening: everything is float32 already
    return {};
  }
  if (o.domain == "assay") return refuse("ONNX has no such operation", g, o);
  need(o.domain, oldest_version(g, o));
  Writer n;
  for (size_t i = 0; i < o.inputs.size(); ++i) n.text(1, operand(g, o, i, names, w));
  struct Rounded {
    std::string raw, name;
    ElemType storage;
  };
  std::vector<Rounded> rounded;
  for (const ValueId v : o.outputs) {
    std::string name = name_of(g, v, names);
    if (v != kNoValue) {
      ASSAY_TRY(const ElemType storage, narrow(g, g.at(v)));
      if (storage != ElemType::undefined) {
        rounded.push_back({fresh(name + "@raw"), name, storage});
        name = rounded.back().raw;
      }
    }
    n.text(2, name);
  }
  if (!o.name.empty()) n.text(3, fresh_op(o.name));
  n.text(4, o.type);
  for (const ir::Attr& a : o.attrs) {
    Writer attr;
    ASSAY_CHECK(attribute(a, names, attr));
    n.message(5, std::move(attr));
  }
  if (!o.domain.empty()) n.text(7, o.domain);
  if (const auto f = function_of(g, o)) {
    need("", kBodyOpset);
    if (!f->overload.empty()) n.text(8, f->overload);
    functions_.emplace(f->key(), *f);
  }
  w.message(1, std::move(n));
  for (const Rounded& r : rounded) pair(r.raw, r.name, r.storage, w);
  return {};
}

/// Initializers of the constants that something reads, and the Cast pairs of those that are stored narrower.
Status Exporter::constants(const ir::Graph& g, Names& names, Writer& w, Writer& nodes) {
  std::vector<bool> read(g.values.size());
  const auto mark = [&](ValueId v) {
    if (v != kNoValue) read[v] = true;
  };
  std::ranges::for_each(g.outputs, mark);
  for (const ir::State& state : g.states) mark(state.after);
  for (const ir::Op& o : g.ops) {
    std::ranges::for_each(o.inputs, mark);
    std::ranges::for_each(ir::captured_by(o), mark);
  }
  std::vector<bool> special(g.values.size());  // inputs and captures have their bytes elsewhere
  for (const ValueId v : g.inputs) special[v] = true;
  for (const auto& [inner, outer] : g.captures) special[inner] = true;
  for (ValueId v = 0; v < g.values.size(); ++v) {
    const ir::Value& value = g.at(v);
    if (!value.constant || !read[v] || special[v] || value.producer != ir::kNoOp) continue;
    std::string name = name_of(g, v, names);
    ASSAY_TRY(const ElemType storage, narrow(g, value));
    if (g.resolved && value.rounding && !plain(*value.rounding))
      return Error{Code::not_expressible, "ONNX cannot say how this weight is rounded", "value '" + value.name + "'",
                   "only nearest-even storage can be written as plain ONNX"};
    if (g.resolved && value.rounding && storage == ElemType::undefined &&
        value.rounding->format != num::format(num::FormatId::float32))
      return Error{Code::not_expressible, "ONNX cannot say rounding to " + std::string(value.rounding->format.name),
                   "value '" + value.name + "'", "only float16 and bfloat16 storage can be written as plain ONNX"};
    const bool output = std::ranges::find(g.outputs, v) != g.outputs.end();
    if (storage == ElemType::undefined && !output) {
      w.message(5, tensor(*value.constant, name));
      continue;
    }
    const std::string raw = fresh(name + "@raw");
    w.message(5, tensor(*value.constant, raw));
    if (storage != ElemType::undefined)
      pair(raw, name, storage, nodes);
    else
      node("Identity", raw, name, nodes);
  }
  return {};
}

/// The names that a graph returns. One that is nested returns what its own nodes write, each name once: what it only
/// passes on goes through an Identity.
std::vector<std::string> Exporter::outputs(const ir::Graph& g, bool nested, Names& names, Writer& nodes) {
  std::vector<std::string> out;
  std::unordered_set<ValueId> passed_on(g.inputs.begin(), g.inputs.end());
  for (const auto& [inner, outside] : g.captures) passed_on.insert(inner);
  for (const ValueId v : g.outputs) {
    out.push_back(name_of(g, v, names));
    if (!nested || passed_on.insert(v).second) continue;
    const std::string from = std::exchange(out.back(), fresh(g.at(v).name));
    node("Identity", from, out.back(), nodes);
  }
  return out;
}

Status Exporter::graph(const ir::Graph& g, const Names* outer, Writer& w) {
  Names names;
  for (const auto& [inner, outside] : g.captures)
    if (outer && outer->contains(outside)) names.emplace(inner, outer->at(outside));
  // Inputs and outputs keep their names whatever else is called so.
  for (const ValueId v : g.inputs) name_of(g, v, names);
  for (const ValueId v : g.outputs) name_of(g, v, names);
  for (const ir::State& state : g.states) name_of(g, state.before, names);
  Writer nodes, initializers;
  ASSAY_CHECK(constants(g, names, initializers, nodes));
  for (const ir::Op& o : g.ops) ASSAY_CHECK(op(g, o, names, nodes));
  const std::vector<std::string> returned = outputs(g, outer != nullptr, names, nodes);
  // ONNX keeps nothing between runs: a state is an input and an output, which the caller feeds back.
  std::vector<std::string> next;
  for (const ir::State& state : g.states) {
    next.push_back(fresh(state.name + "_next"));
    node("Identity", name_of(g, state.after, names), next.back(), nodes);
  }
  // Spliced in the order of the field numbers.
  w.splice(std::move(nodes));
  w.text(2, g.name.empty() ? "graph" : g.name);
  w.splice(std::move(initializers));
  for (const ValueId v : g.inputs) value_info(g, v, name_of(g, v, names), 11, w);
  for (const ir::State& state : g.states) value_info(g, state.before, name_of(g, state.before, names), 11, w);
  for (size_t i = 0; i < returned.size(); ++i) value_info(g, g.outputs[i], returned[i], 12, w);
  for (size_t i = 0; i < next.size(); ++i) value_info(g, g.states[i].after, next[i], 12, w);
  return {};
}

Status Exporter::run(Writer& model) {
  taken_.clear();
  next_.clear();
  external_.clear();
  external_bytes_ = 0;
  functions_.clear();
  Writer g;
  ASSAY_CHECK(graph(graph_, nullptr, g));
  if (stated_opset != 0) opsets_[""] = stated_opset;
  const int opset = opsets_[""];
  int format = ir_version_of(opset);
  for (const auto& [key, f] : functions_)
    format = std::max(format, f.overload.empty() ? kIrOfDefaults : kIrOfOverloads);
  model.int64(1, format);
  model.text(2, "assay");
  model.message(7, std::move(g));
  for (const auto& [domain, version] : opsets_) {
    Writer o;
    o.text(1, domain);
    o.int64(2, version);
    model.message(8, std::move(o));
  }
  for (const auto& [key, value] : graph_.metadata) {
    if (key.starts_with("onnx.")) continue;  // facts about the file that was read, not of this one
    Writer e;
    e.text(1, key);
    e.text(2, value);
    model.message(14, std::move(e));
  }
  for (const auto& [key, f] : functions_) model.message(25, function_proto(f, opset));
  return {};
}

Status write_data(const std::vector<ir::Tensor>& tensors, const std::string& path) {
  ASSAY_TRY(OutputFile file, OutputFile::create(path));
  const std::vector<std::byte> zeros(kDataAlignment);
  for (const ir::Tensor& t : tensors) {
    ASSAY_CHECK(file.write(Bytes(t.bytes(), t.byte_size())));
    const size_t rest = t.byte_size() % kDataAlignment;
    if (rest != 0) ASSAY_CHECK(file.write(Bytes(zeros).first(kDataAlignment - rest)));
  }
  return file.commit();
}

}  // namespace

Status export_model(const ir::Graph& graph, const std::string& path) {
  const std::string data = std::filesystem::path(path).filename().string() + ".data";
  Exporter exporter(graph, data);
  Writer model;
  ASSAY_CHECK(exporter.run(model));
  if (model.size() >= kInlineLimit) {
    exporter.use_external = true;
    model = Writer();
    ASSAY_CHECK(exporter.run(model));
    ASSAY_CHECK(write_data(exporter.external(), path + ".data"));
  }
  ASSAY_TRY(OutputFile file, OutputFile::create(path));
  ASSAY_CHECK(model.each([&](Bytes piece) { return file.write(piece); }));
  return file.commit();
}

Result<std::string> model_bytes(const ir::Graph& graph, int opset) {
  Exporter exporter(graph, "");
  exporter.stated_opset = opset;
  Writer model;
  ASSAY_CHECK(exporter.run(model));
  std::string bytes;
  bytes.reserve(model.size());
  ASSAY_CHECK(model.each([&](Bytes piece) -> Status {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  }));
  return bytes;
}

}  // namespace assay::onnx

#include "ir/text.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/text.h"
#include "ir/quote.h"
#include "num/policy_text.h"

namespace assay::ir {
namespace {

class Printer {
 public:
  Printer(const Graph& g, const Graph* outer, const PrintOptions& options, int indent)
      : g_(g), outer_(outer), options_(options), pad_(static_cast<size_t>(indent), ' ') {}
  std::string run();

 private:
  std::string value(ValueId v) const { return v == kNoValue ? "_" : "%" + quoted_if_needed(g_.at(v).name); }
  std::string declared(ValueId v) const;
  std::string tensor(const Tensor& t) const;
  std::string element(const Tensor& t, int64_t i) const;
  std::string attribute(const AttrValue& a) const;
  std::string nested(const Graph& inner) const {
    return Printer(inner, &g_, options_, static_cast<int>(pad_.size()) + 2).run();
  }
  void line(const std::string& text) { out_ += pad_ + "  " + text + "\n"; }
  void constants();
  void op(const Op& o);

  const Graph& g_;
  const Graph* outer_;
  const PrintOptions& options_;
  std::string pad_, out_;
};

std::string Printer::declared(ValueId v) const {
  if (v == kNoValue) return "_";
  const Value& value_of = g_.at(v);
  std::string out = value(v) + ": " + to_string(value_of.type);
  if (value_of.unstated) out += " unstated";
  if (value_of.inside) out += " inside";
  if (value_of.storage != ElemType::undefined) out += " as " + std::string(elem_name(value_of.storage));
  if (value_of.rounding) out += " round " + quoted(num::to_text(*value_of.rounding));
  if (value_of.parameter) out += " parameter";
  return out;
}

std::string Printer::element(const Tensor& t, int64_t i) const {
  if (t.elem() == ElemType::string) return quoted(t.strings()[static_cast<size_t>(i)]);
  if (t.elem() == ElemType::uint64) return std::to_string(static_cast<uint64_t>(t.int_at(i)));
  if (!is_float(t.elem())) return std::to_string(t.int_at(i));
  const double x = t.float_at(i);
  if (std::isnan(x)) {  // all its bits
    const auto width = static_cast<size_t>(elem_bits(t.elem()) / 8);
    uint64_t bits = 0;
    std::memcpy(&bits, t.bytes() + static_cast<size_t>(i) * width, width);
    return "0x" + hex(bits);
  }
  return t.elem() == ElemType::float64 ? shortest(x) : shortest(static_cast<float>(x));
}

std::string Printer::tensor(const Tensor& t) const {
  const bool complex = t.elem() == ElemType::complex64 || t.elem() == ElemType::complex128;
  if (t.size() > options_.inline_elements || complex) return options_.hash_blobs ? "#blob:" + content_hash(t) : "#blob";
  std::string out = "{";
  for (int64_t i = 0; i < t.size(); ++i) out += (i ? ", " : "") + element(t, i);
  return out + "}";
}

template <class T, class Text>
std::string list(std::string_view kind, const T& items, Text text) {
  std::string out(kind);
  out += '[';
  for (const auto& item : items) {
    if (out.back() != '[') out += ", ";
    out += text(item);
  }
  return out + ']';
}

std::string Printer::attribute(const AttrValue& a) const {
  const auto typed = [&](const Tensor& t) {
    return "tensor " + to_string(Type::of(t.elem(), t.dims())) + " " + tensor(t);
  };
  struct Visitor {
    const Printer& p;
    const decltype(typed)& typed_tensor;
    std::string operator()(int64_t v) const { return std::to_string(v); }
    std::string operator()(float v) const { return "float " + float_text(v); }
    std::string operator()(const std::string& v) const { return quoted(v); }
    std::string operator()(const std::vector<int64_t>& v) const {
      return list("ints", v, [](int64_t i) { return std::to_string(i); });
    }
    std::string operator()(const std::vector<float>& v) const { return list("floats", v, float_text); }
    std::string operator()(const std::vector<std::string>& v) const { return list("strings", v, quoted); }
    std::string operator()(const Tensor& v) const { return typed_tensor(v); }
    std::string operator()(const std::shared_ptr<Graph>& v) const { return p.nested(*v); }
    std::string operator()(const Type& v) const { return "type " + to_string(v); }
    std::string operator()(const std::vector<Tensor>& v) const { return list("tensors", v, typed_tensor); }
    std::string operator()(const std::vector<std::shared_ptr<Graph>>& v) const {
      return list("graphs", v, [&](const auto& g) { return p.nested(*g); });
    }
    std::string operator()(const std::vector<Type>& v) const {
      return list("types", v, [](const Type& t) { return to_string(t); });
    }
    static std::string float_text(float v) {
      uint32_t bits = 0;
      std::memcpy(&bits, &v, sizeof bits);
      return std::isnan(v) ? "0x" + hex(bits) : shortest(v);
    }
  };
  return std::visit(Visitor{*this, typed}, a);
}

void Printer::constants() {
  std::vector<bool> read(g_.values.size()), elsewhere(g_.values.size());
  const auto mark = [&](ValueId v) {
    if (v != kNoValue) read[v] = true;
  };
  std::ranges::for_each(g_.outputs, mark);
  for (const State& state : g_.states) mark(state.after);
  for (const Op& o : g_.ops) {
    std::ranges::for_each(o.inputs, mark);
    for (const ValueId v : o.outputs)
      if (v != kNoValue) elsewhere[v] = true;
    std::ranges::for_each(captured_by(o), mark);
  }
  for (const ValueId v : g_.inputs) elsewhere[v] = true;
  for (const auto& [in, out] : g_.captures) elsewhere[in] = true;
  for (ValueId v = 0; v < g_.values.size(); ++v)  // folded values that nothing reads any more are left out
    if (read[v] && !elsewhere[v] && g_.at(v).constant)
      line("const " + declared(v) + " = " + tensor(*g_.at(v).constant));
}

void Printer::op(const Op& o) {
  std::string text;
  for (const ValueId v : o.outputs) text += (text.empty() ? "" : ", ") + declared(v);
  text += (o.domain.empty() ? " = " : " = " + quoted_if_needed(o.domain) + "::") + quoted_if_needed(o.type) + "(";
  for (size_t i = 0; i < o.inputs.size(); ++i) text += (i ? ", " : "") + value(o.inputs[i]);
  text += ")";
  if (!o.attrs.empty()) {
    text += " {";
    for (size_t i = 0; i < o.attrs.size(); ++i)
      text += (i ? ", " : "") + quoted_if_needed(o.attrs[i].name) + " = " + attribute(o.attrs[i].value);
    text += "}";
  }
  if (!o.name.empty()) text += " name " + quoted(o.name);
  if (!o.origin.empty()) text += " from " + quoted(o.origin);
  if (const std::string policy = num::to_text(o.policy); !policy.empty()) text += " policy " + quoted(policy);
  line(text);
}

std::string Printer::run() {
  out_ = "graph " + quoted(g_.name) + (g_.resolved ? " resolved" : "") + " {\n";
  if (options_.metadata)
    for (const auto& [key, text] : g_.metadata) line("metadata " + quoted(key) + " = " + quoted(text));
  for (const auto& [inner, outside] : g_.captures)
    line("capture " + declared(inner) + " = %" + quoted_if_needed(outer_ ? outer_->at(outside).name : ""));
  for (const ValueId v : g_.inputs) line("input " + declared(v));
  for (const State& state : g_.states) line("state " + quoted(state.name) + " = " + declared(state.before));
  constants();
  for (const Op& o : g_.ops) op(o);
  for (const State& state : g_.states) line("keep " + quoted(state.name) + " = " + value(state.after));
  std::string outputs;
  for (const ValueId v : g_.outputs) outputs += (outputs.empty() ? " " : ", ") + value(v);
  line("return" + outputs);
  return out_ + pad_ + "}";
}

}  // namespace

std::string content_hash(const Tensor& t) {
  // FNV-1a over 8-byte words, then the rest: quick, and only to tell blobs apart.
  uint64_t h = 0xcbf29ce484222325;
  const auto mix = [&](const void* data, size_t n) {
    const auto* p = static_cast<const unsigned char*>(data);
    for (; n >= 8; p += 8, n -= 8) {
      uint64_t word = 0;
      std::memcpy(&word, p, 8);
      h = (h ^ word) * 0x100000001b3;
      h ^= h >> 29;
    }
    for (; n > 0; ++p, --n) h = (h ^ *p) * 0x100000001b3;
  };
  if (t.elem() == ElemType::string)
    for (const std::string& s : t.strings()) mix(s.data(), s.size() + 1);
  else
    mix(t.bytes(), t.byte_size());
  return hex(h);
}

std::string print(const Graph& graph, const PrintOptions& options) {
  return Printer(graph, nullptr, options, 0).run() + "\n";
}

}  // namespace assay::ir

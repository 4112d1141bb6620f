// The text form's parser: recursive descent, one function a rule.
#include <algorithm>
#include <charconv>
#include <cstring>
#include <unordered_map>

#include "base/checked.h"
#include "ir/quote.h"
#include "ir/text.h"
#include "num/policy_text.h"

namespace assay::ir {
namespace {

constexpr int kMaxDepth = 32;
constexpr int64_t kMaxInline = 1 << 20;

class Parser {
 public:
  Parser(std::string_view text, const BlobSource& blobs) : text_(text), blobs_(blobs) {}

  Result<Graph> run() {
    Graph g;
    ASSAY_CHECK(graph(g, nullptr, 0));
    skip();
    if (at_ != text_.size()) return fail("nothing after the graph");
    return g;
  }

 private:
  using Names = std::unordered_map<std::string, ValueId>;

  Error fail(std::string_view expected) const {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at_ && i < text_.size(); ++i) {
      column = text_[i] == '\n' ? 1 : column + 1;
      line += text_[i] == '\n';
    }
    return Error{Code::file_malformed, "expected " + std::string(expected),
                 "line " + std::to_string(line) + ", column " + std::to_string(column),
                 "docs/ir.md describes the form"};
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept(std::string_view token) {
    skip();
    if (text_.substr(at_, token.size()) != token) return false;
    const size_t end = at_ + token.size();
    if (is_name_char(token.back()) && end < text_.size() && is_name_char(text_[end])) return false;  // a longer word
    at_ = end;
    return true;
  }
  Status expect(std::string_view token) {
    if (accept(token)) return {};
    return fail("'" + std::string(token) + "'");
  }
  /// A run of name characters.
  std::string_view word() {
    skip();
    const size_t start = at_;
    while (at_ < text_.size() && (is_name_char(text_[at_]) || text_[at_] == '+')) ++at_;
    return text_.substr(start, at_ - start);
  }
  Result<std::string> string() {
    ASSAY_CHECK(expect("\""));
    std::string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      char c = text_[at_++];
      if (c == '\\') {
        if (at_ >= text_.size()) break;
        c = text_[at_++];
        if (c == 'x') {
          unsigned code = 0;
          const auto [end, error] =
              std::from_chars(text_.data() + at_, text_.data() + std::min(at_ + 2, text_.size()), code, 16);
          if (error != std::errc() || end != text_.data() + at_ + 2) return fail("two hexadecimal digits");
          at_ += 2;
          c = static_cast<char>(code);
        }
      }
      out += c;
    }
    if (at_ >= text_.size()) return fail("the end of a string");
    ++at_;
    return out;
  }
  Result<std::string> name() {
    skip();
    if (at_ < text_.size() && text_[at_] == '"') return string();
    const std::string_view w = word();
    if (w.empty()) return fail("a name");
    return std::string(w);
  }
  template <class T>
  Result<T> number(int base = 10) {
    const std::string_view w = word();
    T value{};
    std::from_chars_result r{};
    if constexpr (std::is_floating_point_v<T>) {
      r = std::from_chars(w.data(), w.data() + w.size(), value);
    } else {
      r = std::from_chars(w.data(), w.data() + w.size(), value, base);
    }
    if (r.ec != std::errc() || r.ptr != w.data() + w.size() || w.empty()) return fail("a number");
    return value;
  }

  Result<Type> type(int depth);
  Result<Type> tensor_type(std::string_view elem);
  Result<Tensor> tensor(const Type& type, std::string_view name);
  Status element(Tensor& t, int64_t i);
  Status bits(Tensor& t, int64_t i, std::string_view digits);
  Result<float> float_value();
  Result<AttrValue> attribute(Graph& g, const Names& names, const std::string& name, int depth);
  Result<ValueId> use(const Names& names);
  Result<ValueId> declare(Graph& g, Names& names, int depth);
  Status graph(Graph& g, const Names* outer, int depth);
  Status op(Graph& g, Names& names, int depth);
  template <class T, class Item>
  Result<AttrValue> list(Item item) {
    std::vector<T> out;
    ASSAY_CHECK(expect("["));
    while (!accept("]")) {
      if (!out.empty()) ASSAY_CHECK(expect(","));
      ASSAY_TRY(T value, item());
      out.push_back(std::move(value));
    }
    return AttrValue(std::move(out));
  }

  std::string_view text_;
  const BlobSource& blobs_;
  size_t at_ = 0;
};

Result<Type> Parser::tensor_type(std::string_view elem) {
  Type t;
  if (elem != elem_name(ElemType::undefined)) {
    const auto named = elem_named(elem);
    if (!named) return fail("an element type");
    t.elem = *named;
  }
  ASSAY_CHECK(expect("["));
  if (accept("...")) {
    ASSAY_CHECK(expect("]"));
    return t;
  }
  t.shape.emplace();
  while (!accept("]")) {
    if (!t.shape->empty()) ASSAY_CHECK(expect(","));
    if (accept("?")) {
      t.shape->emplace_back();
      continue;
    }
    skip();
    const bool digit = at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9';
    if (digit) {
      ASSAY_TRY(const int64_t value, number<int64_t>());
      t.shape->emplace_back(value);
    } else {
      ASSAY_TRY(std::string symbol, name());
      t.shape->emplace_back(std::move(symbol));
    }
  }
  return t;
}

Result<Type> Parser::type(int depth) {
  if (depth > kMaxDepth) return fail("types that are nested less deeply");
  const std::string_view w = word();
  Type t;
  if (w == "seq")
    t.kind = Type::Kind::sequence;
  else if (w == "optional")
    t.kind = Type::Kind::optional;
  else if (w == "map")
    t.kind = Type::Kind::map;
  else
    return tensor_type(w);
  ASSAY_CHECK(expect("("));
  if (t.kind == Type::Kind::map) {
    const auto key = elem_named(word());
    if (!key) return fail("a key type");
    t.elem = *key;
    ASSAY_CHECK(expect(","));
  }
  ASSAY_TRY(Type inner, type(depth + 1));
  t.element = std::make_shared<const Type>(std::move(inner));
  ASSAY_CHECK(expect(")"));
  return t;
}

Status Parser::bits(Tensor& t, int64_t i, std::string_view digits) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  const auto width = static_cast<size_t>(elem_bits(t.elem()) / 8);
  if (error != std::errc() || end != digits.data() + digits.size() || width == 0) return fail("hexadecimal bits");
  std::memcpy(t.mutable_bytes() + static_cast<size_t>(i) * width, &value, width);
  return {};
}

Status Parser::element(Tensor& t, int64_t i) {
  if (t.elem() == ElemType::string) {
    ASSAY_TRY(t.mutable_strings()[static_cast<size_t>(i)], string());
    return {};
  }
  skip();
  if (text_.substr(at_, 2) == "0x" && is_float(t.elem())) return bits(t, i, word().substr(2));
  if (is_float(t.elem())) {
    ASSAY_TRY(const double value, number<double>());
    t.set_float(i, value);
  } else if (t.elem() == ElemType::uint64) {
    ASSAY_TRY(const uint64_t value, number<uint64_t>());
    t.set_int(i, static_cast<int64_t>(value));
  } else {
    ASSAY_TRY(const int64_t value, number<int64_t>());
    t.set_int(i, value);
  }
  return {};
}

Result<Tensor> Parser::tensor(const Type& type, std::string_view name) {
  if (!type.is_static() || type.elem == ElemType::undefined) return fail("a tensor type without unknowns");
  if (accept("#blob")) {
    std::string hash;
    if (at_ < text_.size() && text_[at_] == ':') {
      ++at_;
      hash = word();
    }
    Tensor t = blobs_ ? blobs_(name, type) : Tensor();
    if (t.empty_handle()) return fail("the bytes of '" + std::string(name) + "', which nobody gave,");
    if (t.elem() != type.elem || t.dims() != type.dims()) return fail("bytes of the declared type");
    if (!hash.empty() && content_hash(t) != hash) return fail("bytes whose hash is " + hash);
    return t;
  }
  const auto count = checked_product(type.dims());
  if (!count || *count > kMaxInline || static_cast<uint64_t>(*count) > text_.size()) return fail("fewer elements");
  Tensor t = Tensor::allocate(type.elem, type.dims());
  ASSAY_CHECK(expect("{"));
  for (int64_t i = 0; i < *count; ++i) {
    if (i > 0) ASSAY_CHECK(expect(","));
    ASSAY_CHECK(element(t, i));
  }
  ASSAY_CHECK(expect("}"));
  return t;
}

Result<float> Parser::float_value() {
  Tensor t = Tensor::allocate(ElemType::float32, {1});
  ASSAY_CHECK(element(t, 0));
  return t.data<float>()[0];
}

Result<AttrValue> Parser::attribute(Graph& g, const Names& names, const std::string& attr, int depth) {
  skip();
  if (at_ < text_.size() && text_[at_] == '"') {
    ASSAY_TRY(std::string s, string());
    return AttrValue(std::move(s));
  }
  const auto typed_tensor = [&]() -> Result<Tensor> {
    ASSAY_CHECK(expect("tensor"));
    ASSAY_TRY(const Type t, type(0));
    return tensor(t, attr);
  };
  const auto nested = [&]() -> Result<std::shared_ptr<Graph>> {
    auto inner = std::make_shared<Graph>();
    ASSAY_CHECK(graph(*inner, &names, depth + 1));
    return inner;
  };
  if (accept("float")) {
    ASSAY_TRY(const float f, float_value());
    return AttrValue(f);
  }
  if (accept("ints")) return list<int64_t>([&] { return number<int64_t>(); });
  if (accept("floats")) return list<float>([&] { return float_value(); });
  if (accept("strings")) return list<std::string>([&] { return string(); });
  if (accept("tensors")) return list<Tensor>(typed_tensor);
  if (accept("graphs")) return list<std::shared_ptr<Graph>>(nested);
  if (accept("types")) return list<Type>([&] { return type(0); });
  if (accept("type")) {
    ASSAY_TRY(Type t, type(0));
    return AttrValue(std::move(t));
  }
  if (text_.substr(at_).starts_with("tensor ")) {
    ASSAY_TRY(Tensor t, typed_tensor());
    return AttrValue(std::move(t));
  }
  if (text_.substr(at_).starts_with("graph ")) {
    ASSAY_TRY(std::shared_ptr<Graph> inner, nested());
    return AttrValue(std::move(inner));
  }
  (void)g;
  ASSAY_TRY(const int64_t i, number<int64_t>());
  return AttrValue(i);
}

Result<ValueId> Parser::use(const Names& names) {
  if (accept("_")) return kNoValue;
  ASSAY_CHECK(expect("%"));
  ASSAY_TRY(const std::string n, name());
  const auto found = names.find(n);
  if (found == names.end()) return fail("a value that is known here, not '" + n + "',");
  return found->second;
}

Result<ValueId> Parser::declare(Graph& g, Names& names, int) {
  if (accept("_")) return kNoValue;
  ASSAY_CHECK(expect("%"));
  ASSAY_TRY(const std::string n, name());
  ASSAY_CHECK(expect(":"));
  ASSAY_TRY(Type t, type(0));
  const ValueId id = g.add_value(n, std::move(t));
  Value& v = g.at(id);
  v.unstated = accept("unstated");
  v.inside = accept("inside");
  if (accept("as")) {
    const auto storage = elem_named(word());
    if (!storage) return fail("a storage type");
    v.storage = *storage;
  }
  if (accept("round")) {
    ASSAY_TRY(const std::string text, string());
    ASSAY_TRY(v.rounding, num::parse_rounding(text));
  }
  v.parameter = accept("parameter");
  if (!names.emplace(n, id).second) return fail("a new name, not '" + n + "' again,");
  return id;
}

Status Parser::op(Graph& g, Names& names, int depth) {
  Op o;
  do {
    ASSAY_TRY(const ValueId id, declare(g, names, depth));
    o.outputs.push_back(id);
  } while (accept(","));
  ASSAY_CHECK(expect("="));
  ASSAY_TRY(o.type, name());
  if (accept("::")) {
    o.domain = std::move(o.type);
    ASSAY_TRY(o.type, name());
  }
  ASSAY_CHECK(expect("("));
  while (!accept(")")) {
    if (!o.inputs.empty()) ASSAY_CHECK(expect(","));
    ASSAY_TRY(const ValueId id, use(names));
    o.inputs.push_back(id);
  }
  if (accept("{")) {
    do {
      ASSAY_TRY(const std::string attr, name());
      ASSAY_CHECK(expect("="));
      ASSAY_TRY(AttrValue value, attribute(g, names, attr, depth));
      if (o.has_attr(attr)) return fail("an attribute that is not there yet");
      o.attrs.push_back({attr, std::move(value)});
    } while (accept(","));
    ASSAY_CHECK(expect("}"));
  }
  if (accept("name")) {
    ASSAY_TRY(o.name, string());
  }
  if (accept("from")) {
    ASSAY_TRY(o.origin, string());
  }
  if (accept("policy")) {
    ASSAY_TRY(const std::string text, string());
    ASSAY_TRY(o.policy, num::parse_policy(text));
  }
  g.add_op(std::move(o));
  return {};
}

Status Parser::graph(Graph& g, const Names* outer, int depth) {
  if (depth > kMaxDepth) return fail("graphs that are nested less deeply");
  Names names;
  ASSAY_CHECK(expect("graph"));
  ASSAY_TRY(g.name, string());
  g.resolved = accept("resolved");
  ASSAY_CHECK(expect("{"));
  while (!accept("return")) {
    if (accept("metadata")) {
      ASSAY_TRY(std::string key, string());
      ASSAY_CHECK(expect("="));
      ASSAY_TRY(g.metadata[key], string());
    } else if (accept("capture")) {
      ASSAY_TRY(const ValueId inner, declare(g, names, depth));
      ASSAY_CHECK(expect("="));
      if (!outer) return fail("no capture outside of nested graphs");
      ASSAY_TRY(const ValueId outside, use(*outer));
      g.captures.emplace_back(inner, outside);
    } else if (accept("input")) {
      ASSAY_TRY(const ValueId id, declare(g, names, depth));
      if (id == kNoValue) return fail("an input with a name");
      g.inputs.push_back(id);
    } else if (accept("state")) {
      ASSAY_TRY(std::string state, string());
      ASSAY_CHECK(expect("="));
      ASSAY_TRY(const ValueId id, declare(g, names, depth));
      if (id == kNoValue) return fail("a state with a value");
      g.states.push_back({std::move(state), id, id});
    } else if (accept("keep")) {
      ASSAY_TRY(const std::string state, string());
      const auto found = std::ranges::find(g.states, state, &State::name);
      if (found == g.states.end()) return fail("a state, not '" + state + "',");
      ASSAY_CHECK(expect("="));
      ASSAY_TRY(found->after, use(names));
      if (found->after == kNoValue) return fail("a value to keep");
    } else if (accept("const")) {
      ASSAY_TRY(const ValueId id, declare(g, names, depth));
      if (id == kNoValue) return fail("a constant with a name");
      ASSAY_CHECK(expect("="));
      ASSAY_TRY(Tensor t, tensor(g.at(id).type, g.at(id).name));
      g.at(id).constant = std::make_shared<const Tensor>(std::move(t));
    } else {
      ASSAY_CHECK(op(g, names, depth));
    }
  }
  while (!accept("}")) {
    if (!g.outputs.empty()) ASSAY_CHECK(expect(","));
    ASSAY_TRY(const ValueId id, use(names));
    g.outputs.push_back(id);
  }
  return {};
}

}  // namespace

Result<Graph> parse(std::string_view text, const BlobSource& blobs) { return Parser(text, blobs).run(); }

}  // namespace assay::ir

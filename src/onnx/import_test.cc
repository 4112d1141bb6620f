#include "onnx/import.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "onnx/proto.h"

namespace assay::onnx {
namespace {

// A model is written as nested text: field(number, bytes or number). Independent of the project's own writer.
std::string varint(uint64_t v) {
  std::string out;
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  return out + static_cast<char>(v);
}
std::string num(int field, uint64_t v) { return varint(static_cast<uint64_t>(field) << 3) + varint(v); }
std::string str(int field, const std::string& s) {
  return varint(static_cast<uint64_t>(field) << 3 | 2) + varint(s.size()) + s;
}
template <class T>
std::string raw(const std::vector<T>& values) {
  std::string out(values.size() * sizeof(T), '\0');
  std::memcpy(out.data(), values.data(), out.size());
  return out;
}

std::string dim(int64_t d) { return str(1, num(1, static_cast<uint64_t>(d))); }
std::string tensor_type(int elem, const std::string& dims) {
  return str(1, num(1, static_cast<uint64_t>(elem)) + str(2, dims));
}
std::string value(const std::string& name, const std::string& type) { return str(1, name) + str(2, type); }
std::string node(const std::string& op, const std::vector<std::string>& in, const std::vector<std::string>& out,
                 const std::string& more = "") {
  std::string n;
  for (const auto& i : in) n += str(1, i);
  for (const auto& o : out) n += str(2, o);
  return n + str(4, op) + more;
}
std::string model(const std::string& graph, int64_t ir = 8, int64_t opset = 17, const std::string& more = "") {
  return num(1, static_cast<uint64_t>(ir)) + str(7, graph) + str(8, str(1, "") + num(2, static_cast<uint64_t>(opset))) +
         more;
}
Result<ir::Graph> import(const std::string& bytes) {
  Warnings warnings;
  return import_bytes(std::as_bytes(std::span(bytes)), warnings);
}
const std::string kX = value("x", tensor_type(1, dim(2) + dim(3)));

TEST(Import, OneNode) {
  auto g = import(model(str(1, node("Identity", {"x"}, {"y"})) + str(11, kX) + str(12, value("y", ""))));
  ASSERT_TRUE(g.ok()) << g.error().message;
  ASSERT_EQ(g->ops.size(), 1U);
  EXPECT_EQ(g->ops[0].type, "Identity");
  ASSERT_NE(g->ops[0].def, nullptr);
  EXPECT_EQ(to_string(g->at(g->outputs[0]).type), "float32[2,3]");
}

TEST(Import, MissingOperatorsAreListedTogether) {
  auto g =
      import(model(str(1, node("Nope", {"x"}, {"a"})) + str(1, node("Nope", {"a"}, {"b"})) +
                   str(1, node("Nada", {"b"}, {"y"}, str(7, "my.domain"))) + str(11, kX) + str(12, value("y", ""))));
  ASSERT_FALSE(g.ok());
  EXPECT_EQ(g.error().code, Code::op_unsupported);
  EXPECT_NE(g.error().message.find("Nope (2 nodes, first: Nope (writes 'a'))"), std::string::npos) << g.error().message;
  EXPECT_NE(g.error().message.find("my.domain.Nada (1 node"), std::string::npos) << g.error().message;
}

TEST(Import, EveryTruncationIsAnErrorOrAModel) {
  const std::string whole = model(str(1, node("Identity", {"x"}, {"y"})) + str(11, kX) + str(12, value("y", "")));
  for (size_t n = 0; n < whole.size(); ++n) {
    auto g = import(whole.substr(0, n));
    if (!g.ok()) {
      EXPECT_NE(g.error().code, Code::internal) << n;
    }
  }
}

}  // namespace
}  // namespace assay::onnx

#include "onnx/import.h"

#include <gtest/gtest.h>

#include <string>

#include "onnx/test_bytes.h"

namespace assay::onnx {
namespace {

using namespace bytes;

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

TEST(Import, NodesOutOfOrderAreNamed) {
  const auto g = import(model(str(1, node("Relu", {"a"}, {"y"})) + str(1, node("Neg", {"x"}, {"a"}, str(3, "late"))) +
                              str(11, kX) + str(12, value("y", ""))));
  ASSERT_FALSE(g.ok());
  EXPECT_EQ(g.error().code, Code::model_invalid);
  EXPECT_NE(g.error().message.find("reads 'a', which Neg 'late' writes only after it"), std::string::npos)
      << g.error().message;
  EXPECT_EQ(g.error().where, "Relu (writes 'y')");
  const auto nobody = import(model(str(1, node("Relu", {"a"}, {"y"})) + str(12, value("y", ""))));
  EXPECT_NE(nobody.error().message.find("reads 'a', which no node"), std::string::npos) << nobody.error().message;
}

TEST(Import, DeclaredOutputTypesMayNotContradict) {
  const auto declared = [](const std::string& type) {
    return import(model(str(1, node("Relu", {"x"}, {"y"})) + str(11, kX) + str(12, value("y", type))));
  };
  EXPECT_TRUE(declared("").ok());
  EXPECT_TRUE(declared(tensor_type(1, dim(7))).ok());  // shapes are inferred, whatever is declared
  for (const std::string& type : {tensor_type(10, dim(2)), str(4, str(1, tensor_type(1, dim(2))))}) {
    const auto g = declared(type);
    ASSERT_FALSE(g.ok());
    EXPECT_EQ(g.error().code, Code::model_invalid);
    EXPECT_EQ(g.error().where, "graph output 'y'");
    EXPECT_NE(g.error().message.find("but Relu (writes 'y') gives it float32"), std::string::npos) << g.error().message;
  }
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

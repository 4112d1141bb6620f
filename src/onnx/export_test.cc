#include "onnx/export.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "onnx/import.h"
#include "onnx/oldest.h"
#include "ops/def.h"

namespace assay::onnx {
namespace {
using ir::Dim;
using ir::ElemType;
using ir::ValueId;

std::string temporary(const char* name) { return (std::filesystem::path(testing::TempDir()) / name).string(); }

Result<ir::Graph> round_trip(const ir::Graph& g, const char* name) {
  const std::string path = temporary(name);
  if (auto status = export_model(g, path); !status.ok()) return std::move(status).error();
  Warnings warnings;
  return import_model(path, warnings);
}

ir::Op make_op(const char* type, std::vector<ValueId> in, std::vector<ValueId> out) {
  ir::Op op{.domain = "", .type = type, .name = ""};
  op.inputs = std::move(in);
  op.outputs = std::move(out);
  op.def = ops::find_op("", type);
  return op;
}

/// y = Concat(x, w)
ir::Graph small() {
  ir::Graph g;
  g.name = "odd \"name\"";
  const ValueId x = g.add_value("x:0 {\"a\"}", ir::Type::tensor(ElemType::float32, std::vector<Dim>{Dim("n"), 2}));
  const float w[] = {1, 1.0009765625F + 0.0001F};
  const ValueId c = g.add_constant("w", ir::Tensor::of<float>(ElemType::float32, {1, 2}, w));
  const ValueId y = g.add_value("y", ir::Type::tensor(ElemType::float32, std::vector<Dim>{Dim(), 2}));
  ir::Op op = make_op("Concat", {x, c}, {y});
  op.name = "join";
  op.attrs = {{"axis", int64_t{0}}};
  g.add_op(op);
  g.inputs = {x};
  g.outputs = {y};
  return g;
}

TEST(Export, NoTwoNodesShareAName) {
  ir::Graph g;
  const ValueId x = g.add_value("x", ir::Type::tensor(ElemType::float32, std::vector<Dim>{2}));
  const ValueId middle = g.add_value("m", ir::Type::tensor(ElemType::float32, std::vector<Dim>{2}));
  const ValueId y = g.add_value("y", ir::Type::tensor(ElemType::float32, std::vector<Dim>{2}));
  for (const auto& [in, out] : {std::pair{x, middle}, std::pair{middle, y}}) {
    ir::Op op = make_op("Relu", {in}, {out});
    op.name = "layer";
    g.add_op(op);
  }
  g.inputs = {x};
  g.outputs = {y};
  const auto back = round_trip(g, "names.onnx");
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->ops[0].name, "layer");
  EXPECT_EQ(back->ops[1].name, "layer_1");
}

TEST(Export, UnresolvedGraphsComeBack) {
  const ir::Graph g = small();
  const auto back = round_trip(g, "small.onnx");
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->name, g.name);
  EXPECT_EQ(to_string(back->at(back->inputs[0]).type), "float32[n,2]");
  EXPECT_EQ(back->at(back->inputs[0]).name, g.at(g.inputs[0]).name);
  ASSERT_EQ(back->ops.size(), 1U);
  EXPECT_EQ(back->ops[0].name, "join");
  EXPECT_EQ(back->ops[0].attr_int("axis", 7), 0);
  EXPECT_TRUE(same_bits(*back->at(*back->find("w")).constant, *g.at(*g.find("w")).constant));
}

TEST(Export, StorageBecomesCastPairs) {
  ir::Graph g = small();
  g.resolved = true;
  const num::Rounding half{num::format(num::FormatId::float16)};
  for (ir::Value& v : g.values) v.storage = ElemType::float16;
  g.at(g.inputs[0]).storage = ElemType::float32;  // what resolve leaves: the input, then assay.Round
  g.at(*g.find("w")).rounding = half;
  g.ops[0].policy.result = half;
  // Cast has no row in every build of the table: read what was written without importing.
  ASSERT_TRUE(export_model(g, temporary("pairs.onnx")).ok());
  const auto file = MappedFile::open(temporary("pairs.onnx"));
  const std::string_view bytes(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  EXPECT_NE(bytes.find("w@raw"), std::string_view::npos);
  EXPECT_NE(bytes.find("y@float16"), std::string_view::npos);
  EXPECT_NE(bytes.find("y@raw"), std::string_view::npos);
}

TEST(Export, DeclaredFloat64SaysThatItIsComputedInFloat64) {
  ir::Graph g = small();
  g.resolved = true;
  for (ir::Value& v : g.values) v.storage = v.type.elem;
  g.ops[0].policy.compute = num::FormatId::float64;
  EXPECT_FALSE(export_model(g, temporary("double.onnx")).ok());
  for (ir::Value& v : g.values) v.storage = v.type.elem = ir::ElemType::float64;
  for (ir::Value& v : g.values) v.constant.reset();
  EXPECT_TRUE(export_model(g, temporary("double.onnx")).ok());
}

TEST(Export, WhatOnnxCannotSayIsNamed) {
  ir::Graph g = small();
  g.resolved = true;
  for (ir::Value& v : g.values) v.storage = v.type.elem;
  g.ops[0].policy.accumulator.kind = num::Accumulator::Kind::exact;
  const auto status = export_model(g, temporary("never.onnx"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::not_expressible);
  EXPECT_EQ(status.error().where, "Concat 'join'");
  EXPECT_NE(status.error().message.find("accumulator"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(temporary("never.onnx")));
}

ir::Op cast_to_half(ir::Graph& g, ValueId from, const char* name) {
  ir::Op op = make_op("Cast", {from}, {g.add_value(name, ir::Type::of(ElemType::float16, {2}))});
  op.set_attr("to", static_cast<int64_t>(ElemType::float16));
  return op;
}

TEST(OldestVersion, IsWhereTheNodeSaysTheSameFirst) {
  ir::Graph g;
  const ValueId x = g.add_value("x", ir::Type::of(ElemType::float32, {2}));
  ir::Op cast = cast_to_half(g, x, "a");
  EXPECT_EQ(oldest_version(g, cast), 13);
  cast.set_attr("saturate", int64_t{1});  // an attribute of operator set 19
  EXPECT_EQ(oldest_version(g, cast), cast.def->since);
}

TEST(OldestVersion, IsTheRowsForTypesThatCameLater) {
  ir::Graph g;
  for (const auto& [elem, version] : {std::pair{ElemType::float16, 13}, std::pair{ElemType::bfloat16, 22}}) {
    const ValueId x = g.add_value("x", ir::Type::of(elem, {2})), y = g.add_value("y", ir::Type::of(elem, {2}));
    EXPECT_EQ(oldest_version(g, make_op("Softplus", {x}, {y})), version);
  }
  const ValueId unknown = g.add_value("unknown", {});
  EXPECT_EQ(oldest_version(g, make_op("Softplus", {unknown}, {unknown})), 22);
}

}  // namespace
}  // namespace assay::onnx

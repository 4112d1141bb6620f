#include "ir/text.h"

#include <gtest/gtest.h>

#include "ir/verify.h"

namespace assay::ir {
namespace {

// Everything that the form can say.
constexpr std::string_view kText = R"(graph "all \"of\" it" resolved {
  metadata "onnx.opset" = "17"
  input %x: float32[n,3,?,"a b"] as float32
  input %"name with spaces:0": int64[...]
  input %s: seq(map(int64,optional(float32[]))) unstated
  state "kept \"\x0a" = %kept: float16[2] as float16
  const %w: float32[2,3] as float16 round "float16 nearest-even" = {1, -0, 0.1, inf, -inf, 0x7fc00001}
  const %big: float16[100] = #blob
  const %i: uint64[2] parameter = {0, 18446744073709551615}
  const %t: string[1] = {"\x0a\"\\"}
  const %none: float32[0] = {}
  %y: float32[n,3] as float16, _, %z: undefined[...] = com.microsoft::FusedMatMul(%x, _, %w) {alpha = float 0.5, n = 3, mode = "x", ints = ints[1, 2], floats = floats[], strings = strings["a"], value = tensor int64[2] {1, 2}, type = type float32[?], types = types[seq(int8[...])], tensors = tensors[tensor bool[1] {1}]} name "node 1" from "innerProduct" policy "result=float16 nearest-even; accumulator.kind=exact"
  %inner: float32[] inside as float32 = Neg(%y)
  %q: float32[] as float32 = If(%i, %big, %t, %none) {then_branch = graph "then" {
    capture %outer: float32[n,3] = %y
    input %inner: float32[1]
    %r: float32[1] = Add(%outer, %inner)
    return %r
  }, many = graphs[graph "" {
    return
  }]}
  keep "kept \"\x0a" = %kept
  return %y, %q
}
)";

Tensor blob(std::string_view name, const Type& type) {
  EXPECT_EQ(name, "big");
  Tensor t = Tensor::allocate(type.elem, type.dims());
  for (int64_t i = 0; i < t.size(); ++i) t.set_float(i, static_cast<double>(i));
  return t;
}

TEST(Text, RoundTrip) {
  const auto g = parse(kText, blob);
  ASSERT_TRUE(g.ok()) << g.error().message << " at " << g.error().where;
  EXPECT_EQ(print(*g), kText);
}

TEST(Text, BlobsCanBeChecked) {
  const auto g = parse(kText, blob);
  const std::string text = print(*g, {.hash_blobs = true});
  EXPECT_TRUE(parse(text, blob).ok());
  const auto other = [](std::string_view name, const Type& type) {
    Tensor t = blob(name, type);
    t.set_float(99, 0);
    return t;
  };
  EXPECT_FALSE(parse(text, other).ok());
  EXPECT_FALSE(parse(text).ok());
}

TEST(Text, EveryTruncationIsAnError) {
  for (size_t n = 0; n + 2 < kText.size(); ++n) {
    const auto g = parse(kText.substr(0, n),
                         [](std::string_view, const Type& type) { return Tensor::allocate(type.elem, type.dims()); });
    ASSERT_FALSE(g.ok()) << n;
    EXPECT_EQ(g.error().code, Code::file_malformed);
    EXPECT_TRUE(g.error().where.starts_with("line ")) << g.error().where;
  }
}

TEST(Text, AbsurdSizesAreRefused) {
  EXPECT_FALSE(parse(R"(graph "" { const %a: float32[4611686018427387904,8] = {1} return })").ok());
  EXPECT_FALSE(parse(R"(graph "" { const %a: float32[1000000] = {1} return })").ok());
  std::string deep = "graph \"\" { input %x: ";
  for (int i = 0; i < 100; ++i) deep += "seq(";
  EXPECT_FALSE(parse(deep).ok());
}

// One small graph a rule, each breaking only that rule.
Graph sound() {
  auto g = parse(R"(graph "g" { input %x: float32[2] const %c: float32[1] = {1}
    %y: float32[2] = Add(%x, %c) %z: float32[2] = Neg(%y) return %z })");
  return *std::move(g);
}
std::string broken(const Graph& g) {
  const auto status = verify(g);
  return status.ok() ? "" : status.error().message.substr(0, status.error().message.find(':'));
}

TEST(Verify, EachRuleIsHeld) {
  EXPECT_EQ(broken(sound()), "");
  Graph g = sound();
  g.ops[0].inputs[0] = 99;
  EXPECT_EQ(broken(g), "ir_v1");
  g = sound();
  g.values[1].name = g.values[0].name;
  EXPECT_EQ(broken(g), "ir_v2");
  g = sound();
  g.ops[1].outputs = g.ops[0].outputs;
  EXPECT_EQ(broken(g), "ir_v3");
  g = sound();
  std::swap(g.ops[0], g.ops[1]);
  g.relink();
  EXPECT_EQ(broken(g), "ir_v4");
  g = sound();
  g.values[2].producer = 1;
  EXPECT_EQ(broken(g), "ir_v5");
  g = sound();
  g.values[1].type.elem = ElemType::int32;
  EXPECT_EQ(broken(g), "ir_v6");
  g = sound();
  g.values[0].type.kind = Type::Kind::sequence;
  EXPECT_EQ(broken(g), "ir_v7");
  g = sound();
  g.resolved = true;
  EXPECT_EQ(broken(g), "ir_v8");
  g = sound();
  g.ops[0].attrs = {{"a", int64_t{1}}, {"a", int64_t{2}}};
  EXPECT_EQ(broken(g), "ir_v9");
  g = sound();
  g.states = {{"s", 0, 3}};
  EXPECT_EQ(broken(g), "ir_v3");  // an input too
  const ValueId before = g.add_value("before", Type::of(ElemType::float16, {2}));
  g.states = {{"s", before, 3}};
  EXPECT_EQ(broken(g), "ir_v10");
  g.at(before).type.elem = ElemType::float32;
  EXPECT_EQ(broken(g), "");
  EXPECT_EQ(verifier_rules().size(), 11U);
}

TEST(Verify, WhatIsInsideALayerIsReadByItAlone) {
  Graph g = sound();
  g.at(2).inside = true;
  EXPECT_EQ(broken(g), "ir_v11");  // no layer wrote it
  for (Op& op : g.ops) op.origin = "scale", op.name = "s";
  EXPECT_EQ(broken(g), "");
  g.ops[1].name = "t";
  EXPECT_EQ(broken(g), "ir_v11");
  g.ops[1].name = "s";
  g.outputs.push_back(2);
  EXPECT_EQ(broken(g), "ir_v11");
  g = sound();
  g.at(0).inside = true;  // nobody writes an input
  EXPECT_EQ(broken(g), "ir_v11");
}

TEST(Verify, NestedGraphsCaptureWhatIsWrittenBefore) {
  Graph g = sound();
  auto inner = std::make_shared<Graph>();
  inner->captures = {{inner->add_value("c", g.at(3).type), 3}};
  inner->outputs = {0};
  g.ops[0].attrs = {{"body", inner}};
  EXPECT_EQ(broken(g), "ir_v4");
  std::swap(g.ops[0].attrs, g.ops[1].attrs);
  inner->captures[0].second = 2;
  EXPECT_EQ(broken(g), "");
}

TEST(Verify, NestedGraphsToo) {
  Graph g = sound();
  auto inner = std::make_shared<Graph>(sound());
  inner->captures = {{0, 1000}};
  inner->inputs.clear();
  g.ops[0].attrs = {{"body", inner}};
  EXPECT_EQ(broken(g), "ir_v1");
}

TEST(Graph, FreshNames) {
  Graph g;
  g.add_value("a", {});
  g.reserve_name("a_1");
  EXPECT_EQ(g.fresh_name("a"), "a_2");
  EXPECT_EQ(g.fresh_name("a"), "a_3");
  g.add_value("b", {});
  EXPECT_EQ(g.fresh_name("b"), "b_1");
  EXPECT_EQ(g.fresh_name("c"), "c");
  EXPECT_FALSE(g.fresh_name("").empty());
}

TEST(Tensor, MisalignedViewsCanBeAligned) {
  alignas(8) const std::byte bytes[12]{};
  const Tensor t = Tensor::view(ElemType::float32, {2}, bytes + 1, nullptr);
  EXPECT_FALSE(t.is_aligned());
  EXPECT_TRUE(t.aligned().is_aligned());
  EXPECT_TRUE(same_bits(t, t.aligned()));
  EXPECT_TRUE(Tensor::view(ElemType::int8, {2}, bytes + 1, nullptr).is_aligned());
}

}  // namespace
}  // namespace assay::ir

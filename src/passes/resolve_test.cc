#include "passes/resolve.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ir/text.h"
#include "ir/verify.h"
#include "ops/def.h"

namespace assay::passes {
namespace {

using ir::ElemType;
using ir::Graph;
using ir::Op;
using ir::ValueId;

constexpr ops::In kFloats[] = {{"x", ops::kAnything, ops::kVariadic}};
constexpr ops::In kSecondExempt[] = {{"x", ops::kAnything}, {"scales", ops::kAnything, ops::kExempt}};
constexpr ops::OpDef kCompute{.name = "Compute", .doc = "", .in = kFloats, .numeric = ops::Numeric::contraction};
constexpr ops::OpDef kMove{.name = "Move", .doc = "", .in = kFloats, .view = true};
constexpr ops::OpDef kResize{.name = "Resize", .doc = "", .in = kSecondExempt, .numeric = ops::Numeric::composite};

ValueId value(Graph& g, const std::string& name, ElemType elem = ElemType::float32) {
  return g.add_value(name, ir::Type::of(elem, {2}));
}
ValueId constant(Graph& g, const std::string& name) {
  return g.add_constant(name, ir::Tensor::of<float>(ElemType::float32, {2}, std::vector<float>{1.0001f, 2}));
}
ValueId add(Graph& g, const ops::OpDef& def, std::vector<ValueId> in, const std::string& out,
            ElemType elem = ElemType::float32) {
  Op op;
  op.type = def.name;
  op.inputs = std::move(in);
  op.outputs = {value(g, out, elem)};
  op.def = &def;
  g.add_op(std::move(op));
  return g.ops.back().outputs[0];
}
Graph resolved(const Graph& g, const char* profile) {
  auto r = resolve(g, *profiles::built_in_profile(profile), 0);
  EXPECT_TRUE(r.ok());
  return *std::move(r);
}
/// The program as one line an op: "TYPE(in:storage, ...) -> out:storage".
std::string text(const Graph& g) {
  std::string all;
  const auto name = [&](ValueId id) { return g.at(id).name + ":" + std::string(ir::elem_name(g.at(id).storage)); };
  for (const Op& op : g.ops) {
    all += op.type + "(";
    for (const ValueId id : op.inputs) all += (id == op.inputs[0] ? "" : ", ") + name(id);
    all += ") -> " + name(op.outputs[0]) + "\n";
  }
  return all;
}

TEST(Resolve, StoresInputsWeightsAndResultsAndReturnsDeclaredTypes) {
  Graph g;
  const ValueId x = value(g, "x"), w = constant(g, "w");
  g.inputs = {x};
  const ValueId h = add(g, kCompute, {x, w}, "h");
  g.outputs = {add(g, kMove, {h}, "y")};
  const Graph f16 = resolved(g, "f16-storage");
  EXPECT_EQ(text(f16),
            "Round(x:float32) -> x@float16:float16\n"
            "Compute(x@float16:float16, w:float16) -> h:float16\n"
            "Move(h:float16) -> y@float16:float16\n"
            "Round(y@float16:float16) -> y:float32\n");
  EXPECT_TRUE(f16.resolved);
  EXPECT_TRUE(f16.at(*f16.find("w")).rounding.has_value());
  EXPECT_EQ(f16.ops[0].policy.result->format, num::format(num::FormatId::float16));
  EXPECT_FALSE(f16.ops[3].policy.result.has_value());
  EXPECT_EQ(f16.at(f16.outputs[0]).name, "y");

  EXPECT_EQ(text(resolved(g, "strict-f32")),
            "Compute(x:float32, w:float32) -> h:float32\nMove(h:float32) -> y:float32\n");
  EXPECT_EQ(text(resolved(g, "f64")),
            "Round(x:float32) -> x@float64:float64\n"
            "Compute(x@float64:float64, w:float64) -> h:float64\n"
            "Move(h:float64) -> y:float64\n");
}

TEST(Resolve, ExemptInputsReadBeforeRounding) {
  Graph g;
  const ValueId x = value(g, "x"), c = constant(g, "c");
  g.inputs = {x};
  const ValueId s = add(g, kCompute, {x, c}, "s");  // read as data, as a parameter, and returned
  const ValueId a = add(g, kResize, {s, s}, "a");
  const ValueId b = add(g, kResize, {a, c}, "b");
  g.outputs = {b, s};
  const Graph f16 = resolved(g, "f16-storage");
  EXPECT_EQ(text(f16),
            "Round(x:float32) -> x@float16:float16\n"
            "Compute(x@float16:float16, c:float16) -> s@raw:float32\n"
            "Round(s@raw:float32) -> s@float16:float16\n"
            "Resize(s@float16:float16, s@raw:float32) -> a:float16\n"
            "Resize(a:float16, c@raw:float32) -> b@float16:float16\n"
            "Round(b@float16:float16) -> b:float32\n"
            "Round(s@float16:float16) -> s:float32\n");
  EXPECT_FALSE(f16.ops[1].policy.result.has_value());
  EXPECT_TRUE(f16.ops[2].policy.result.has_value());
  const auto& raw = f16.at(*f16.find("c@raw"));
  EXPECT_FALSE(raw.rounding.has_value());
  EXPECT_EQ(raw.constant, g.at(c).constant);  // shared, not copied
}

TEST(Resolve, ParametersMadeOfAttributesStayRaw) {
  Graph g;
  const ValueId x = value(g, "x"), p = constant(g, "p");
  g.at(p).parameter = true;
  g.inputs = {x};
  const ValueId y = add(g, kCompute, {x, p}, "y");
  g.outputs = {add(g, kMove, {y, p}, "z")};
  EXPECT_EQ(text(resolved(g, "f16-storage")),
            "Round(x:float32) -> x@float16:float16\n"
            "Compute(x@float16:float16, p:float32) -> y:float16\n"
            "Move(y:float16, p@float16:float16) -> z@float16:float16\n"
            "Round(z@float16:float16) -> z:float32\n");
}

/// An operation of the layer "l"; `inside`: its result stays there.
ValueId in_layer(Graph& g, const ops::OpDef& def, std::vector<ValueId> in, const std::string& out, bool inside) {
  const ValueId id = add(g, def, std::move(in), out);
  g.ops.back().origin = "layer";
  g.ops.back().name = "l";
  g.at(id).inside = inside;
  return id;
}

TEST(Resolve, LayersRoundWhatTheyLoadAndWhatTheyStore) {
  Graph g;
  const ValueId x = value(g, "x"), w = constant(g, "w"), epsilon = constant(g, "epsilon");
  g.at(epsilon).parameter = true;
  g.inputs = {x};
  const ValueId a = in_layer(g, kCompute, {x, w}, "a", true);
  const ValueId b = in_layer(g, kMove, {a, x, epsilon}, "b", true);
  g.outputs = {in_layer(g, kCompute, {b, w, epsilon}, "y", false)};
  const Graph f16 = resolved(g, "f16-storage");
  EXPECT_EQ(text(f16),
            "Round(x:float32) -> x@float16:float16\n"
            "Compute(x@float16:float16, w:float16) -> a:float32\n"
            "Round(x@float16:float16) -> x@float16@float32:float32\n"
            "Move(a:float32, x@float16@float32:float32, epsilon:float32) -> b:float32\n"
            "Compute(b:float32, w:float16, epsilon:float32) -> y@float16:float16\n"
            "Round(y@float16:float16) -> y:float32\n");
  EXPECT_FALSE(f16.ops[1].policy.result.has_value());
  EXPECT_EQ(f16.ops[2].origin, "layer");
  EXPECT_TRUE(f16.ops[4].policy.result.has_value());
  EXPECT_EQ(ir::print(f16).find("%a: float32[2] inside as float32"), ir::print(f16).find("%a:"));
  EXPECT_TRUE(ir::verify(f16).ok());

  // Each step of an operation is rounded: each operation of a layer too.
  EXPECT_NE(text(resolved(g, "f16-throughout")).find("Compute(x@float16:float16, w:float16) -> a:float16"),
            std::string::npos);
  const Graph f32 = resolved(g, "strict-f32");
  EXPECT_EQ(f32.ops.size(), g.ops.size());
}

TEST(Resolve, WhatALayerOnlyMovesIsRoundedWhereItIsComputed) {
  Graph g;
  const ValueId x = value(g, "x");
  g.inputs = {x};
  const ValueId a = in_layer(g, kCompute, {x}, "a", true);
  const ValueId y = in_layer(g, kMove, {a}, "y", false);
  g.outputs = {y};
  EXPECT_EQ(text(resolved(g, "f16-storage")),
            "Round(x:float32) -> x@float16:float16\n"
            "Compute(x@float16:float16) -> a:float16\n"
            "Move(a:float16) -> y@float16:float16\n"
            "Round(y@float16:float16) -> y:float32\n");
  g.outputs.push_back(in_layer(g, kCompute, {a}, "z", false));  // now the layer computes with it as well
  EXPECT_EQ(text(resolved(g, "f16-storage")),
            "Round(x:float32) -> x@float16:float16\n"
            "Compute(x@float16:float16) -> a:float32\n"
            "Move(a:float32) -> y@raw:float32\n"
            "Round(y@raw:float32) -> y@float16:float16\n"
            "Compute(a:float32) -> z@float16:float16\n"
            "Round(y@float16:float16) -> y:float32\n"
            "Round(z@float16:float16) -> z:float32\n");
}

TEST(Resolve, ComparisonsReadParametersRaw) {
  Graph g;
  const ValueId x = value(g, "x"), p = constant(g, "p");
  g.at(p).parameter = true;
  g.inputs = {x};
  g.outputs = {add(g, kMove, {x, p}, "y", ElemType::boolean)};
  EXPECT_EQ(text(resolved(g, "f16-storage")),
            "Round(x:float32) -> x@float16:float16\nMove(x@float16:float16, p:float32) -> y:bool\n");
}

TEST(Resolve, DivisionByAConstantMultipliesByItsReciprocal) {
  Graph g;
  const ValueId x = value(g, "x");
  const ValueId c = g.add_constant("c", ir::Tensor::of<float>(ElemType::float32, {2}, std::vector<float>{3, 0.1f}));
  g.inputs = {x};
  g.outputs = {add(g, *ops::find_op("", "Div"), {x, c}, "y")};
  const Graph m1 = resolved(g, "coreml-nn-ane");
  EXPECT_EQ(text(m1),
            "Round(x:float32) -> x@float16:float16\n"
            "Mul(x@float16:float16, c@reciprocal:float16) -> y@float16:float16\n"
            "Round(y@float16:float16) -> y:float32\n");
  const ir::Tensor& r = *m1.at(*m1.find("c@reciprocal")).constant;
  EXPECT_EQ(r.float_at(0), 0x1.554p-2);  // 1/3 in float16
  EXPECT_EQ(r.float_at(1), 10);          // float16(0.1) = 0.0999755859375
  EXPECT_EQ(text(resolved(g, "f16-storage")).find("Mul"), std::string::npos);
}

// Labels and codes say nothing about the arithmetic that led to them.
TEST(Resolve, StepsOfOperationsWhoseFirstResultIsNoFloat) {
  Graph g;
  const ValueId x = value(g, "x"), q = value(g, "q", ElemType::uint8);
  g.inputs = {x, q};
  add(g, kCompute, {x}, "label", ElemType::int64);
  g.ops.back().outputs.push_back(value(g, "scores"));
  const ValueId codes = add(g, kCompute, {q, x}, "codes", ElemType::uint8);
  const ValueId moved = add(g, kMove, {q}, "moved", ElemType::uint8);
  g.outputs = {g.ops[0].outputs[0], g.ops[0].outputs[1], codes, moved};
  const Graph r = resolved(g, "f16-throughout");
  const num::Rounding half{.format = num::format(num::FormatId::float16)};
  for (const Op& op : r.ops) {
    if (op.type != "Compute") continue;
    EXPECT_EQ(op.policy.step, half);
    EXPECT_EQ(op.policy.result.has_value(), op.outputs.size() == 2);
  }
}

TEST(Resolve, DeclaredTypesStay) {
  Graph g;
  const ValueId h = value(g, "h", ElemType::float16), d = value(g, "d", ElemType::float64),
                i = value(g, "i", ElemType::int64);
  g.inputs = {h, d, i};
  g.outputs = {add(g, kCompute, {h}, "a", ElemType::float16), add(g, kCompute, {d}, "b", ElemType::float64),
               add(g, kMove, {i}, "c", ElemType::int64)};
  for (const char* profile : {"strict-f32", "f16-storage", "bf16-storage", "f64"}) {
    const Graph r = resolved(g, profile);
    EXPECT_EQ(text(r), "Compute(h:float16) -> a:float16\nCompute(d:float64) -> b:float64\nMove(i:int64) -> c:int64\n")
        << profile;
    EXPECT_EQ(r.ops[1].policy.compute, num::FormatId::float64);
  }
}

TEST(Resolve, NestedGraphsReadWhatTheyCapture) {
  Graph g;
  const ValueId x = value(g, "x");
  g.inputs = {x};
  auto body = std::make_shared<Graph>();
  const ValueId local = value(*body, "x_inside");
  body->captures = {{local, x}};
  body->outputs = {add(*body, kResize, {local, local}, "r")};
  Op op;
  op.type = "If";
  op.outputs = {value(g, "y")};
  op.set_attr("then_branch", body);
  op.def = &kMove;
  g.outputs = op.outputs;
  g.add_op(std::move(op));
  const Graph r = resolved(g, "f16-storage");
  EXPECT_EQ(
      text(r),
      "Round(x:float32) -> x@float16:float16\nIf() -> y@float16:float16\nRound(y@float16:float16) -> y:float32\n");
  const Graph& inner = *std::get<std::shared_ptr<Graph>>(*r.ops[1].find_attr("then_branch"));
  EXPECT_EQ(text(inner), "Resize(x_inside:float16, x_inside@raw:float32) -> r:float16\n");
  ASSERT_EQ(inner.captures.size(), 2u);
  EXPECT_EQ(r.at(inner.captures[0].second).name, "x@float16");
  EXPECT_EQ(r.at(inner.captures[1].second).name, "x");
}

/// A misspelt operator in a shipped profile would silently match nothing.
TEST(Profiles, NameOnlyOperatorsThatExist) {
  for (const profiles::Profile& p : profiles::built_in_profiles())
    for (const profiles::Variant& v : p.variants)
      for (const profiles::Statement& s : v.statements)
        for (const std::string& name : s.match.ops) {
          const size_t dot = name.rfind('.');
          const std::string domain = dot == std::string::npos ? "" : name.substr(0, dot);
          EXPECT_NE(ops::find_op(domain, name.substr(dot + 1)), nullptr)
              << p.file << ":" << s.line << " names " << name;
        }
}

TEST(Resolve, LeavesNothingUnstated) {
  Graph g;
  const ValueId x = value(g, "x", ElemType::undefined);
  g.at(x).unstated = true;
  const ValueId y = add(g, kMove, {x}, "y", ElemType::undefined);
  g.at(y).unstated = true;
  const Graph r = resolved(g, "f16-storage");
  for (const ir::Value& v : r.values) {
    EXPECT_FALSE(v.unstated);
    EXPECT_EQ(v.storage, ElemType::float16);
  }
}

/// Under coreml-nn-gpu, the operations of which `placement` says so outside.
Graph resolved_beside(const Graph& g, const std::vector<int>& partition) {
  Placement placement;
  placement.partition = partition;
  placement.reasons.resize(partition.size());
  auto r =
      resolve(g, *profiles::built_in_profile("coreml-nn-gpu"), 0, {*profiles::built_in_profile("cpu-f32"), placement});
  EXPECT_TRUE(r.ok());
  return *std::move(r);
}

TEST(Resolve, OutsideOfPartitionsValuesAreAsDeclared) {
  Graph g;
  const ValueId x = value(g, "x"), w = constant(g, "w");
  g.inputs = {x};
  const ValueId a = add(g, kCompute, {x, w}, "a"), b = add(g, kCompute, {a, w}, "b");
  g.outputs = {add(g, kCompute, {b, w}, "c")};
  const Graph r = resolved_beside(g, {0, kOutside, 1});
  EXPECT_EQ(text(r),
            "Round(x:float32) -> x@float16:float16\n"
            "Compute(x@float16:float16, w:float16) -> a:float16\n"
            "Round(a:float16) -> a@float32:float32\n"
            "Compute(a@float32:float32, w@raw:float32) -> b:float32\n"
            "Round(b:float32) -> b@float16:float16\n"
            "Compute(b@float16:float16, w:float16) -> c@float16:float16\n"
            "Round(c@float16:float16) -> c:float32\n");
  EXPECT_EQ(r.ops[3].policy, profiles::policy_for(*profiles::built_in_profile("cpu-f32"), 0,
                                                  {"", "Compute", "contraction", ElemType::float32}));
  EXPECT_TRUE(ir::verify(r).ok());
}

TEST(Resolve, OutputsOfOperationsOutsideAreTheirs) {
  Graph g;
  const ValueId x = value(g, "x"), w = constant(g, "w");
  g.inputs = {x};
  const ValueId a = add(g, kCompute, {x, w}, "a");
  g.outputs = {a, add(g, kMove, {a}, "b")};
  EXPECT_EQ(text(resolved_beside(g, {kOutside, 0})),
            "Compute(x:float32, w:float32) -> a:float32\n"
            "Round(a:float32) -> a@float16:float16\n"
            "Move(a@float16:float16) -> b@float16:float16\n"
            "Round(b@float16:float16) -> b:float32\n");
  EXPECT_EQ(text(resolved_beside(g, {kOutside, kOutside})),
            "Compute(x:float32, w:float32) -> a:float32\nMove(a:float32) -> b:float32\n");
}

TEST(Resolve, OfAnotherPartitionThereIsNothingButWhatIsStored) {
  Graph g;
  const ValueId x = value(g, "x");
  g.inputs = {x};
  const ValueId a = add(g, kCompute, {x}, "a");
  g.outputs = {add(g, kResize, {x, a}, "b")};
  EXPECT_EQ(text(resolved_beside(g, {0, 1})),
            "Round(x:float32) -> x@float16:float16\n"
            "Compute(x@float16:float16) -> a:float16\n"
            "Resize(x@float16:float16, a:float16) -> b@float16:float16\n"
            "Round(b@float16:float16) -> b:float32\n");
  EXPECT_NE(text(resolved_beside(g, {0, 0})).find("a@raw:float32"), std::string::npos);
}

/// A branch that computes with a value of the graph around.
Graph with_branch() {
  Graph g;
  const ValueId x = value(g, "x"), w = constant(g, "w");
  g.inputs = {x};
  const ValueId a = add(g, kCompute, {x, w}, "a");
  auto branch = std::make_shared<Graph>();
  const ValueId la = value(*branch, "a"), lw = constant(*branch, "w");
  branch->captures = {{la, a}, {lw, w}};
  branch->outputs = {add(*branch, kCompute, {la, lw}, "r")};
  const ValueId condition = g.add_value("c", ir::Type::of(ElemType::boolean, {}));
  g.inputs.push_back(condition);
  Op choice{.domain = "", .type = "If", .name = ""};
  choice.inputs = {condition};
  choice.outputs = {value(g, "y")};
  choice.attrs = {{"then_branch", branch}, {"else_branch", branch}};
  choice.def = ops::find_op("", "If");
  g.outputs = choice.outputs;
  g.add_op(std::move(choice));
  return g;
}

TEST(Resolve, NestedGraphsOfAPartitionRunUnderItsProfile) {
  const Graph r = resolved_beside(with_branch(), {kOutside, 0});
  const Graph* then = r.ops[r.ops.size() - 2].attr_graph("then_branch");
  ASSERT_NE(then, nullptr);
  EXPECT_EQ(text(*then), "Compute(a:float16, w:float16) -> r:float16\n");
  EXPECT_EQ(r.at(then->captures.at(0).second).name, "a@float16");
  EXPECT_EQ(text(r).substr(text(r).find("If(")),
            "If(c:bool) -> y@float16:float16\nRound(y@float16:float16) -> y:float32\n");
  EXPECT_TRUE(ir::verify(r).ok());
}

TEST(Resolve, NestedGraphsOutsideReadWhatLeft) {
  const Graph r = resolved_beside(with_branch(), {0, kOutside});
  const Graph* then = r.ops.back().attr_graph("then_branch");
  ASSERT_NE(then, nullptr);
  EXPECT_EQ(text(*then), "Compute(a@raw:float32, w@raw:float32) -> r:float32\n");
  const auto left = std::ranges::find(then->captures, *then->find("a@raw"), &std::pair<ValueId, ValueId>::first);
  ASSERT_NE(left, then->captures.end());
  EXPECT_EQ(r.at(left->second).name, "a@float32");
  EXPECT_TRUE(ir::verify(r).ok());
}

}  // namespace
}  // namespace assay::passes

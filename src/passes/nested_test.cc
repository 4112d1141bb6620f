// Types of nested graphs, and branches that are known to be taken.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "ir/text.h"
#include "ir/verify.h"
#include "ops/def.h"
#include "passes/infer_shapes.h"
#include "passes/resolve.h"
#include "profiles/profile.h"

namespace assay::passes {
namespace {

Result<ir::Graph> inferred(std::string_view text) {
  ASSAY_TRY(ir::Graph g, ir::parse(text));
  ops::set_rows(g);
  ASSAY_CHECK(infer_shapes(g));
  ASSAY_CHECK(ir::verify(g));
  return g;
}

/// Types of the outputs, or the error.
std::string types(std::string_view text) {
  const auto g = inferred(text);
  if (!g.ok()) return g.error().message;
  std::string out;
  for (const ir::ValueId v : g->outputs) out += (out.empty() ? "" : " ") + to_string(g->at(v).type);
  return out;
}

std::string loop(std::string_view inputs, std::string_view results, std::string_view arguments, std::string_view body) {
  return "graph \"g\" { input %n: int64[] input %go: bool[] " + std::string(inputs) + " " + std::string(results) +
         " = Loop(" + std::string(arguments) +
         ") {body = graph \"b\" { input %i: undefined[...] input %c: undefined[...] " + std::string(body) + "}} ";
}

TEST(Nested, WhatIsCarriedWidensUntilItFits) {
  const std::string body =
      "input %v: float32[7] %w: undefined[...] = Concat(%v, %v) {axis = 0} %s: undefined[...] = Shape(%w) "
      "return %c, %w, %v, %s";
  EXPECT_EQ(types(loop("input %x: float32[k,2]", "%y: undefined[...], %z: undefined[...], %s: undefined[...]",
                       "%n, _, %x", body) +
                  "return %y, %z, %s }"),
            "float32[?,2] float32[?,?,2] int64[?,2]");
}

TEST(Nested, WhatStaysAsItIsKeepsItsSymbols) {
  EXPECT_EQ(types(loop("input %x: float32[k,2]", "%y: undefined[...], %z: undefined[...]", "%n, %go, %x",
                       "input %v: float32[] %w: undefined[...] = Neg(%v) return %c, %w, %w") +
                  "return %y, %z }"),
            "float32[k,2] float32[?,k,2]");
}

// Each value becomes the next one: the last one's size reaches the first only after several iterations.
TEST(Nested, WideningReachesAFixedPoint) {
  EXPECT_EQ(types(loop("input %a: float32[4] input %b: float32[4] input %d: float32[4] input %e: float32[4,1]",
                       "%y: undefined[...], %z: undefined[...], %t: undefined[...], %u: undefined[...]",
                       "%n, _, %a, %b, %d, %e",
                       "input %p: float32[4] input %q: float32[4] input %r: float32[4] input %s: float32[4] "
                       "return %c, %q, %r, %s, %s") +
                  "return %y, %z, %t, %u }"),
            "float32[...] float32[...] float32[...] float32[4,1]");
}

TEST(Nested, KnownTripsGiveTheScansTheirSize) {
  const std::string kept = "return %c, %i", ended = "%z: bool[] = Not(%c) return %z, %i";
  const std::string trips = "const %m: int64[1] = {5} const %yes: bool[] = {1} const %no: bool[] = {0}";
  EXPECT_EQ(types(loop(trips, "%y: undefined[...]", "%m, _", kept) + "return %y }"), "int64[5]");
  EXPECT_EQ(types(loop(trips, "%y: undefined[...]", "%m, %yes", kept) + "return %y }"), "int64[5]");
  EXPECT_EQ(types(loop(trips, "%y: undefined[...]", "%m, %no", kept) + "return %y }"), "int64[?]");
  EXPECT_EQ(types(loop(trips, "%y: undefined[...]", "%m, %go", kept) + "return %y }"), "int64[?]");
  EXPECT_EQ(types(loop(trips, "%y: undefined[...]", "%m, _", ended) + "return %y }"), "int64[?]");
  EXPECT_EQ(types(loop(trips, "%y: undefined[...]", "%n, _", kept) + "return %y }"), "int64[?]");
}

std::string branches(std::string_view inputs, std::string_view then_branch, std::string_view else_branch) {
  return "graph \"g\" { " + std::string(inputs) + " %y: undefined[...] = If(%c) {then_branch = graph \"t\" {" +
         std::string(then_branch) + "}, else_branch = graph \"e\" {" + std::string(else_branch) + "}} return %y }";
}
constexpr std::string_view kOf = "capture %a: undefined[...] = %x return %a";
constexpr std::string_view kNegated = "capture %b: undefined[...] = %x %n: undefined[...] = Neg(%b) return %n";

TEST(Nested, BranchesAreJoined) {
  const std::string x = "input %c: bool[] input %x: float32[k,2,3] ";
  EXPECT_EQ(types(branches(x, kOf, kNegated)), "float32[k,2,3]");
  EXPECT_EQ(types(branches(x + "input %z: float32[5,2,4]", kOf, "capture %b: undefined[...] = %z return %b")),
            "float32[?,2,?]");
  EXPECT_EQ(types(branches(x + "input %z: float32[2]", kOf, "capture %b: undefined[...] = %z return %b")),
            "float32[...]");
  EXPECT_TRUE(
      types(branches(x + "input %z: int64[5]", kOf, "capture %b: undefined[...] = %z return %b")).starts_with("if_c1"));
}

// The branch that is not taken may be one that does not fit.
TEST(Nested, ABranchThatIsKnownTakesThePlaceOfItsIf) {
  const std::string x = "const %c: bool[] = {1} input %x: float32[4,3] const %k: int64[1] = {0} ";
  const std::string misfit =
      "capture %b: undefined[...] = %x capture %k1: undefined[...] = %k "
      "%n: undefined[...] = Squeeze(%b, %k1) return %n";
  auto g = inferred(branches(x, kNegated, misfit));
  ASSERT_TRUE(g.ok()) << g.error().message;
  ASSERT_EQ(g->ops.size(), 1U);
  EXPECT_EQ(g->ops[0].type, "Neg");
  EXPECT_EQ(g->at(g->outputs[0]).name, "y");
  EXPECT_EQ(to_string(g->at(g->outputs[0]).type), "float32[4,3]");
  g = inferred(branches(x, kOf, misfit));
  ASSERT_TRUE(g.ok()) << g.error().message;
  ASSERT_EQ(g->ops.size(), 1U);
  EXPECT_EQ(g->ops[0].type, "Identity");
}

TEST(Nested, ALoopInATakenBranchFindsItsCaptures) {
  const auto g = inferred(R"(graph "g" { input %n: int64[] input %x: float32[2] const %c: bool[] = {0}
    %y: float32[2] = If(%c) {then_branch = graph "t" { capture %a: float32[2] = %x return %a },
      else_branch = graph "e" {
        capture %a: float32[2] = %x
        capture %m: int64[] = %n
        %x: float32[2] = Neg(%a)
        %z: float32[2] = Loop(%m, _, %a) {body = graph "b" {
          capture %o: float32[2] = %x
          input %i: int64[] input %c: bool[] input %v: float32[2]
          %w: float32[2] = Add(%v, %o) return %c, %w }}
        return %z }}
    return %y })");
  ASSERT_TRUE(g.ok()) << g.error().message << g.error().where;
  ASSERT_EQ(g->ops.size(), 2U);
  const ir::Graph& body = *g->ops[1].attr_graph("body");
  EXPECT_EQ(body.captures[0].second, g->ops[0].outputs[0]);
  EXPECT_NE(g->at(g->ops[0].outputs[0]).name, "x");
}

std::string deep_body(int depth) {
  const std::string inner = depth == 0 ? "%w: undefined[...] = Concat(%v, %v) {axis = 0}"
                                       : "%y: undefined[...] = Loop(%n, _, %v) {body = " + deep_body(depth - 1) +
                                             "} %w: undefined[...] = Concat(%y, %v) {axis = 0}";
  return "graph \"b\" { capture %n: int64[] = %n input %i: int64[] input %c: bool[] input %v: undefined[...] " + inner +
         " return %c, %w }";
}

// Each loop's carried value widens; inferring the inner ones anew each time must not take 2^16 rounds.
TEST(Nested, DeepLoopsAreInferredQuickly) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(types("graph \"g\" { input %n: int64[] input %v: float32[2] "
                  "%y: undefined[...] = Loop(%n, _, %v) {body = " +
                  deep_body(16) + "} return %y }"),
            "float32[?]");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

// Weights and inputs that a body captures are what they are around it.
TEST(Nested, CapturesAreStoredAsTheyAreAround) {
  auto g = inferred(R"(graph "g" { input %n: int64[] input %x: float32[1,1,2,2] const %w: float32[4] = {1, 1, 2.0004, 2}
    %y: undefined[...] = Loop(%n, _, %x) {body = graph "b" {
      capture %s: undefined[...] = %w
      input %i: int64[] input %c: bool[] input %v: float32[]
      %r: undefined[...] = Resize(%v, _, %s) {mode = "nearest"}
      %t: undefined[...] = Mul(%r, %s)
      return %c, %t }}
    return %y, %w })");
  ASSERT_TRUE(g.ok()) << g.error().message;
  const profiles::ProfileSet profiles;
  const auto r = resolve(*g, **profiles.find("f16-storage"), 0);
  ASSERT_TRUE(r.ok());
  ASSERT_TRUE(ir::verify(*r).ok());
  const auto loop = std::ranges::find(r->ops, "Loop", &ir::Op::type);
  const ir::Graph& body = *loop->attr_graph("body");
  for (const auto& [inside, outside] : body.captures) {
    EXPECT_EQ(body.at(inside).storage, r->at(outside).storage);
    EXPECT_EQ(body.at(inside).rounding.has_value(), r->at(outside).rounding.has_value());
  }
  ASSERT_EQ(body.captures.size(), 2U);
  EXPECT_EQ(r->at(body.captures[1].second).storage, ir::ElemType::float32) << "Resize reads its scales unrounded";
}

}  // namespace
}  // namespace assay::passes

#include "audit/repair/repair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "audit/repair/rescale.h"
#include "audit/repair/search.h"
#include "audit/repair/threshold.h"
#include "audit/repair/typed.h"
#include "ops/def.h"
#include "passes/infer_shapes.h"

namespace assay::audit {
namespace {

using ir::ElemType;
using ir::ValueId;

ValueId add(ir::Graph& g, const char* type, std::vector<ValueId> inputs, const char* out) {
  ir::Op op{.domain = "", .type = type, .name = std::string("n_") + out};
  op.def = ops::find_op("", type);
  op.inputs = std::move(inputs);
  op.outputs = {g.add_value(out, {})};
  return g.ops[g.add_op(std::move(op))].outputs[0];
}

ValueId constant(ir::Graph& g, const char* name, ir::Dims dims, float value) {
  ir::Tensor t = ir::Tensor::allocate(ElemType::float32, std::move(dims));
  for (int64_t i = 0; i < t.size(); ++i) t.set_float(i, value);
  return g.add_constant(name, std::move(t));
}

/// x [2,3] -> MatMul w1 -> Relu -> MatMul w2 -> y
ir::Graph two_layers() {
  ir::Graph g;
  const ValueId x = g.add_value("x", ir::Type::of(ElemType::float32, {2, 3}));
  g.inputs = {x};
  const ValueId h = add(g, "MatMul", {x, constant(g, "w1", {3, 4}, 100)}, "h");
  const ValueId r = add(g, "Relu", {h}, "r");
  g.outputs = {add(g, "MatMul", {r, constant(g, "w2", {4, 5}, 0.5)}, "y")};
  EXPECT_TRUE(passes::infer_shapes(g).ok());
  return g;
}

TEST(Goal, Words) {
  EXPECT_EQ(parse_goal("no-flips")->text(), "no-flips");
  EXPECT_EQ(parse_goal("max-flips:3")->flips, 3U);
  EXPECT_EQ(parse_goal("max-error:1e-3")->error, 1e-3);
  for (const char* wrong :
       {"", "flips", "max-flips:", "max-flips:-1", "max-flips:1x", "max-error:-1", "max-error:nan", "max-error:inf"})
    EXPECT_FALSE(parse_goal(wrong).ok()) << wrong;
}

TEST(HoldOut, TakesItsShareOfFlipsAndOfOthers) {
  std::vector<bool> flips(100);
  for (size_t s = 0; s < 100; s += 5) flips[s] = true;  // 20
  const auto held = hold_out(flips, 0.25);
  size_t of_flips = 0, of_others = 0;
  for (size_t s = 0; s < 100; ++s)
    if (held[s]) ++(flips[s] ? of_flips : of_others);
  EXPECT_EQ(of_flips, 5U);
  EXPECT_EQ(of_others, 20U);
}

TEST(HoldOut, LeavesAFlipToTheSearch) {
  EXPECT_EQ(hold_out({true}, 0.9), std::vector<bool>({false}));
  const auto held = hold_out({true, true}, 0.9);
  EXPECT_EQ(std::ranges::count(held, true), 1);
  EXPECT_EQ(std::ranges::count(hold_out(std::vector<bool>(8), 0), true), 0);
}

TEST(Cost, CountsWhatStaysAndItsBorders) {
  const ir::Graph g = two_layers();
  EXPECT_EQ(cost_of(g, {false, false, false}).total(), 0U);
  const Cost one = cost_of(g, {true, false, false});
  EXPECT_EQ(one.bytes, 2U * (12 + 8));  // w1 and h
  EXPECT_EQ(one.multiply_adds, 2U * 4 * 3);
  EXPECT_EQ(one.casts, 1U);  // h, once
  EXPECT_EQ(one.cast_bytes, 6U * 8);
  EXPECT_EQ(cost_of(g, {true, true, true}).casts, 0U);
}

TEST(Typed, DeclaresTypesAndCastsAtTheBorders) {
  const ir::Graph g = two_layers();
  const auto typed = typed_graph(g, {true, true, false}, ElemType::float16);
  ASSERT_TRUE(typed.ok()) << typed.error().message;
  EXPECT_EQ(typed->at(*typed->find("h")).type.elem, ElemType::float16);
  EXPECT_EQ(typed->at(*typed->find("r")).type.elem, ElemType::float16);
  EXPECT_EQ(typed->at(*typed->find("y")).type.elem, ElemType::float32);
  size_t casts = 0;
  for (const ir::Op& op : typed->ops) casts += op.type == "Cast";
  EXPECT_EQ(casts, 2U);  // the input to float16, r to float32
  EXPECT_EQ(typed->at(typed->inputs[0]).type.elem, ElemType::float32);
}

TEST(Typed, OutputsKeepTheirNamesAndTypes) {
  const ir::Graph g = two_layers();
  const auto typed = typed_graph(g, {true, true, true}, ElemType::bfloat16);
  ASSERT_TRUE(typed.ok()) << typed.error().message;
  EXPECT_EQ(typed->at(typed->outputs[0]).name, "y");
  EXPECT_EQ(typed->at(typed->outputs[0]).type.elem, ElemType::float32);
  EXPECT_EQ(typed->ops.back().type, "Cast");
}

TEST(Rescale, MovesAPowerOfTwoFromOneLayerToTheNext) {
  const ir::Graph g = two_layers();
  std::vector<double> largest(g.values.size(), 1);
  largest[*g.find("h")] = largest[*g.find("r")] = 1e6;
  const Rescaled rescaled = rescale(g, largest, 65504);
  ASSERT_EQ(rescaled.layers.size(), 1U);
  EXPECT_EQ(rescaled.layers[0].first, 0U);
  const int exponent = rescaled.layers[0].second;
  EXPECT_LT(std::ldexp(1e6, exponent), 65504 / 4);
  const auto weight = [&](size_t op) {
    return rescaled.graph.at(rescaled.graph.ops[op].inputs[1]).constant->float_at(0);
  };
  EXPECT_EQ(weight(0), std::ldexp(100, exponent));
  EXPECT_EQ(weight(2), std::ldexp(0.5, -exponent));
  EXPECT_EQ(g.at(g.ops[0].inputs[1]).constant->float_at(0), 100);
}

TEST(Rescale, LeavesWhatCannotBeTakenBack) {
  ir::Graph g = two_layers();
  std::vector<double> largest(g.values.size(), 1);
  largest[*g.find("y")] = 1e6;  // an output
  const Rescaled rescaled = rescale(g, largest, 65504);
  EXPECT_TRUE(rescaled.layers.empty());
  EXPECT_EQ(rescaled.left, std::vector<ir::OpId>{2});
}

Answer scored(double reference, double other, double threshold) {
  Answer answer;
  answer.reference.score = reference;
  answer.reference.decision.value = reference >= threshold;
  answer.other.score = other;
  answer.other.decision.value = other >= threshold;
  answer.outcome.same = answer.reference.decision == answer.other.decision;
  return answer;
}

TEST(Threshold, StandsInTheMiddleOfTheGap) {
  Question question;
  question.rule.threshold = 0.5;
  const std::vector<std::vector<Answer>> answers = {
      {scored(0.1, 0.1, 0.5), scored(0.4999, 0.5, 0.5), scored(0.6, 0.6, 0.5), scored(0.9, 0.9, 0.5)}};
  const size_t all[] = {0, 1, 2, 3};
  const auto shift = shifted_threshold(answers, all, question);
  ASSERT_TRUE(shift);
  EXPECT_NEAR(shift->threshold, 0.55, 1e-6);
  EXPECT_TRUE(shift->everywhere);
  EXPECT_EQ(standing_under(shift->threshold, answers, all, question).flips, 0U);
  EXPECT_EQ(standing_under(0.5, answers, all, question).flips, 1U);
}

TEST(Threshold, IsNoneWhereAllSamplesAreOnOneSide) {
  Question question;
  question.rule.threshold = 0.5;
  const size_t all[] = {0, 1};
  EXPECT_FALSE(shifted_threshold({{scored(0.6, 0.6, 0.5), scored(0.9, 0.9, 0.5)}}, all, question));
  EXPECT_FALSE(shifted_threshold({{scored(0.1, 0.1, 0.5), scored(0.4999, 0.5, 0.5)}}, all, question));
}

TEST(Threshold, IsNoneWhereScoresCoincide) {
  Question question;
  question.rule.threshold = 0.5;
  const std::vector<std::vector<Answer>> answers = {{scored(0.4999, 0.5, 0.5), scored(0.5, 0.5, 0.5)}};
  const size_t all[] = {0, 1};
  EXPECT_FALSE(shifted_threshold(answers, all, question));
}

}  // namespace
}  // namespace assay::audit

// Linear models, support vector machines and trees, against references written here.
#include <gtest/gtest.h>

#include <cmath>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using ir::ElemType;
using ir::Tensor;
using testing::doubles;
using testing::f32;
using testing::integers;
using Floats = std::vector<float>;
using Words = std::vector<std::string>;

testing::OneOp ml(std::string_view type) { return testing::OneOp(type, "ai.onnx.ml"); }
template <class Op>
Code code_of(Op&& op) {
  const auto result = op.try_run();
  return result.ok() ? Code::internal : result.error().code;
}

// ---- Linear models

TEST(LinearRegressor, AChainThenTheIntercept) {
  const Floats w = testing::random_floats(2 * 7, -1, 1, 1), x = testing::random_floats(3 * 7, -2, 2, 2), b{0.25f, -3};
  const Tensor y = testing::run_everywhere([&] {
    return ml("LinearRegressor")
        .attr("coefficients", w)
        .attr("intercepts", b)
        .attr("targets", int64_t{2})
        .in(f32({3, 7}, x));
  });
  for (size_t r = 0; r < 3; ++r) {
    for (size_t t = 0; t < 2; ++t) {
      float acc = 0;
      for (size_t i = 0; i < 7; ++i) acc = std::fma(x[r * 7 + i], w[t * 7 + i], acc);
      EXPECT_EQ(y.data<float>()[r * 2 + t], acc + b[t]);
    }
  }
}

TEST(LinearRegressor, ContradictionsAreErrors) {
  const Tensor x = f32({1, 2}, {1, 2});
  EXPECT_EQ(code_of(ml("LinearRegressor").attr("coefficients", Floats{1, 2, 3}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(ml("LinearRegressor").attr("coefficients", Floats{1, 2}).attr("intercepts", Floats{1, 2}).in(x)),
            Code::model_invalid);
  EXPECT_EQ(code_of(ml("LinearRegressor").attr("coefficients", Floats{1, 2}).in(f32({1, 0}, {}))), Code::model_invalid);
  EXPECT_FALSE(ml("LinearRegressor").attr("coefficients", Floats{1}).attr("targets", INT64_MAX).in(x).infer().ok());
}

TEST(LinearClassifier, LabelsAndScores) {
  const Tensor x = f32({2, 2}, {1, 2, -3, 0.5f});
  auto two = ml("LinearClassifier").attr("coefficients", Floats{0.5f, 0.25f}).attr("intercepts", Floats{0.125f});
  two.attr("classlabels_strings", Words{"no", "yes"}).in(x).outputs(2);
  const auto out = two.run_all();
  EXPECT_EQ(out[0].strings(), (Words{"yes", "no"}));
  EXPECT_EQ(doubles(out[1]), (std::vector<double>{-0.125, 1.125, 2.25, -1.25}));
  auto three = ml("LinearClassifier")
                   .attr("coefficients", Floats{1, 0, 0, 1, 1, 0})
                   .attr("post_transform", std::string("SOFTMAX"));
  const auto all = three.attr("classlabels_ints", ir::Dims{5, 6, 7}).in(x).outputs(2).run_all();
  EXPECT_EQ(integers(all[0]), (ir::Dims{6, 6}));
  EXPECT_NEAR(doubles(all[1])[1], std::exp(2.0) / (2 * std::exp(1.0) + std::exp(2.0)), 1e-7);
  EXPECT_EQ(
      code_of(
          ml("LinearClassifier").attr("coefficients", Floats{1, 2}).attr("classlabels_ints", ir::Dims{1, 2, 3}).in(x)),
      Code::model_invalid);
}

TEST(LinearClassifier, Float64AndHalf) {
  const auto make = [] {
    auto op = ml("LinearClassifier").attr("coefficients", Floats{0.1f, 0.7f, -0.3f, 0.2f});
    return op.attr("classlabels_ints", ir::Dims{0, 1}).outputs(2);
  };
  const auto wide = make().policy(testing::float64_policy()).in(f32({1, 2}, {0.3f, 0.9f})).run_all();
  EXPECT_EQ(doubles(wide[1])[0], double(float(std::fma(double(0.9f), double(0.7f), double(0.3f) * double(0.1f)))));
  const auto half = make().policy(testing::float16_throughout()).in(f32({1, 2}, {0.3f, 0.9f})).run_all();
  for (const double score : doubles(half[1]))
    EXPECT_EQ(score, num::round(score, testing::to_format(num::FormatId::float16)));
}

// ---- Support vector machines

TEST(SVMRegressor, Kernels) {
  const Floats v{1, 2, -1, 0.5f}, x{0.5f, -2};
  const auto run = [&](std::string kind) {
    return doubles(ml("SVMRegressor")
                       .attr("kernel_type", std::move(kind))
                       .attr("kernel_params", Floats{0.5f, 0.25f, 3})
                       .attr("n_supports", int64_t{2})
                       .attr("support_vectors", v)
                       .attr("coefficients", Floats{2, -1})
                       .attr("rho", Floats{0.125f})
                       .in(f32({1, 2}, x))
                       .run())[0];
  };
  const double dot0 = -3.5, dot1 = -1.5, square0 = 0.25 + 16, square1 = 2.25 + 6.25;
  EXPECT_EQ(run("LINEAR"), 2 * dot0 - dot1 + 0.125);
  EXPECT_NEAR(run("POLY"), 2 * std::pow(0.5 * dot0 + 0.25, 3) - std::pow(0.5 * dot1 + 0.25, 3) + 0.125, 1e-5);
  EXPECT_NEAR(run("RBF"), 2 * std::exp(-0.5 * square0) - std::exp(-0.5 * square1) + 0.125, 1e-6);
  EXPECT_NEAR(run("SIGMOID"), 2 * std::tanh(0.5 * dot0 + 0.25) - std::tanh(0.5 * dot1 + 0.25) + 0.125, 1e-6);
}

TEST(SVMRegressor, ContradictionsAreErrors) {
  const auto infer = [](int64_t supports, Floats vectors, Floats coefficients, Floats rho) {
    return ml("SVMRegressor")
        .attr("n_supports", supports)
        .attr("support_vectors", std::move(vectors))
        .attr("coefficients", std::move(coefficients))
        .attr("rho", std::move(rho))
        .in(f32({1, 2}, {1, 2}))
        .infer()
        .ok();
  };
  EXPECT_TRUE(infer(1, {1, 2}, {1}, {0}));
  EXPECT_FALSE(infer(1, {1, 2}, {1}, {}));
  EXPECT_FALSE(infer(-1, {1, 2}, {1}, {0}));
  EXPECT_FALSE(infer(INT64_MAX, {1, 2}, {1}, {0}));
  EXPECT_FALSE(infer(1, {}, {1}, {0}));
}

TEST(SVMClassifier, PairsVote) {
  // One support vector a class, each its own axis; linear kernels are the features.
  auto op = ml("SVMClassifier").attr("support_vectors", Floats{1, 0, 0, 0, 1, 0, 0, 0, 1});
  op.attr("vectors_per_class", ir::Dims{1, 1, 1}).attr("coefficients", Floats{1, -1, -1, 1, 1, -1});
  op.attr("rho", Floats{0, 0, 0}).attr("classlabels_ints", ir::Dims{7, 8, 9}).outputs(2);
  const auto out = op.in(f32({3, 3}, {3, 2, 1, 1, 5, 2, 1, 2, 4})).run_all();
  EXPECT_EQ(integers(out[0]), (ir::Dims{7, 8, 9}));
  EXPECT_EQ(doubles(out[1]), (std::vector<double>{1, 2, 1, -4, -1, 3, -1, -3, -2}));
}

TEST(SVMClassifier, ProbabilitiesOfPairsAreCoupled) {
  auto op = ml("SVMClassifier").attr("support_vectors", Floats{1, 0, 0, 0, 1, 0, 0, 0, 1});
  op.attr("vectors_per_class", ir::Dims{1, 1, 1}).attr("coefficients", Floats{1, -1, -1, 1, 1, -1});
  op.attr("rho", Floats{0, 0, 0}).attr("classlabels_ints", ir::Dims{7, 8, 9}).outputs(2);
  op.attr("prob_a", Floats{-1, -1, -1}).attr("prob_b", Floats{0, 0, 0});
  const auto p = doubles(op.in(f32({1, 3}, {0, 0, 0})).run_all()[1]);
  for (const double x : p) EXPECT_NEAR(x, 1.0 / 3, 1e-6);
}

TEST(SVMClassifier, ContradictionsAreErrors) {
  const auto ok = [](ir::Dims per_class, Floats coefficients, Floats rho) {
    return ml("SVMClassifier")
        .attr("support_vectors", Floats{1, 0, 0, 1})
        .attr("vectors_per_class", std::move(per_class))
        .attr("coefficients", std::move(coefficients))
        .attr("rho", std::move(rho))
        .attr("classlabels_ints", ir::Dims{1, 2})
        .in(f32({1, 2}, {1, 2}))
        .infer()
        .ok();
  };
  EXPECT_TRUE(ok({1, 1}, {1, 2}, {0}));
  EXPECT_FALSE(ok({1, 1}, {1}, {0}));
  EXPECT_FALSE(ok({1, 1}, {1, 2}, {}));
  EXPECT_FALSE(ok({2}, {1, 2}, {0}));
  EXPECT_FALSE(ok({-1, 3}, {1, 2}, {0}));
  EXPECT_FALSE(ok({INT64_MAX, INT64_MAX}, {1, 2}, {0}));
}

// ---- Trees

/// A stump over feature 0: below or at 0.5 node 1, above it node 2. `votes`: (node, id, weight).
struct Vote {
  int64_t node, id;
  float weight;
};
testing::OneOp stump(std::string_view type, const std::string& stem, const std::vector<Vote>& votes) {
  testing::OneOp op(type, "ai.onnx.ml");
  op.attr("nodes_treeids", ir::Dims{0, 0, 0}).attr("nodes_nodeids", ir::Dims{0, 1, 2});
  op.attr("nodes_featureids", ir::Dims{0, 0, 0}).attr("nodes_values", Floats{0.5f, 0, 0});
  op.attr("nodes_modes", Words{"BRANCH_LEQ", "LEAF", "LEAF"});
  op.attr("nodes_truenodeids", ir::Dims{1, 0, 0}).attr("nodes_falsenodeids", ir::Dims{2, 0, 0});
  ir::Dims nodes, ids;
  Floats weights;
  for (const Vote& v : votes) nodes.push_back(v.node), ids.push_back(v.id), weights.push_back(v.weight);
  op.attr(stem + "_treeids", ir::Dims(votes.size())).attr(stem + "_nodeids", nodes).attr(stem + "_ids", ids);
  op.attr(stem + "_weights", weights);
  return op;
}

TEST(TreeEnsembleRegressor, BranchesAggregatesAndBase) {
  const Tensor x = f32({3, 1}, {0, 1, NAN});
  const std::vector<Vote> votes{{1, 0, 2}, {2, 0, 5}, {1, 0, 4}};
  const auto run = [&](std::string aggregate) {
    return doubles(stump("TreeEnsembleRegressor", "target", votes)
                       .attr("aggregate_function", std::move(aggregate))
                       .attr("base_values", Floats{0.5f})
                       .attr("n_targets", int64_t{1})
                       .in(x)
                       .run());
  };
  EXPECT_EQ(run("SUM"), (std::vector<double>{6.5, 5.5, 5.5}));
  EXPECT_EQ(run("MIN"), (std::vector<double>{2.5, 5.5, 5.5}));
  EXPECT_EQ(run("MAX"), (std::vector<double>{4.5, 5.5, 5.5}));
  EXPECT_EQ(run("AVERAGE"), (std::vector<double>{6.5, 5.5, 5.5}));
  EXPECT_EQ(doubles(stump("TreeEnsembleRegressor", "target", votes)
                        .attr("nodes_missing_value_tracks_true", ir::Dims{1, 0, 0})
                        .attr("n_targets", int64_t{1})
                        .in(x)
                        .run()),
            (std::vector<double>{6, 5, 6}));
}

TEST(TreeEnsembleRegressor, LeavesAreSummedTreeByTree) {
  // One leaf a tree: the sum is a chain in the order of the trees.
  constexpr size_t kTrees = 37;
  const Floats w = testing::random_floats(kTrees, -1, 1, 5);
  ir::Dims trees(kTrees), zeros(kTrees);
  for (size_t i = 0; i < kTrees; ++i) trees[i] = static_cast<int64_t>(i);
  const Tensor y = testing::run_everywhere([&] {
    auto op = ml("TreeEnsembleRegressor")
                  .attr("nodes_treeids", trees)
                  .attr("nodes_nodeids", zeros)
                  .attr("nodes_featureids", zeros);
    op.attr("nodes_values", Floats(kTrees)).attr("nodes_modes", Words(kTrees, "LEAF")).attr("nodes_truenodeids", zeros);
    op.attr("nodes_falsenodeids", zeros)
        .attr("target_treeids", trees)
        .attr("target_nodeids", zeros)
        .attr("target_ids", zeros);
    return op.attr("target_weights", w).attr("n_targets", int64_t{1}).in(f32({2, 1}, {1, 2}));
  });
  float sum = 0;
  for (const float x : w) sum += x;
  EXPECT_EQ(y.data<float>()[0], sum);
  EXPECT_EQ(y.data<float>()[1], sum);
}

TEST(TreeEnsembleRegressor, HostileTreesAreErrors) {
  const Tensor x = f32({1, 1}, {0});
  const std::vector<Vote> votes{{1, 0, 2}, {2, 0, 5}};
  const auto make = [&] { return stump("TreeEnsembleRegressor", "target", votes).attr("n_targets", int64_t{1}); };
  EXPECT_EQ(code_of(make().attr("nodes_truenodeids", ir::Dims{0, 0, 0}).in(x)), Code::model_invalid);  // itself
  EXPECT_EQ(code_of(make().attr("nodes_truenodeids", ir::Dims{7, 0, 0}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(make().attr("nodes_nodeids", ir::Dims{0, 1, 1}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(make().attr("nodes_featureids", ir::Dims{-1, 0, 0}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(make().attr("nodes_featureids", ir::Dims{INT64_MAX, 0, 0}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(make().attr("nodes_featureids", ir::Dims{1, 0, 0}).in(x)), Code::value_range);
  EXPECT_EQ(code_of(make().attr("target_ids", ir::Dims{0, 1}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(make().attr("target_nodeids", ir::Dims{1, 9}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(make().attr("nodes_values", Floats{1}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(make().attr("base_values", Floats{1, 2}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(make().attr("n_targets", INT64_MAX).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(make().in(f32({1, 1, 1}, {0}))), Code::model_invalid);
}

TEST(TreeEnsembleClassifier, OneScoreOfTwoClasses) {
  const Tensor x = f32({2, 1}, {0, 1});
  const auto run = [&](int64_t id, float above, std::string transform) {
    auto op = stump("TreeEnsembleClassifier", "class", {{1, id, 0.9f}, {2, id, above}});
    op.attr("classlabels_int64s", ir::Dims{5, 7}).attr("post_transform", std::move(transform)).in(x).outputs(2);
    return op.run_all();
  };
  EXPECT_EQ(integers(run(0, 0.3f, "NONE")[0]), (ir::Dims{7, 5}));
  EXPECT_EQ(doubles(run(0, 0.25f, "NONE")[1])[2], 0.75);
  EXPECT_EQ(doubles(run(0, -0.25f, "NONE")[1])[2], 0.25);  // weights of both signs: -s, s
  EXPECT_EQ(doubles(run(1, 0.25f, "NONE")[1])[2], 0);
  EXPECT_NEAR(doubles(run(0, 0.25f, "LOGISTIC")[1])[3], 1 / (1 + std::exp(-0.25)), 1e-7);
}

TEST(TreeEnsembleClassifier, TheTopClassWins) {
  const Tensor x = f32({2, 1}, {0, 1});
  auto op = stump("TreeEnsembleClassifier", "class", {{1, 0, 0.9f}, {1, 1, 0.1f}, {2, 1, 0.75f}, {2, 2, 0.25f}});
  const auto out = op.attr("classlabels_strings", Words{"a", "b", "c"})
                       .attr("base_values", Floats{0, 0, 1})
                       .in(x)
                       .outputs(2)
                       .run_all();
  EXPECT_EQ(out[0].strings(), (Words{"c", "c"}));
  EXPECT_EQ(doubles(out[1])[3], 0);
  EXPECT_EQ(doubles(out[1])[5], 1.25);
  auto both = stump("TreeEnsembleClassifier", "class", {{1, 0, 0.9f}, {1, 1, 0.1f}, {2, 0, 0.2f}, {2, 1, 0.8f}});
  EXPECT_EQ(integers(both.attr("classlabels_int64s", ir::Dims{5, 7}).in(x).outputs(2).run_all()[0]), (ir::Dims{5, 7}));
}

testing::OneOp ensemble(ir::Dims on_true, ir::Dims true_leaf, ir::Dims on_false, ir::Dims false_leaf, ir::Dims modes) {
  auto op = ml("TreeEnsemble");
  const auto n = std::ssize(modes);
  op.attr("nodes_truenodeids", std::move(on_true)).attr("nodes_trueleafs", std::move(true_leaf));
  op.attr("nodes_falsenodeids", std::move(on_false)).attr("nodes_falseleafs", std::move(false_leaf));
  op.attr("nodes_modes", testing::ints(ElemType::uint8, {n}, modes)).attr("nodes_featureids", ir::Dims(modes.size()));
  op.attr("tree_roots", ir::Dims{0}).attr("n_targets", int64_t{2}).attr("leaf_targetids", ir::Dims{0, 1, 1});
  op.attr("leaf_weights", f32({3}, {10, 20, 30})).attr("nodes_splits", f32({n}, Floats(modes.size(), 0.5f)));
  return op;
}

TEST(TreeEnsemble, MembershipAndLeaves) {
  auto op = ensemble({0, 1}, {1, 1}, {1, 2}, {0, 1}, {6, 3});  // member of {1, 2}: leaf 0; > 0.5: leaf 1, else leaf 2
  const Tensor y = op.attr("membership_values", f32({3}, {1, 2, NAN})).in(f32({4, 1}, {2, 3, 0, NAN})).run();
  EXPECT_EQ(doubles(y), (std::vector<double>{10, 0, 0, 20, 0, 30, 0, 30}));
  EXPECT_EQ(code_of(ensemble({0, 1}, {1, 1}, {1, 2}, {0, 1}, {6, 3}).in(f32({1, 1}, {1}))), Code::model_invalid);
}

TEST(TreeEnsemble, Float16RoundsItsSumOnce) {
  auto op = ensemble({0, 1}, {1, 1}, {1, 2}, {0, 1}, {0, 3});
  op.attr("leaf_weights", f32({3}, {1.0009765625f, 20, 30})).attr("tree_roots", ir::Dims{0, 0, 0});
  const Tensor y = op.in(testing::floats(ElemType::float16, {1, 1}, {0.25})).run();
  EXPECT_EQ(y.elem(), ElemType::float16);
  EXPECT_EQ(doubles(y), (std::vector<double>{3.00390625, 0}));  // 3.0029296875, to even
}

TEST(TreeEnsemble, HostileTreesAreErrors) {
  const Tensor x = f32({1, 1}, {0});
  EXPECT_EQ(code_of(ensemble({0, 0}, {1, 0}, {1, 2}, {0, 1}, {0, 0}).in(x)), Code::model_invalid);  // a cycle
  EXPECT_EQ(code_of(ensemble({3, 1}, {1, 1}, {1, 2}, {0, 1}, {0, 0}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(ensemble({0, -1}, {1, 1}, {1, 2}, {0, 1}, {0, 0}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(ensemble({0, 1}, {1, 1}, {1, 2}, {0, 1}, {0, 7}).in(x)), Code::model_invalid);
  EXPECT_EQ(code_of(ensemble({0, 1}, {1, 1}, {1, 2}, {0, 1}, {0, 0}).attr("tree_roots", ir::Dims{2}).in(x)),
            Code::model_invalid);
  EXPECT_EQ(code_of(ensemble({0, 1}, {1, 1}, {1, 2}, {0, 1}, {0, 0}).attr("leaf_targetids", ir::Dims{0, 1, 2}).in(x)),
            Code::model_invalid);
  EXPECT_EQ(code_of(ensemble({0, 1}, {1, 1}, {1, 2}, {0, 1}, {0, 0}).attr("n_targets", int64_t{0}).in(x)),
            Code::model_invalid);
}

}  // namespace
}  // namespace assay::ops

// TreeEnsemble, and TreeEnsembleRegressor, which it replaces: of each target, what the leaves of all trees vote, summed
// in the order of the trees (or their average, minimum or maximum), then + base value, then the post transform.
#include <algorithm>
#include <cmath>

#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/forest.h"
#include "ops/move.h"
#include "ops/prepared.h"

namespace assay::ops {
namespace {

using Made = Result<std::shared_ptr<const Forest>>;

/// Each target has memory of its own while a row is counted: a number in a file may not ask for any amount.
constexpr int64_t kMostTargets = int64_t{1} << 20;
Status check_targets(int64_t targets, std::string_view label, const std::string& where) {
  if (targets >= 1 && targets <= kMostTargets) return {};
  return contradiction(label, "n_targets is " + std::to_string(targets) + ", not 1 to " + std::to_string(kMostTargets),
                       where);
}

// ---- TreeEnsemble

constexpr char kLabel[] = "treeensemble_c1";

/// The sets of the nodes that test membership, in the order of these nodes; a NaN ends each.
Status read_members(const ir::Op& op, const std::string& where, Forest& forest) {
  forest.members = tensor_weights_of(op, "membership_values");
  const std::vector<double>& all = forest.members;
  size_t at = 0;
  for (Forest::Node& node : forest.nodes) {
    if (node.branch != Branch::member) continue;
    const size_t begin = at;
    while (at < all.size() && !std::isnan(all[at])) ++at;
    if (at >= all.size() && begin >= all.size())
      return contradiction(kLabel, "membership_values has fewer sets than there are nodes BRANCH_MEMBER", where);
    node.members = static_cast<uint32_t>(begin);
    node.members_end = static_cast<uint32_t>(at++);
  }
  return {};
}

Status read_leaves(const ir::Op& op, const std::string& where, Forest& forest) {
  const std::vector<double> weights = tensor_weights_of(op, "leaf_weights");
  const ir::Dims targets = op.attr_ints("leaf_targetids");
  if (weights.size() != targets.size() || weights.size() > INT32_MAX)
    return contradiction(kLabel, "leaf_weights and leaf_targetids differ in length", where);
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] < 0 || targets[i] >= forest.targets)
      return contradiction(kLabel,
                           "leaf_targetids has " + std::to_string(targets[i]) + ", there are " +
                               std::to_string(forest.targets) + " targets",
                           where);
    forest.votes.push_back({static_cast<int32_t>(targets[i]), weights[i]});
    forest.leaves.push_back({static_cast<uint32_t>(i), static_cast<uint32_t>(i + 1)});
  }
  return {};
}

Status read_nodes(const ir::Op& op, const std::string& where, Forest& forest) {
  const std::vector<double> splits = tensor_weights_of(op, "nodes_splits");
  const ir::Tensor* modes = op.attr_tensor("nodes_modes");
  const ir::Dims features = op.attr_ints("nodes_featureids"), on_true = op.attr_ints("nodes_truenodeids"),
                 on_false = op.attr_ints("nodes_falsenodeids"), true_leaf = op.attr_ints("nodes_trueleafs"),
                 false_leaf = op.attr_ints("nodes_falseleafs"),
                 missing = op.attr_ints("nodes_missing_value_tracks_true");
  const size_t n = features.size();
  const bool fit = splits.size() == n && on_true.size() == n && on_false.size() == n && true_leaf.size() == n &&
                   false_leaf.size() == n && (missing.empty() || missing.size() == n) && n <= INT32_MAX;
  if (!fit || modes == nullptr || modes->elem() != ir::ElemType::uint8 || modes->size() != static_cast<int64_t>(n))
    return contradiction(kLabel, "the lists nodes_* differ in length, or nodes_modes is not of uint8", where);
  const auto target = [&](size_t node, int64_t at, int64_t leaf) -> Result<Forest::Target> {
    const size_t count = leaf != 0 ? forest.leaves.size() : n;
    if (at < 0 || at >= static_cast<int64_t>(count))
      return contradiction(kLabel,
                           "node " + std::to_string(node) + " leads to " + (leaf != 0 ? "leaf " : "node ") +
                               std::to_string(at) + " of " + std::to_string(count),
                           where);
    return Forest::Target{static_cast<int32_t>(at), leaf != 0};
  };
  for (size_t i = 0; i < n; ++i) {
    const int64_t mode = modes->int_at(static_cast<int64_t>(i));
    if (mode > static_cast<int64_t>(Branch::member))
      return contradiction(kLabel, "nodes_modes has " + std::to_string(mode), where);
    ASSAY_TRY(const Forest::Target yes, target(i, on_true[i], true_leaf[i]));
    ASSAY_TRY(const Forest::Target no, target(i, on_false[i], false_leaf[i]));
    forest.nodes.push_back(
        {features[i], splits[i], yes, no, static_cast<Branch>(mode), !missing.empty() && missing[i] == 1});
  }
  for (const int64_t root : op.attr_ints("tree_roots")) {
    if (root < 0 || root >= static_cast<int64_t>(n))
      return contradiction(kLabel, "tree_roots has " + std::to_string(root) + " of " + std::to_string(n) + " nodes",
                           where);
    forest.roots.push_back({static_cast<int32_t>(root), false});
  }
  return {};
}

Made ensemble_of(const ir::Op& op, const std::string& where) {
  auto forest = std::make_shared<Forest>();
  forest->targets = op.attr_int("n_targets", 1);
  ASSAY_CHECK(check_targets(forest->targets, kLabel, where));
  const int64_t aggregate = op.attr_int("aggregate_function", 1), transform = op.attr_int("post_transform", 0);
  if (aggregate < 0 || aggregate > static_cast<int64_t>(Aggregate::max) || transform < 0 ||
      transform > static_cast<int64_t>(Transform::probit))
    return contradiction(kLabel, "aggregate_function or post_transform is none that ONNX numbers", where);
  forest->aggregate = static_cast<Aggregate>(aggregate);
  forest->transform = static_cast<Transform>(transform);
  ASSAY_CHECK(read_leaves(op, where, *forest));
  ASSAY_CHECK(read_nodes(op, where, *forest));
  ASSAY_CHECK(read_members(op, where, *forest));
  ASSAY_CHECK(finish_trees(kLabel, where, *forest));
  return std::shared_ptr<const Forest>(std::move(forest));
}

// ---- TreeEnsembleRegressor

constexpr char kRegressorLabel[] = "treeensembleregressor_c1";
constexpr std::string_view kAggregates[] = {"AVERAGE", "SUM", "MIN", "MAX"};

Made regressor_of(const ir::Op& op, const std::string& where) {
  auto forest = std::make_shared<Forest>();
  forest->targets = op.attr_int("n_targets", 1);
  ASSAY_CHECK(check_targets(forest->targets, kRegressorLabel, where));
  const auto* aggregate = std::ranges::find(kAggregates, op.attr_string("aggregate_function", "SUM"));
  const auto transform = transform_of(op);
  if (aggregate == std::end(kAggregates) || !transform)
    return contradiction(kRegressorLabel, "aggregate_function or post_transform is none that ONNX names", where);
  forest->aggregate = static_cast<Aggregate>(aggregate - std::begin(kAggregates));
  forest->transform = *transform;
  forest->base = weights_of(op, "base_values");
  if (!forest->base.empty() && forest->base.size() != static_cast<size_t>(forest->targets))
    return contradiction(
        kRegressorLabel,
        std::to_string(forest->base.size()) + " base values for " + std::to_string(forest->targets) + " targets",
        where);
  ASSAY_CHECK(read_trees(op, "target", kRegressorLabel, where, *forest));
  return std::shared_ptr<const Forest>(std::move(forest));
}

// ---- Both

template <class T>
Status run(KernelContext& c, const Forest& forest) {
  const auto width = static_cast<size_t>(forest.targets);
  return for_each_tally<T>(c, forest, [&](const num::Arith<T>& arith, int64_t r, T* scores) {
    width == 1 ? transform_lone(arith, forest.transform, scores) : transform(arith, forest.transform, scores, width);
    store(c.out(0), r * forest.targets, width, scores, c.policy());
  });
}

template <Make<Forest> kMake>
Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const auto forest, made_of(c, kMake));
  return computes_float64(c) ? run<double>(c, *forest) : run<float>(c, *forest);
}

Status infer_rows(InferContext& c, ir::ElemType elem, std::string_view label) {
  ASSAY_TRY(const ir::Dim n, row_count(c, label));
  const int64_t targets = c.op().attr_int("n_targets", 1);
  ASSAY_CHECK(check_targets(targets, label, c.where()));
  c.set(0, elem, std::vector<ir::Dim>{n, targets});
  return {};
}
Status infer(InferContext& c) { return infer_rows(c, c.elem(0), "treeensemble_c2"); }
Status infer_regressor(InferContext& c) { return infer_rows(c, ir::ElemType::float32, "treeensembleregressor_c2"); }

constexpr In kIn[] = {
    {"X", type_set(ir::ElemType::float32) | type_set(ir::ElemType::float64) | type_set(ir::ElemType::float16)}};
constexpr In kRegressorIn[] = {{"X", kFeatures}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"aggregate_function", "1"}, {"leaf_targetids", ""},
                              {"leaf_weights", ""},        {"membership_values", "-"},
                              {"n_targets", "-"},          {"nodes_falseleafs", ""},
                              {"nodes_falsenodeids", ""},  {"nodes_featureids", ""},
                              {"nodes_hitrates", "-"},     {"nodes_missing_value_tracks_true", "-"},
                              {"nodes_modes", ""},         {"nodes_splits", ""},
                              {"nodes_trueleafs", ""},     {"nodes_truenodeids", ""},
                              {"post_transform", "0"},     {"tree_roots", ""}};
constexpr AttrDoc kRegressorAttrs[] = {{"aggregate_function", "SUM"},
                                       {"base_values", "-"},
                                       {"base_values_as_tensor", "-"},
                                       {"n_targets", "-"},
                                       {"nodes_falsenodeids", "-"},
                                       {"nodes_featureids", "-"},
                                       {"nodes_hitrates", "-"},
                                       {"nodes_hitrates_as_tensor", "-"},
                                       {"nodes_missing_value_tracks_true", "-"},
                                       {"nodes_modes", "-"},
                                       {"nodes_nodeids", "-"},
                                       {"nodes_treeids", "-"},
                                       {"nodes_truenodeids", "-"},
                                       {"nodes_values", "-"},
                                       {"nodes_values_as_tensor", "-"},
                                       {"post_transform", "NONE"},
                                       {"target_ids", "-"},
                                       {"target_nodeids", "-"},
                                       {"target_treeids", "-"},
                                       {"target_weights", "-"},
                                       {"target_weights_as_tensor", "-"}};

}  // namespace

extern const OpDef kTreeEnsemble = {
    .domain = kMl,
    .name = "TreeEnsemble",
    .since = 5,
    .doc = "What the leaves of decision trees vote for each target, aggregated.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::reduction,
    .accumulates = "leaves' weights, tree by tree",
    .elementary = kTransformFunctions,
    .infer = infer,
    .eval = eval<ensemble_of>,
    .prepare = prepare_with<Forest, ensemble_of>,
    .to_mil = {nullptr, "no operator walks trees"},
    .to_nn = {nullptr, "no layer walks trees"},
    .bound = {.f32 = 64},
};

extern const OpDef kTreeEnsembleRegressor = {
    .domain = kMl,
    .name = "TreeEnsembleRegressor",
    .since = 3,
    .doc = "What the leaves of decision trees vote for each target, aggregated.",
    .in = kRegressorIn,
    .out = kOut,
    .attrs = kRegressorAttrs,
    .numeric = Numeric::reduction,
    .accumulates = "leaves' weights, tree by tree",
    .elementary = kTransformFunctions,
    .infer = infer_regressor,
    .eval = eval<regressor_of>,
    .prepare = prepare_with<Forest, regressor_of>,
    .to_mil = {nullptr, "no operator walks trees"},
    .to_nn = {nullptr, "no layer walks trees"},
    .bound = {.f32 = 64},
};

}  // namespace assay::ops

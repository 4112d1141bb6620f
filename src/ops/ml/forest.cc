#include "ops/ml/forest.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "ops/reduce.h"

namespace assay::ops {
namespace {

constexpr std::string_view kModes[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"};
constexpr size_t kMostNodes = INT32_MAX;

void round_attribute(const ir::Op& op, std::vector<double>& values) {
  if (op.policy.attribute) num::round_in_place(values.data(), values.size(), *op.policy.attribute);
}

/// The attributes of nodes that are lists, one entry a node.
struct NodeLists {
  explicit NodeLists(const ir::Op& op)
      : trees(op.attr_ints("nodes_treeids")),
        ids(op.attr_ints("nodes_nodeids")),
        features(op.attr_ints("nodes_featureids")),
        on_true(op.attr_ints("nodes_truenodeids")),
        on_false(op.attr_ints("nodes_falsenodeids")),
        missing(op.attr_ints("nodes_missing_value_tracks_true")),
        modes(op.attr_strings("nodes_modes")),
        values(weights_of(op, "nodes_values")) {}
  bool fit() const {
    const size_t n = ids.size();
    return trees.size() == n && features.size() == n && on_true.size() == n && on_false.size() == n &&
           modes.size() == n && values.size() == n && (missing.empty() || missing.size() == n) && n <= kMostNodes;
  }
  ir::Dims trees, ids, features, on_true, on_false, missing;
  std::vector<std::string> modes;
  std::vector<double> values;
};

/// Node `id` of tree `tree`.
using Name = std::pair<int64_t, int64_t>;
std::string to_string(const Name& name) {
  return "node " + std::to_string(name.second) + " of tree " + std::to_string(name.first);
}

}  // namespace

bool Forest::takes_true(const Node& node, double x) const {
  if (node.missing_is_true && std::isnan(x)) return true;
  switch (node.branch) {
    case Branch::leq:
      return x <= node.threshold;
    case Branch::lt:
      return x < node.threshold;
    case Branch::gte:
      return x >= node.threshold;
    case Branch::gt:
      return x > node.threshold;
    case Branch::eq:
      return x == node.threshold;
    case Branch::neq:
      return x != node.threshold;
    case Branch::member:
      return std::find(members.begin() + node.members, members.begin() + node.members_end, x) !=
             members.begin() + node.members_end;
  }
  return false;
}

std::vector<double> tensor_weights_of(const ir::Op& op, std::string_view name) {
  std::vector<double> values;
  const ir::Tensor* tensor = op.attr_tensor(name);
  if (tensor == nullptr || !ir::is_float(tensor->elem())) return values;
  const ir::Tensor t = tensor->aligned();
  for (int64_t i = 0; i < t.size(); ++i) values.push_back(t.float_at(i));
  round_attribute(op, values);
  return values;
}

std::vector<double> weights_of(const ir::Op& op, const std::string& name) {
  std::vector<double> tensor = tensor_weights_of(op, name + "_as_tensor");
  if (!tensor.empty()) return tensor;
  const std::vector<float> floats = op.attr_floats(name);
  std::vector<double> values(floats.begin(), floats.end());
  round_attribute(op, values);
  return values;
}

Status read_trees(const ir::Op& op, const std::string& votes, std::string_view label, const std::string& where,
                  Forest& forest) {
  const auto broken = [&](std::string message) { return contradiction(label, std::move(message), where); };
  const NodeLists lists(op);
  if (!lists.fit()) return broken("the lists nodes_* differ in length");

  // Inner nodes and leaves are numbered apart, each in the order of the lists.
  std::map<Name, size_t> places;
  std::vector<Forest::Target> targets(lists.ids.size());
  int32_t inner = 0, outer = 0;
  for (size_t i = 0; i < lists.ids.size(); ++i) {
    const Name name{lists.trees[i], lists.ids[i]};
    if (!places.emplace(name, i).second) return broken(to_string(name) + " is there twice");
    const bool leaf = lists.modes[i] == "LEAF";
    targets[i] = {leaf ? outer++ : inner++, leaf};
    if (i == 0 || lists.trees[i] != lists.trees[i - 1]) forest.roots.push_back(targets[i]);
  }
  const auto child = [&](const Name& name, int64_t id) -> Result<Forest::Target> {
    const auto found = places.find({name.first, id});
    if (found == places.end())
      return broken(to_string(name) + " leads to node " + std::to_string(id) + ", which is none");
    return targets[found->second];
  };
  for (size_t i = 0; i < lists.ids.size(); ++i) {
    if (targets[i].leaf) continue;
    const Name name{lists.trees[i], lists.ids[i]};
    const auto* mode = std::ranges::find(kModes, lists.modes[i]);
    if (mode == std::end(kModes)) return broken("nodes_modes of " + to_string(name) + " is none that ONNX names");
    ASSAY_TRY(const Forest::Target on_true, child(name, lists.on_true[i]));
    ASSAY_TRY(const Forest::Target on_false, child(name, lists.on_false[i]));
    forest.nodes.push_back({lists.features[i], lists.values[i], on_true, on_false,
                            static_cast<Branch>(mode - std::begin(kModes)),
                            !lists.missing.empty() && lists.missing[i] == 1});
  }

  const ir::Dims trees = op.attr_ints(votes + "_treeids"), ids = op.attr_ints(votes + "_nodeids");
  const ir::Dims wanted = op.attr_ints(votes + "_ids");
  const std::vector<double> weights = weights_of(op, votes + "_weights");
  if (ids.size() != trees.size() || wanted.size() != trees.size() || weights.size() != trees.size())
    return broken("the lists " + votes + "_* differ in length");
  std::vector<std::vector<Forest::Vote>> of_leaf(static_cast<size_t>(outer));
  for (size_t i = 0; i < trees.size(); ++i) {
    const Name name{trees[i], ids[i]};
    const auto found = places.find(name);
    if (found == places.end()) return broken(votes + "_nodeids: " + to_string(name) + " is none");
    if (wanted[i] < 0 || wanted[i] >= forest.targets)
      return broken(votes + "_ids has " + std::to_string(wanted[i]) + ", there are " + std::to_string(forest.targets));
    const Forest::Target target = targets[found->second];
    if (!target.leaf) continue;  // old converters gave inner nodes votes too, which nobody counts
    of_leaf[static_cast<size_t>(target.at)].push_back({static_cast<int32_t>(wanted[i]), weights[i]});
  }
  for (const auto& list : of_leaf) {
    const auto begin = static_cast<uint32_t>(forest.votes.size());
    forest.votes.insert(forest.votes.end(), list.begin(), list.end());
    forest.leaves.push_back({begin, static_cast<uint32_t>(forest.votes.size())});
  }
  return finish_trees(label, where, forest);
}

Status finish_trees(std::string_view label, const std::string& where, Forest& forest) {
  for (const Forest::Node& node : forest.nodes) {
    if (node.feature < 0 || node.feature >= INT32_MAX)
      return contradiction(label, "nodes_featureids has " + std::to_string(node.feature), where);
    forest.features = std::max(forest.features, node.feature + 1);
  }
  // Nodes leave once all that lead to them have left; those of a cycle never do.
  std::vector<uint32_t> leading(forest.nodes.size());
  const auto each_child = [&](const Forest::Node& node, const auto& use) {
    for (const Forest::Target& to : {node.on_true, node.on_false})
      if (!to.leaf) use(static_cast<size_t>(to.at));
  };
  for (const Forest::Node& node : forest.nodes) each_child(node, [&](size_t to) { ++leading[to]; });
  std::vector<size_t> free;
  for (size_t i = 0; i < leading.size(); ++i)
    if (leading[i] == 0) free.push_back(i);
  size_t left = 0;
  for (; !free.empty(); ++left) {
    const size_t at = free.back();
    free.pop_back();
    each_child(forest.nodes[at], [&](size_t to) {
      if (--leading[to] == 0) free.push_back(to);
    });
  }
  if (left != forest.nodes.size()) return contradiction(label, "a path through the trees comes back to a node", where);
  return {};
}

template <class T>
T Tally<T>::result(const std::vector<T>& terms) const {
  if (terms.empty()) return 0;
  switch (forest_.aggregate) {
    case Aggregate::min:
    case Aggregate::max: {
      T best = terms[0];
      for (const T x : terms) best = (forest_.aggregate == Aggregate::min ? x < best : x > best) ? x : best;
      return best;
    }
    case Aggregate::average:
    case Aggregate::sum:
      break;
  }
  const T sum = arith_.sums_ascending() ? ascending_sum(arith_, terms.data(), terms.size())
                                        : arith_.sum(terms.data(), terms.size());
  if (forest_.aggregate == Aggregate::sum) return sum;
  return arith_.div(sum, static_cast<T>(forest_.roots.size()));
}

template <class T>
void Tally<T>::run(const T* x, T* scores) {
  for (std::vector<T>& terms : terms_) terms.clear();
  for (const Forest::Target root : forest_.roots) {
    const Forest::Leaf& leaf = forest_.leaf_of(root, x);
    for (uint32_t v = leaf.begin; v < leaf.end; ++v)
      terms_[static_cast<size_t>(forest_.votes[v].target)].push_back(static_cast<T>(forest_.votes[v].weight));
  }
  for (size_t k = 0; k < terms_.size(); ++k) scores[k] = result(terms_[k]);
}

template class Tally<float>;
template class Tally<double>;

}  // namespace assay::ops

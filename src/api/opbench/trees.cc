#include "api/opbench/trees.h"

#include <fmt/format.h>

#include <map>

#include "api/opbench/data.h"

namespace assay::api::opbench {
namespace {

/// Lists under construction, by attribute.
class Lists {
 public:
  template <class T>
  void add(const std::string& name, const T& value) {
    std::string& list = lists_[name];
    list += (list.empty() ? "" : ", ") + fmt::format("{}", value);
  }
  std::string list(const std::string& name, const std::string& kind) const {
    return name + " = " + kind + "[" + lists_.at(name) + "]";
  }
  const std::string& values(const std::string& name) const { return lists_.at(name); }

 private:
  std::map<std::string, std::string> lists_;
};

std::string split(Random& random) { return fmt::format("{:.3f}", random.uniform(-1, 1)); }
std::string weight(Random& random) { return fmt::format("{:.4f}", random.uniform(-0.1, 0.1)); }

void add_leaf(Lists& lists, const std::string& stem, int tree, int node, int id, Random& random) {
  lists.add("nodes_values", "0");
  lists.add("nodes_modes", "\"LEAF\"");
  lists.add("nodes_truenodeids", 0);
  lists.add("nodes_falsenodeids", 0);
  lists.add(stem + "_treeids", tree);
  lists.add(stem + "_nodeids", node);
  lists.add(stem + "_ids", id);
  lists.add(stem + "_weights", weight(random));
}

}  // namespace

// Nodes of a full tree are numbered by level: the children of node i are 2 i + 1 and 2 i + 2.
std::string tree_attributes(const std::string& stem, int trees, int depth, int features, int ids) {
  Lists lists;
  Random random(3);
  const int inner = (1 << depth) - 1, all = 2 * inner + 1;
  for (int tree = 0; tree < trees; ++tree) {
    for (int node = 0; node < all; ++node) {
      lists.add("nodes_treeids", tree);
      lists.add("nodes_nodeids", node);
      lists.add("nodes_featureids", node < inner ? random.whole(0, features - 1) : 0);
      if (node >= inner) {
        add_leaf(lists, stem, tree, node, tree % ids, random);
        continue;
      }
      lists.add("nodes_values", split(random));
      lists.add("nodes_modes", "\"BRANCH_LEQ\"");
      lists.add("nodes_truenodeids", 2 * node + 1);
      lists.add("nodes_falsenodeids", 2 * node + 2);
    }
  }
  std::string text = lists.list("nodes_values", "floats") + ", " + lists.list("nodes_modes", "strings") + ", " +
                     lists.list(stem + "_weights", "floats");
  for (const std::string& name :
       {std::string("nodes_treeids"), std::string("nodes_nodeids"), std::string("nodes_featureids"),
        std::string("nodes_truenodeids"), std::string("nodes_falsenodeids"), stem + "_treeids", stem + "_nodeids",
        stem + "_ids"})
    text += ", " + lists.list(name, "ints");
  return text;
}

std::string tree_ensemble_attributes(int trees, int depth, int features) {
  Lists lists;
  Random random(3);
  const int inner = (1 << depth) - 1, leaves = inner + 1, first_of_leaves = (1 << (depth - 1)) - 1;
  for (int tree = 0; tree < trees; ++tree) {
    lists.add("tree_roots", tree * inner);
    for (int node = 0; node < inner; ++node) {
      lists.add("nodes_featureids", random.whole(0, features - 1));
      lists.add("nodes_splits", split(random));
      lists.add("nodes_modes", 0);  // BRANCH_LEQ
      const bool last = node >= first_of_leaves;
      const int left = last ? tree * leaves + 2 * (node - first_of_leaves) : tree * inner + 2 * node + 1;
      lists.add("nodes_truenodeids", left);
      lists.add("nodes_falsenodeids", left + 1);
      lists.add("nodes_trueleafs", last ? 1 : 0);
      lists.add("nodes_falseleafs", last ? 1 : 0);
    }
    for (int leaf = 0; leaf < leaves; ++leaf) {
      lists.add("leaf_targetids", 0);
      lists.add("leaf_weights", weight(random));
    }
  }
  const auto tensor = [&](const std::string& name, const std::string& elem, int count) {
    return fmt::format("{} = tensor {}[{}] {{{}}}", name, elem, count, lists.values(name));
  };
  std::string text = tensor("nodes_splits", "float32", trees * inner) + ", " +
                     tensor("nodes_modes", "uint8", trees * inner) + ", " +
                     tensor("leaf_weights", "float32", trees * leaves) + ", n_targets = 1, aggregate_function = 1";
  for (const char* name : {"tree_roots", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids",
                           "nodes_trueleafs", "nodes_falseleafs", "leaf_targetids"})
    text += ", " + lists.list(name, "ints");
  return text;
}

}  // namespace assay::api::opbench

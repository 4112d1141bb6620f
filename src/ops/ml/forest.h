// Decision trees as flat arrays that are checked once: every index lies inside, and no path comes back to a node.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ops/ml/features.h"
#include "ops/ml/transforms.h"

namespace assay::ops {

/// Numbered as TreeEnsemble's nodes_modes.
enum class Branch : uint8_t { leq, lt, gte, gt, eq, neq, member };
/// Numbered as TreeEnsemble's aggregate_function.
enum class Aggregate : uint8_t { average, sum, min, max };

struct Forest {
  /// Where a branch leads: node `at`, or leaf `at`.
  struct Target {
    int32_t at;
    bool leaf;
  };
  struct Node {
    int64_t feature;
    double threshold;
    Target on_true, on_false;
    Branch branch;
    bool missing_is_true;                   ///< a NaN takes the true branch
    uint32_t members = 0, members_end = 0;  ///< of Branch::member: its set in `members`
  };
  struct Vote {
    int32_t target;
    double weight;
  };
  struct Leaf {
    uint32_t begin, end;  ///< its votes
  };

  std::vector<Node> nodes;
  std::vector<Leaf> leaves;
  std::vector<Vote> votes;
  std::vector<double> members;
  std::vector<Target> roots;
  std::vector<double> base;  ///< one a target, or none
  int64_t targets = 0;
  int64_t features = 0;  ///< the highest feature that a node asks for, + 1
  Aggregate aggregate = Aggregate::sum;
  Transform transform = Transform::none;

  /// The leaf that a row of features falls into; comparisons are exact, in float64.
  template <class T>
  const Leaf& leaf_of(Target at, const T* x) const {
    while (!at.leaf) {
      const Node& node = nodes[static_cast<size_t>(at.at)];
      at = takes_true(node, static_cast<double>(x[node.feature])) ? node.on_true : node.on_false;
    }
    return leaves[static_cast<size_t>(at.at)];
  }

 private:
  bool takes_true(const Node& node, double x) const;
};

/// A list of numbers that is attribute `name` (floats) or `name`_as_tensor, rounded as the policy rounds attributes.
std::vector<double> weights_of(const ir::Op& op, const std::string& name);
/// The elements of a tensor attribute; none when it is absent.
std::vector<double> tensor_weights_of(const ir::Op& op, std::string_view name);

/// The trees of TreeEnsembleClassifier and TreeEnsembleRegressor, whose votes are attributes "<votes>_treeids" and so
/// on ("class", "target"); all but base, aggregate and transform. Errors: model_invalid with `label`.
Status read_trees(const ir::Op& op, const std::string& votes, std::string_view label, const std::string& where,
                  Forest& forest);
/// Features are counted, and no path may come back to a node it left. Indices of nodes and leaves lie inside already.
Status finish_trees(std::string_view label, const std::string& where, Forest& forest);

/// What of each target a row's leaves make, without base values: scores[k], and voted[k] where a leaf voted for k.
template <class T>
class Tally {
 public:
  Tally(const num::Arith<T>& arith, const Forest& forest)
      : arith_(arith), forest_(forest), terms_(static_cast<size_t>(forest.targets)) {}
  void run(const T* x, T* scores);

 private:
  T result(const std::vector<T>& terms) const;

  const num::Arith<T>& arith_;
  const Forest& forest_;
  std::vector<std::vector<T>> terms_;
};
extern template class Tally<float>;
extern template class Tally<double>;

/// body(arith, r, scores) for each row of input 0, with the row's scores, to which base values were added. Errors: rows
/// with too few features.
template <class T, class Body>
Status for_each_tally(const KernelContext& c, const Forest& forest, const Body& body) {
  constexpr size_t kRowGrain = 8;
  ASSAY_TRY(const Rows rows, rows_of(c));
  if (rows.features < forest.features)
    return c.fail(Code::value_range, "a node asks for feature " + std::to_string(forest.features - 1) + ", X has " +
                                         std::to_string(rows.features));
  const num::Arith<T> arith(c.policy());
  c.threads.for_each(static_cast<size_t>(rows.n), kRowGrain, [&](size_t begin, size_t end) {
    Tally<T> tally(arith, forest);
    const std::vector<T> base(forest.base.begin(), forest.base.end());
    std::vector<T> buffer, entered(static_cast<size_t>(rows.features)), scores(static_cast<size_t>(forest.targets));
    for (auto r = static_cast<int64_t>(begin); r < static_cast<int64_t>(end); ++r) {
      const T* x = load_row(c, rows, r, buffer);
      tally.run(arith.entered(x, entered.size(), entered.data()), scores.data());
      if (base.size() == scores.size()) arith.add(scores.data(), base.data(), scores.data(), scores.size());
      body(arith, r, scores.data());
    }
  });
  return {};
}

}  // namespace assay::ops

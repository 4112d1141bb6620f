// What cannot be converted, gathered over a whole model.
#pragma once
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "ops/def.h"

namespace assay::coreml {

inline constexpr size_t kMostAxes = 5;  ///< no Core ML tensor has more

/// An error where the operation's results do not fit Core ML's tensors: at most 5 axes, none of extent 0.
Status check_results(const ir::Graph& graph, const ir::Op& op);

/// An input that Core ML has no type for.
struct RefusedInput {
  ir::ValueId id;
  Error error;
};

/// Why an operator that Assay does not have cannot be converted.
inline constexpr char kUnknownOperator[] = "Assay does not have it";

/// Operations that Assay does not have (ir::Op::def is null) and inputs that are refused, and operations that nothing
/// is known of because of them.
class Unknowns {
 public:
  void add(const ir::Graph& graph, ir::ValueId id) { values_.insert({&graph, id}); }
  /// Whether the operation is one, holds one, or reads what comes of one. Asked once of each, in order.
  bool covers(const ir::Graph& graph, const ir::Op& op);

 private:
  std::set<std::pair<const ir::Graph*, ir::ValueId>> values_;
};

/// Why the operation cannot be written whatever its types are: by the lowering of its row that `Target` names; empty
/// where it may.
template <auto Target>
std::string impossible(const ir::Op& op) {
  if (op.def == nullptr) return kUnknownOperator;
  const auto& lowering = op.def->*Target;
  return lowering.apply == nullptr ? std::string(lowering.says) : std::string();
}

/// What cannot be converted, gathered over the whole model.
class Refusals {
 public:
  void add(const RefusedInput& input) { inputs_.push_back(input); }
  void add(const ir::Graph& graph, const ir::Op& op, const std::string& reason);
  /// Of an operation whose types are not known, and of those in its graphs: what no types would make convertible.
  /// `impossible` gives the reason, or nothing.
  void add_certain(const ir::Graph& graph, const ir::Op& op, std::string (*impossible)(const ir::Op& op));
  bool empty() const { return rows_.empty() && inputs_.empty(); }
  /// not_convertible with one line per input, and per operator and reason: count and first node.
  Error error(std::string_view format) const;

 private:
  struct Row {
    std::string op, reason, first;
    size_t count = 0;
  };
  std::vector<Row> rows_;
  std::vector<RefusedInput> inputs_;
};

/// Operations of a graph in order, each by `lower`. What is refused is gathered, and `stand_in` lets the operations
/// behind it be looked at too; other errors end it.
template <auto Target, class Lower, class StandIn>
Status lower_each(const ir::Graph& graph, Unknowns& unknowns, Refusals& refusals, Lower lower, StandIn stand_in) {
  for (const ir::Op& op : graph.ops) {
    if (unknowns.covers(graph, op)) {
      refusals.add_certain(graph, op, impossible<Target>);
      continue;
    }
    const Status lowered = lower(op);
    if (lowered.ok()) continue;
    if (lowered.error().code != Code::not_convertible) return lowered.error();
    refusals.add(graph, op, lowered.error().message);
    stand_in(op);
  }
  return {};
}

}  // namespace assay::coreml

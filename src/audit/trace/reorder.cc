#include "audit/trace/reorder.h"

#include <set>
#include <vector>

#include "base/text.h"
#include "ops/def.h"

namespace assay::audit {
namespace {
using num::Accumulator;

constexpr int kLanes = 8;

/// Whether there was another order.
bool reorder(Accumulator& accumulator, std::set<std::string>& words) {
  switch (accumulator.kind) {
    case Accumulator::Kind::chain:
      accumulator.kind = Accumulator::Kind::lanes;
      accumulator.lanes = kLanes;
      words.insert("chains in " + std::to_string(kLanes) + " lanes");
      return true;
    case Accumulator::Kind::lanes:
      accumulator.kind = Accumulator::Kind::chain;
      accumulator.lanes = 1;
      words.insert("lanes as one chain");
      return true;
    case Accumulator::Kind::aligned:
      accumulator.split_k = accumulator.split_k == 1 ? 2 : 1;
      words.insert(accumulator.split_k == 1 ? "blocks in one part" : "blocks in two parts");
      return true;
    case Accumulator::Kind::exact:
    case Accumulator::Kind::tiles:
    case Accumulator::Kind::pairs:
      return false;
  }
  return false;
}

void reorder(num::Policy& policy, std::set<std::string>& words) {
  reorder(policy.accumulator, words);
  if (policy.sum) {
    reorder(*policy.sum, words);
  } else {  // 16 lanes where the last axis is summed
    Accumulator sum;
    sum.step = policy.step;
    policy.sum = sum;
    words.insert("sums as one chain");
  }
}

void reorder(ir::Graph& graph, std::set<std::string>& words) {
  for (ir::Op& op : graph.ops) {
    const auto numeric = op.def == nullptr ? ops::Numeric::exact : op.def->numeric;
    const bool sums = numeric == ops::Numeric::contraction || numeric == ops::Numeric::reduction ||
                      numeric == ops::Numeric::composite;
    if (sums) reorder(op.policy, words);
    for (ir::Attr& attr : op.attrs) {
      auto* nested = std::get_if<std::shared_ptr<ir::Graph>>(&attr.value);
      if (nested == nullptr || !*nested) continue;
      *nested = std::make_shared<ir::Graph>(**nested);
      reorder(**nested, words);
    }
  }
}

}  // namespace

Reordered reorder_sums(const ir::Graph& graph) {
  Reordered out{graph, {}};
  std::set<std::string> words;
  reorder(out.graph, words);
  out.words = join(std::vector<std::string>(words.begin(), words.end()), "; ");
  return out;
}

}  // namespace assay::audit

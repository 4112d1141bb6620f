#include "audit/trace/reorder.h"

#include <algorithm>
#include <set>
#include <vector>

#include "audit/trace/rows.h"
#include "base/text.h"
#include "ops/def.h"

namespace assay::audit {
namespace {
using num::Accumulator;

constexpr int kLanes = 8;

// Multiply-adds of one run that may leave the fast kernels, which do not have every order.
constexpr uint64_t kSlow = uint64_t{1} << 22;

class Reorderer {
 public:
  std::set<std::string> words;

  void reorder(ir::Graph& graph) {
    for (ir::Op& op : graph.ops) {
      const auto numeric = op.def == nullptr ? ops::Numeric::exact : op.def->numeric;
      if (numeric == ops::Numeric::contraction) products(graph, op);
      if (numeric == ops::Numeric::reduction || numeric == ops::Numeric::composite) sums(op.policy);
      for (ir::Attr& attr : op.attrs) {
        auto* nested = std::get_if<std::shared_ptr<ir::Graph>>(&attr.value);
        if (nested == nullptr || !*nested) continue;
        *nested = std::make_shared<ir::Graph>(**nested);
        reorder(**nested);
      }
    }
  }

 private:
  void products(const ir::Graph& graph, ir::Op& op) {
    Accumulator& accumulator = op.policy.accumulator;
    const bool fast = accumulator.kind != Accumulator::Kind::aligned && !accumulator.step;
    if (!fast) {
      const uint64_t work = terms_of(graph, op) * elements(graph, op);
      if (work > kSlow - slow_) return;
      slow_ += work;
    }
    change(accumulator);
  }

  /// Of the results, axes of unknown size as 1.
  static uint64_t elements(const ir::Graph& graph, const ir::Op& op) {
    uint64_t most = 1;
    for (const ir::ValueId v : op.outputs) {
      if (v == ir::kNoValue || !graph.at(v).type.ranked()) continue;
      uint64_t all = 1;
      for (const ir::Dim& dim : *graph.at(v).type.shape) all *= static_cast<uint64_t>(std::max<int64_t>(1, dim.value));
      most = std::max(most, all);
    }
    return most;
  }

  void sums(num::Policy& policy) {
    const bool fast = policy.accumulator.kind != Accumulator::Kind::aligned && !policy.accumulator.step;
    if (fast) change(policy.accumulator);
    if (policy.sum) return change(*policy.sum);
    Accumulator sum;  // 16 lanes where the last axis is summed
    sum.step = policy.step;
    policy.sum = sum;
    words.insert("sums as one chain");
  }

  void change(Accumulator& accumulator) {
    if (accumulator.kind == Accumulator::Kind::chain) {
      accumulator.kind = Accumulator::Kind::lanes;
      accumulator.lanes = kLanes;
      words.insert("chains in " + std::to_string(kLanes) + " lanes");
    } else if (accumulator.kind == Accumulator::Kind::lanes) {
      accumulator.kind = Accumulator::Kind::chain;
      accumulator.lanes = 1;
      words.insert("lanes as one chain");
    } else if (accumulator.kind == Accumulator::Kind::aligned) {
      accumulator.split_k = accumulator.split_k == 1 ? 2 : 1;
      words.insert(accumulator.split_k == 1 ? "blocks in one part" : "blocks in two parts");
    }
  }

  uint64_t slow_ = 0;
};

}  // namespace

Reordered reorder_sums(const ir::Graph& graph) {
  Reordered out{graph, {}};
  Reorderer reorderer;
  reorderer.reorder(out.graph);
  out.words = join(std::vector<std::string>(reorderer.words.begin(), reorderer.words.end()), "; ");
  return out;
}

}  // namespace assay::audit

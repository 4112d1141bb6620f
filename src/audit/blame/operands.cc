#include "audit/blame/operands.h"

#include <algorithm>
#include <cmath>

namespace assay::audit {
namespace {

constexpr double kUnits = 64;  // roundings to nearest that a value may be off, of its largest magnitude

int bits_of(const std::optional<num::Rounding>& rounding) {
  return rounding ? rounding->format.significand_bits : num::format(num::FormatId::float32).significand_bits;
}

/// Stored bits of the coarsest format that anything is rounded to.
int coarsest(const ir::Graph& graph) {
  int bits = num::format(num::FormatId::float32).significand_bits;
  for (const ir::Op& op : graph.ops)
    for (const auto* rounding : {&op.policy.operand, &op.policy.step, &op.policy.result, &op.policy.accumulator.step})
      bits = std::min(bits, bits_of(*rounding));
  for (const ir::Value& value : graph.values)
    if (const auto format = ir::elem_format(value.storage); format && value.type.elem == ir::ElemType::float32)
      bits = std::min(bits, num::format(*format).significand_bits);
  return bits;
}

bool within(const ir::Tensor& lowered, const ir::Tensor& plain, double tolerance) {
  if (lowered.size() != plain.size()) return true;  // shapes by values: not told apart here
  double largest = 0, off = 0;
  for (int64_t i = 0; i < plain.size(); ++i) {
    const double r = plain.float_at(i), c = lowered.float_at(i);
    if (std::isfinite(r)) largest = std::max(largest, std::fabs(r));
    if (r == c || (std::isnan(r) && std::isnan(c))) continue;
    if (!std::isfinite(r) || !std::isfinite(c)) return false;
    off = std::max(off, std::fabs(r - c));
  }
  return off <= tolerance * largest;
}

}  // namespace

Result<OperandCheck> OperandCheck::create(const backends::Program& candidate, size_t variant,
                                          const backends::Program& plain, const Units& units,
                                          std::shared_ptr<const Threads> threads) {
  OperandCheck check;
  check.units_ = &units;
  const auto lowered = candidate.resolved(variant), reference = plain.resolved(0);
  check.tolerance_ = std::ldexp(kUnits, -coarsest(*lowered) - 1);
  ASSAY_TRY(check.lowered_, Watched::create(*lowered, units.model(), threads));
  ASSAY_TRY(check.plain_, Watched::create(*reference, units.model(), threads));
  return check;
}

std::vector<bool> OperandCheck::compare(std::span<const ir::Tensor> lowered, std::span<const ir::Tensor> plain) const {
  std::vector<bool> fine(units_->model().values.size(), true);
  const auto& values = lowered_->values();
  for (size_t i = 0; i < values.size(); ++i) fine[values[i]] = within(lowered[i], plain[i], tolerance_);
  return fine;
}

Result<Fineness> OperandCheck::check(std::span<const ir::Tensor> inputs) {
  ASSAY_TRY(const auto lowered, lowered_->run(inputs));
  ASSAY_TRY(const auto plain, plain_->run(inputs));
  const std::vector<bool> fine = compare(lowered, plain);
  const auto all = [&](const std::vector<ir::ValueId>& values) {
    return std::ranges::all_of(values, [&](ir::ValueId v) { return v == ir::kNoValue || fine[v]; });
  };
  Fineness found;
  for (size_t u = 0; u < units_->size(); ++u) {
    bool operands = true, results = true;
    for (const ir::OpId id : units_->ops(u)) {
      const ir::Op& op = units_->model().ops[id];
      // Inside of a layer what one operation gives the next is no operand of the layer.
      for (const ir::ValueId v : op.inputs) {
        const bool inner = v != ir::kNoValue && units_->model().at(v).producer != ir::kNoOp &&
                           std::ranges::binary_search(units_->ops(u), units_->model().at(v).producer);
        operands = operands && (inner || v == ir::kNoValue || fine[v]);
      }
      results = results && all(op.outputs);
    }
    found.operands.push_back(operands);
    found.results.push_back(results);
  }
  return found;
}

}  // namespace assay::audit

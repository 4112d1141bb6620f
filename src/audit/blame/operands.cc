#include "audit/blame/operands.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/def.h"

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

/// The largest |difference| over the largest magnitude of `plain`; infinite where one side alone is not finite.
double part_off(const ir::Tensor& lowered, const ir::Tensor& plain) {
  if (lowered.size() != plain.size()) return 0;  // shapes by values: not told apart here
  double largest = 0, off = 0;
  for (int64_t i = 0; i < plain.size(); ++i) {
    const double r = plain.float_at(i), c = lowered.float_at(i);
    if (std::isfinite(r)) largest = std::max(largest, std::fabs(r));
    if (r == c || (std::isnan(r) && std::isnan(c))) continue;
    if (!std::isfinite(r) || !std::isfinite(c)) return std::numeric_limits<double>::infinity();
    off = std::max(off, std::fabs(r - c));
  }
  if (off == 0) return 0;
  return largest == 0 ? std::numeric_limits<double>::infinity() : off / largest;
}

bool is_comparable(const ir::Tensor* value) {
  return value != nullptr && !value->is_list() && ir::is_float(value->elem());
}

bool moves_values(const ir::Op& op) {
  return op.def != nullptr && op.def->numeric == ops::Numeric::exact && !ir::has_nested(op);
}

}  // namespace

Result<OperandCheck> OperandCheck::create(const backends::Program& candidate, size_t variant,
                                          const backends::Program& plain, const Units& units,
                                          std::shared_ptr<const Threads> threads) {
  OperandCheck check;
  check.units_ = &units;
  check.unit_of_.assign(units.model().ops.size(), SIZE_MAX);
  for (size_t u = 0; u < units.size(); ++u)
    for (const ir::OpId op : units.ops(u)) check.unit_of_[op] = u;
  const auto lowered = candidate.resolved(variant), reference = plain.resolved(0);
  check.tolerance_ = std::ldexp(kUnits, -coarsest(*lowered) - 1);
  ASSAY_TRY(check.lockstep_, exec::Lockstep::create(candidate.model(), {{reference, false}, {lowered, true}}, threads));
  return check;
}

OperandCheck::Seen OperandCheck::seen(ir::OpId op, const exec::LockstepValue& plain,
                                      const exec::LockstepValue& lowered) const {
  if (!is_comparable(plain.own) || !is_comparable(lowered.own)) return {};
  const double off = part_off(*lowered.own, *plain.own);
  if (is_comparable(lowered.fed)) return {off, part_off(*lowered.fed, *plain.own)};
  // Movement and what stays in float32 introduce nothing; of other operations nobody can tell.
  const bool introduces = unit_of_[op] != SIZE_MAX && !moves_values(units_->model().ops[op]);
  return {off, introduces ? off : 0};
}

/// Inside of a layer what one operation gives the next is no operand of the layer.
bool OperandCheck::reads_fine(size_t unit) const {
  const ir::Graph& model = units_->model();
  return std::ranges::all_of(units_->ops(unit), [&](ir::OpId id) {
    return std::ranges::all_of(model.ops[id].inputs, [&](ir::ValueId v) {
      const ir::OpId producer = v == ir::kNoValue ? ir::kNoOp : model.at(v).producer;
      return is_fine(v) || (producer != ir::kNoOp && unit_of_[producer] == unit);
    });
  });
}

/// Whether what an operation introduces is out of tolerance, or half of what its result is off.
bool OperandCheck::is_its_own(ir::OpId op) const {
  return std::ranges::any_of(units_->model().ops[op].outputs, [&](ir::ValueId v) {
    if (v == ir::kNoValue || seen_[v].off == 0) return false;
    return seen_[v].introduced > tolerance_ || 2 * seen_[v].introduced >= seen_[v].off;
  });
}

/// The operation that makes the error of a unit's result. An activation or a choice may leave out the large numbers
/// that the error of its operand was small beside; what then is out of tolerance is the error of those before it.
ir::OpId OperandCheck::origin_of(size_t unit) const {
  const ir::Graph& model = units_->model();
  ir::OpId at = *std::ranges::find_if(units_->ops(unit), [&](ir::OpId op) { return !writes_fine(op); });
  for (;;) {
    if (is_its_own(at)) return at;
    ir::OpId before = ir::kNoOp;
    double most = 0;
    for (const ir::ValueId v : model.ops[at].inputs) {
      if (v == ir::kNoValue || model.at(v).producer == ir::kNoOp || seen_[v].off <= most) continue;
      most = seen_[v].off;
      before = model.at(v).producer;
    }
    if (before == ir::kNoOp) return at;
    at = before;
  }
}

Result<Fineness> OperandCheck::check(std::span<const ir::Tensor> inputs) {
  seen_.assign(units_->model().values.size(), {});
  const auto visit = [&](ir::OpId op, size_t output, std::span<const exec::LockstepValue> values) {
    const ir::ValueId value = units_->model().ops[op].outputs[output];
    if (!units_->model().at(value).constant) seen_[value] = seen(op, values[0], values[1]);
  };
  ASSAY_TRY(const auto outputs, lockstep_->run(inputs, 2, visit));
  Fineness found;
  found.origins.assign(units_->size(), false);
  for (size_t u = 0; u < units_->size(); ++u) {
    found.operands.push_back(reads_fine(u));
    found.results.push_back(std::ranges::all_of(units_->ops(u), [&](ir::OpId op) { return writes_fine(op); }));
  }
  for (size_t u = 0; u < units_->size(); ++u) {
    if (!found.operands[u] || found.results[u]) continue;
    const size_t origin = unit_of_[origin_of(u)];
    if (origin != SIZE_MAX && found.operands[origin]) found.origins[origin] = true;
  }
  return found;
}

}  // namespace assay::audit

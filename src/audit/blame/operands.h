// The guard of blame: an operation is guilty only if its operands were fine and it introduces what is wrong.
#pragma once
#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "audit/search/units.h"
#include "backends/program.h"
#include "exec/lockstep.h"

namespace assay::audit {

/// Of one sample, by unit.
struct Fineness {
  std::vector<bool> operands, results;  ///< within tolerance
  std::vector<bool> origins;            ///< what goes wrong first, with fine operands
};

/// The candidate and float32 side by side on single samples, every float value that the main graph computes compared.
class OperandCheck {
 public:
  /// `plain`: the same model with every unit kept. Errors: as exec::Lockstep::create.
  static Result<OperandCheck> create(const backends::Program& candidate, size_t variant, const backends::Program& plain,
                                     const Units& units, std::shared_ptr<const Threads> threads);
  /// Errors: as exec::Lockstep::run.
  Result<Fineness> check(std::span<const ir::Tensor> inputs);
  /// Largest |difference| that is within tolerance, as a part of the largest magnitude of the value.
  double tolerance() const { return tolerance_; }

 private:
  /// Of one value. Differences are parts of the largest magnitude of the value in float32; infinite where one side
  /// alone is not finite.
  struct Seen {
    double off = 0;         ///< in the candidate's own run
    double introduced = 0;  ///< fed with the operands of float32, as the candidate stores them
  };
  Seen seen(ir::OpId op, const exec::LockstepValue& plain, const exec::LockstepValue& lowered) const;
  bool is_fine(ir::ValueId value) const { return value == ir::kNoValue || seen_[value].off <= tolerance_; }
  bool reads_fine(size_t unit) const;
  bool writes_fine(ir::OpId op) const {
    return std::ranges::all_of(units_->model().ops[op].outputs, [this](ir::ValueId v) { return is_fine(v); });
  }
  bool is_its_own(ir::OpId op) const;
  ir::OpId origin_of(size_t unit) const;

  const Units* units_ = nullptr;
  std::vector<size_t> unit_of_;  ///< by operation; SIZE_MAX: none
  double tolerance_ = 0;
  std::unique_ptr<exec::Lockstep> lockstep_;
  std::vector<Seen> seen_;  ///< by value
};

}  // namespace assay::audit

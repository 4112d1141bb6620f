// The guard of blame: an operation is guilty only if its operands were fine.
#pragma once
#include <span>
#include <vector>

#include "audit/search/units.h"
#include "audit/search/watched.h"
#include "backends/program.h"

namespace assay::audit {

/// Of one sample, by unit.
struct Fineness {
  std::vector<bool> operands, results;  ///< within tolerance
};

/// The candidate and float32 side by side on single samples, every float value that the main graph computes compared.
class OperandCheck {
 public:
  /// `plain`: the same model with every unit kept. Errors: as exec::Session::create.
  static Result<OperandCheck> create(const backends::Program& candidate, size_t variant, const backends::Program& plain,
                                     const Units& units, std::shared_ptr<const Threads> threads);
  /// Errors: as exec::Session::run.
  Result<Fineness> check(std::span<const ir::Tensor> inputs);
  /// Largest |difference| that is within tolerance, as a part of the largest magnitude of the value.
  double tolerance() const { return tolerance_; }

 private:
  std::vector<bool> compare(std::span<const ir::Tensor> lowered, std::span<const ir::Tensor> plain) const;
  const Units* units_ = nullptr;
  double tolerance_ = 0;
  std::optional<Watched> lowered_, plain_;
};

}  // namespace assay::audit

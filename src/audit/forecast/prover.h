// Proofs of an audit: the bounds of each candidate's variants, run beside the audit, against the reference's decisions.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "audit/bounds/bounds.h"
#include "audit/decision/rule.h"
#include "audit/decision/score.h"
#include "audit/forecast/forecast.h"
#include "audit/layout.h"

namespace assay::audit {

class Prover {
 public:
  /// `programs`: the reference, then the candidates; all arguments must live longer.
  Prover(std::span<backends::Program* const> programs, const Layout& layout, const Score& score, const Judge& judge,
         ir::ElemType score_type, size_t offset, const std::shared_ptr<const Threads>& threads);

  /// The method, and where no bound reaches candidate `c`'s scores the reasons.
  void describe(size_t c, Proof& into) const;
  /// Counts samples [first, first + count), which the reference judges so. Errors: as Session::run.
  Status prove(size_t c, size_t first, size_t count, std::span<const Judged> reference, Proof& into) const;

 private:
  Status bound_samples(size_t c, size_t bound, size_t first, std::span<const Judged> reference,
                       std::vector<struct Reach>& reach) const;
  Status tell_unbounded(size_t c, size_t sample, Proof& into) const;
  std::span<backends::Program* const> programs_;
  const Layout& layout_;
  const Score& score_;
  const Judge& judge_;
  ir::ElemType score_type_;
  size_t offset_;
  std::vector<std::unique_ptr<BoundProgram>> bounds_;  ///< null: none reaches
  std::vector<std::vector<std::pair<std::string, std::string>>> stops_;
};

}  // namespace assay::audit

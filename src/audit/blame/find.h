// The search for blame over the changed decisions of an audit.
#pragma once
#include <functional>
#include <memory>

#include "audit/audit.h"
#include "audit/data.h"
#include "audit/search/trials.h"
#include "backends/program.h"
#include "base/threads.h"

namespace assay::audit {

struct BlameOptions {
  uint64_t runs = 300;    ///< most for one sample
  uint64_t samples = 16;  ///< most that are searched: flips first, then by number
  std::shared_ptr<const Threads> threads{};
  Verdicts known{};  ///< what an earlier search has found out
  /// Called when something new is known, and a last time: to save it.
  std::function<Status(const Verdicts&, bool last)> learned{};
  /// Called with the number of runs of the model so far.
  std::function<void(uint64_t runs)> progress{};
};

/// For the flips and the samples at risk of candidate `c` of the audit, which ran these programs over this data.
/// Errors: usage for candidates that the engine does not run (recordings, real runtimes); the programs' own.
Result<BlameResult> find_blame(backends::Program& reference, backends::Program& candidate, const Arrays& data,
                               const AuditResult& audit, size_t c, const BlameOptions& options);

/// What an audit decided, as a search asks it.
Question question_of(const AuditResult& audit);

}  // namespace assay::audit

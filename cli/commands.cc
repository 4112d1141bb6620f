#include "cli/command.h"

namespace assay::cli {

std::span<const Command* const> commands() {
  static constexpr const Command* kCommands[] = {&kAudit,  &kCompare,  &kFingerprint, &kInspect, &kRun,  &kMerge,
                                                 &kReport, &kProfiles, &kOps,         &kExplain, &kBench};
  return kCommands;
}

}  // namespace assay::cli

#include "cli/command.h"

namespace assay::cli {

std::span<const Command* const> command_list() {
  static constexpr const Command* kCommands[] = {&kAudit, &kCompare,  &kFingerprint, &kInspect, &kConvert,
                                                 &kRun,   &kMerge,    &kRepair,      &kCheck,   &kReport,
                                                 &kProbe, &kProfiles, &kOps,         &kExplain, &kBench};
  return kCommands;
}

}  // namespace assay::cli

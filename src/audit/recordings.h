// Whether recordings are of the model and the data at hand.
#pragma once
#include <span>
#include <string>

#include "audit/data.h"
#include "backends/program.h"
#include "base/result.h"
#include "base/threads.h"

namespace assay::audit {

struct AtHand {
  std::span<const std::string> files{};  ///< every model of the command
  const Arrays* data = nullptr;
  size_t first_sample = 0;  ///< place of the data in the whole data set
};

/// Checks each recording among the programs: one of the files must be its model or what that was converted from, and
/// its inputs must be the data or have it as a part. Where there are no files or no data, nothing is checked of them.
/// Warnings: record_unproven. Errors: record_mismatch; cancelled; file_missing.
Status check_recordings(std::span<backends::Program* const> programs, const AtHand& at_hand, const Threads* threads,
                        Warnings& warnings);

}  // namespace assay::audit

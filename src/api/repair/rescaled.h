// The model with its overflowing layers rescaled, as a file.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/audit_job.h"
#include "api/repair/files.h"

namespace assay::api {

struct RescaledModel {
  Beside folder;                    ///< holds the file
  std::vector<std::string> layers;  ///< "Gemm 'fc1' by 2^-4"
  std::string file() const { return folder.file(); }
};

/// Nothing where no layer is beyond the range of what `program` stores on these samples, where none of those can be
/// rescaled, or where reference and program run different files. `samples`: empty for all, of which the first 256 are
/// looked at. Errors: the programs' own, write_failed.
Result<std::optional<RescaledModel>> rescaled_model(AuditJob& job, backends::Program& program,
                                                    const std::vector<size_t>& samples);

}  // namespace assay::api

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

/// The model of `program`; nothing where no layer of it is beyond the range of what `program` stores on these samples,
/// or where none of those can be rescaled. Errors: the programs' own, write_failed.
Result<std::optional<RescaledModel>> rescaled_model(AuditJob& job, const backends::Program& program,
                                                    const std::vector<size_t>& samples);

}  // namespace assay::api

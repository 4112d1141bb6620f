// Inputs of commands that run a model once.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "audit/data.h"

namespace assay::api {

/// From a file, or by a seed; `shapes` ("NAME:2,3") name symbolic dimensions of random inputs. Errors: usage when
/// neither or both are given, data_*.
Result<audit::Arrays> inputs_for(const std::string& file, std::optional<uint64_t> seed,
                                 const std::vector<std::string>& shapes, std::span<const backends::Port> ports);

}  // namespace assay::api

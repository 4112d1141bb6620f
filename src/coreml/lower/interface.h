// What both lowerings say of a graph's inputs and outputs.
#pragma once
#include <string>
#include <vector>

#include "coreml/lower.h"
#include "coreml/lower/refusals.h"
#include "ops/lower/names.h"

namespace assay::coreml {

/// Features of the graph's inputs: legal names, types that Core ML takes (int64 and boolean become int32), ranges for
/// symbolic dimensions, images where the options say so. Scalars become arrays of one element. Inputs of other types
/// go into `refused`.
Result<std::vector<mil::Feature>> input_features(const ir::Graph& graph, const LowerOptions& options,
                                                 ops::LegalNames& names, std::vector<RefusedInput>& refused,
                                                 Warnings& warnings);
/// Errors: not_convertible for other types.
Result<std::vector<mil::Feature>> output_features(const ir::Graph& graph, const LowerOptions& options,
                                                  ops::LegalNames& names);

/// Records the graph's own metadata, that of the file that was read, and the names that had to be changed. `outputs`
/// stand in the order of the graph's; copies of inputs have names of their own.
mil::Metadata metadata_of(const ir::Graph& graph, const ops::LegalNames& names,
                          const std::vector<mil::Feature>& outputs, const LowerOptions& options);

}  // namespace assay::coreml

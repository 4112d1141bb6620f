// Graphs as ML Programs.
#pragma once
#include <span>

#include "coreml/lower.h"
#include "coreml/lower/refusals.h"
#include "ops/lower/names.h"

namespace assay::coreml {
/// One function, `main`, in the lowest operator set that its operations allow (or the one asked for). `outputs` get the
/// names that the function's results have: an output that is an input too needs another. Where they are an error,
/// what else cannot be written comes first: `refused` inputs together with operations.
Result<mil::Program> lower_program(const ir::Graph& graph, const LowerOptions& options, ops::LegalNames& names,
                                   std::span<const RefusedInput> refused, Result<std::vector<mil::Feature>>& outputs,
                                   Warnings& warnings);
}  // namespace assay::coreml

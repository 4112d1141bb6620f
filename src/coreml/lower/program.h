// Graphs as ML Programs.
#pragma once
#include "coreml/lower.h"
#include "ops/lower/names.h"

namespace assay::coreml {
/// One function, `main`, in the lowest operator set that its operations allow (or the one asked for). `outputs` get the
/// names that the function's results have: an output that is an input too needs another. Where they are an error,
/// operations that cannot be written come first.
Result<mil::Program> lower_program(const ir::Graph& graph, const LowerOptions& options, ops::LegalNames& names,
                                   Result<std::vector<mil::Feature>>& outputs, Warnings& warnings);
}  // namespace assay::coreml

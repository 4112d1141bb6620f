// Names that were changed to be legal in Core ML, and back.
#pragma once
#include "ir/graph.h"
#include "mil/model.h"
#include "ops/lower/names.h"

namespace assay::coreml {

/// Key of Metadata::user under which the original names of renamed inputs, outputs and values stand, as a JSON object
/// {"legal": "original"}.
inline constexpr char kNamesKey[] = "assay.original_names";

/// Notes the names that had to be changed.
void note_names(const ops::LegalNames& names, mil::Metadata& metadata);
/// Gives values their original names back; ir::Value::file_name keeps the file's.
void restore_names(const mil::Metadata& metadata, ir::Graph& graph);

}  // namespace assay::coreml

// What a converted file notes in its metadata of the model that it was made from, and how lifting uses it.
#pragma once
#include <map>
#include <string>

#include "ir/graph.h"
#include "mil/model.h"

namespace assay::coreml {

/// Key of Metadata::user under which the original names of renamed inputs, outputs and values stand, as a JSON object
/// {"legal": "original"}.
inline constexpr char kNamesKey[] = "assay.original_names";

/// The same for the symbols of inputs' dimensions: {"x": ["N", 3]}.
inline constexpr char kSymbolsKey[] = "assay.symbolic_dimensions";

/// Notes the names that had to be changed (legal -> original), and the symbols of the inputs' dimensions.
void note_names(const std::map<std::string, std::string>& changed, mil::Metadata& metadata);
void note_symbols(const ir::Graph& graph, mil::Metadata& metadata);
/// Gives values their original names back (ir::Value::file_name keeps the file's), and inputs' dimensions of which
/// nothing is known their symbols.
void restore_notes(const mil::Metadata& metadata, ir::Graph& graph);

}  // namespace assay::coreml

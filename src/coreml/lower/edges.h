// What stands at a graph's inputs and outputs, where Core ML has other types than operations: shared by the files that
// fit one kind of edge each (image_edges, single_edges, classifier_edges).
#pragma once
#include <string_view>

#include "ir/graph.h"

namespace assay::coreml {

/// Whether a feature of this name is the value: under its own name, or the one that a Core ML file has for it.
bool is_called(const ir::Value& value, std::string_view name);
/// Whether the operation, or a graph nested in it, reads the value.
bool reads(const ir::Op& op, ir::ValueId id);
/// The operation passes its first operand on.
void make_identity(ir::Op& op);

}  // namespace assay::coreml

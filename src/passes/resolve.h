// Applies a device profile: writes out the program that the hardware actually runs.
#pragma once
#include "base/result.h"
#include "ir/graph.h"
#include "profiles/profile.h"

namespace assay::passes {

/// A copy of `graph` (weights shared) in which every value has its storage type, every constant its rounding, every
/// operation its policy, and exempt inputs read the value before rounding (docs/semantics.md 2). Graph inputs that are
/// stored rounded go through an `assay.Round` op; graph outputs come back in their declared type (float64 under f64).
/// The copies that this makes of a value are named after it: "x@float16" is x as stored, "y@raw" is y before rounding.
/// `graph` has its types inferred (passes/infer_shapes.h).
Result<ir::Graph> resolve(const ir::Graph& graph, const profiles::Profile& profile, size_t variant);

}  // namespace assay::passes

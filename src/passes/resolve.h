// Applies a device profile: writes out the program that the hardware actually runs.
#pragma once
#include "base/result.h"
#include "ir/graph.h"
#include "passes/coreml_provider.h"
#include "profiles/profile.h"

namespace assay::passes {

/// A copy of `graph` (weights shared) in which every value has its storage type, every constant its rounding, every
/// operation its policy, and exempt inputs read the value before rounding (docs/semantics.md 2). Graph inputs that are
/// stored rounded go through an `assay.Round` op; graph outputs come back in their declared type (float64 under f64).
/// The copies that this makes of a value are named after it: "x@float16" is x as stored, "y@raw" is y before rounding.
/// `graph` has its types inferred (passes/infer_shapes.h).
Result<ir::Graph> resolve(const ir::Graph& graph, const profiles::Profile& profile, size_t variant);

/// What runs beside the profile: operations that `placement` puts outside get the primary statements of `profile`,
/// which stores values as they are declared.
struct Outside {
  const profiles::Profile& profile;
  const Placement& placement;
};
/// The same with operations outside. What crosses into a partition is rounded as inputs of the graph are, also where
/// another partition computed it; what crosses out of one comes in its declared type ("y@float32").
Result<ir::Graph> resolve(const ir::Graph& graph, const profiles::Profile& profile, size_t variant,
                          const Outside& outside);

}  // namespace assay::passes

// The invariants of a graph, as a list of labelled rules.
#pragma once
#include <span>
#include <string_view>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::ir {

struct Rule {
  std::string_view label;  ///< "ir_v3"
  std::string_view says;
};
std::span<const Rule> verifier_rules();

/// The first broken rule, of this graph or a nested one. Errors: internal (a pass left a graph that is none), with the
/// rule's label and the place.
Status verify(const Graph& graph);

}  // namespace assay::ir

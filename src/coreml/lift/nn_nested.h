// Nested graphs of branches and loops: filling them, and what they leave behind in the network around.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coreml/lift/nn.h"
#include "coreml/lift/nn_blobs.h"
#include "coreml/lift/scope.h"

namespace assay::coreml {

using Layers = std::span<const mil::Layer>;
using Names = std::vector<std::string>;

/// A graph nested in the layer that `outer` is about.
struct Nested {
  Nested(NnLift& outer, const Names& needed);
  std::shared_ptr<ir::Graph> graph;
  NnScope scope;
  NnLift lift;

  /// A graph's output is written by an operation of its own, once.
  void add_output(ValueId id);
};

/// The format's notion of truth for branches and loops, as one boolean.
ValueId holds(NnLift& c, ValueId x);
ValueId boolean(NnLift& c, bool value);
/// A value of that type where none is defined: nobody reads it. Unknown extents are 1.
ValueId placeholder(NnLift& c, const ir::Type& type);

/// Blobs that somebody reads behind the current layer.
BlobNames read_later(const NnLift& c);
Names in_both(const BlobNames& a, const BlobNames& b);
/// Results of a branch or loop become the blobs of those names.
void define_results(NnLift& c, const Names& names, const std::vector<ValueId>& values);

void lift_into(NnLift& c, Nested& nested, Layers layers);
/// Layers that run when the condition holds, and others when it does not. `guard`: the first are none because the
/// iteration has been left, so that nobody reads there what the others would write.
void choose(NnLift& c, ValueId condition, Layers yes, Layers no, bool guard);

}  // namespace assay::coreml

// What an emulated CoreMLExecutionProvider takes of a model.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "ir/graph.h"
#include "passes/coreml_provider.h"
#include "profiles/profile.h"
#include "profiles/provider.h"

namespace assay::backends {

struct ProviderUse {
  std::shared_ptr<const ir::Graph> graph;
  passes::Placement placement;  ///< of it
  profiles::Provider provider;
  bool ml_program() const { return profiles::core_ml_option(provider, "ModelFormat") == "MLProgram"; }
};

/// Null for other providers, which take whole models. `graph` is an ONNX model's.
std::shared_ptr<const ProviderUse> use_of_provider(const profiles::Provider& provider,
                                                   std::shared_ptr<const ir::Graph> graph);

/// Calls `use` with each operation of the graph and of those nested in it, with its place.
struct PlacedOp {
  const ir::Graph& graph;
  const ir::Op& op;
  int partition;
  const std::string& reason;
  bool folded;
};
void for_each_placed(const ir::Graph& graph, const passes::Placement& placement,
                     const std::function<void(const PlacedOp&)>& use);

/// A note of the operations that the provider does not take, by operator and reason (not_taken).
void note_not_taken(const ProviderUse& use, const std::string& spec, Warnings& warnings);

/// A provider whose default format has no types computes float32 operations in fewer bits without a word: the warning
/// names those that it takes and the option that keeps them. A profile that is called by its name is no default. `use`
/// may be null: all operations are taken.
void warn_if_lowered(const ir::Graph& graph, const ProviderUse* use, const profiles::Provider& provider,
                     const profiles::Profile& profile, const std::string& spec, Warnings& warnings);

}  // namespace assay::backends

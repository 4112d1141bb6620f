// Small models whose outputs tell numeric policies apart: which formats, which order, which roundings.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/fingerprint/fit.h"
#include "base/result.h"
#include "ir/graph.h"

namespace assay::audit {

struct Probe {
  std::string name;                          ///< "matmul_ones"; its output is called y
  std::string group;                         ///< what --for chooses: "matmul"
  std::string doc;                           ///< what it tells apart
  std::shared_ptr<const ir::Graph> graph{};  ///< types inferred
  Arrays inputs{};
};

/// The groups, in the order of the probes.
std::vector<std::string> probe_groups();

/// Those of the groups; empty: all. The same bytes on every machine. Errors: usage for an unknown group.
Result<std::vector<Probe>> make_probes(std::span<const std::string> groups);

/// A number over all probes that tells versions of them apart, in hexadecimal.
std::string probes_identity(std::span<const Probe> probes);

/// The probe as a model for the engine.
std::shared_ptr<const backends::Model> model_of(const ir::Graph& graph);

/// A graph from its text (ir/text.h) in which those of `inputs` are constants and become inputs; types inferred.
Result<ir::Graph> graph_of(const std::string& text, const Arrays& constants, const Arrays& inputs);

}  // namespace assay::audit

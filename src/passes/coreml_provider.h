// ONNX Runtime's CoreMLExecutionProvider: which nodes of an ONNX model it takes, and the partitions that it makes of
// them. The rules are those of its sources (docs/coreml-provider.md); the table of operators stands in
// coreml_provider/table.cc.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::passes {

struct ProviderOptions {
  bool ml_program = false;     ///< ModelFormat=MLProgram
  bool static_shapes = false;  ///< RequireStaticInputShapes=1
  bool subgraphs = false;      ///< EnableOnSubgraphs=1
};

inline constexpr int kOutside = -1;

/// Where each operation of a graph runs.
struct Placement {
  std::vector<int> partition{};        ///< of each operation: the partition's number, or kOutside
  std::vector<std::string> reasons{};  ///< why an operation is outside; empty for those inside
  std::vector<bool> folded{};          ///< outside because it reads constants alone: computed before the model runs
  int partitions = 0;
  std::map<const ir::Graph*, Placement> nested{};  ///< of graphs inside operations; absent: all of it runs outside

  bool takes(size_t op) const { return partition[op] != kOutside; }
};

/// `graph` is an imported ONNX model with its types inferred; it must outlive the placement where graphs are nested.
/// Conditions on the operator set go by the model's own (its metadata), all others by the upgraded nodes.
Placement place_on_coreml(const ir::Graph& graph, const ProviderOptions& options);

/// A partition as a graph of its own: its inputs are what crosses into it, its outputs what crosses out of it, in the
/// order in which its operations read and write them. What constants alone make comes along.
ir::Graph extract_partition(const ir::Graph& graph, const Placement& placement, int partition);

/// The table in words, for documents.
struct ProviderRow {
  std::string op;
  int since = 1;    ///< lowest operator set of the model
  int revised = 0;  ///< operator set from which on nodes are not taken, because the operator changed; 0: none
  std::string network_types, program_types;  ///< of the first input; empty: the format does not take the operator
  std::vector<std::string> needs;
};
std::vector<ProviderRow> coreml_provider_rows();

}  // namespace assay::passes

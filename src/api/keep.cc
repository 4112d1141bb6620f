#include "api/keep.h"

#include <algorithm>
#include <numeric>

#include "audit/search/units.h"
#include "backends/provider_use.h"
#include "base/sha256.h"
#include "base/text.h"

namespace assay::api {
namespace {
constexpr size_t kMostNamed = 3;

bool is_called(const ir::Graph& graph, const ir::Op& op, const std::string& name) {
  return op.name == name || std::ranges::any_of(op.outputs, [&](ir::ValueId v) {
           return v != ir::kNoValue && (graph.at(v).name == name || graph.at(v).file_name == name);
         });
}

std::vector<std::string> all_names(const ir::Graph& graph) {
  std::vector<std::string> names;
  for (const ir::Op& op : graph.ops) {
    if (!op.name.empty()) names.push_back(op.name);
    for (const ir::ValueId v : op.outputs)
      if (v != ir::kNoValue) names.push_back(graph.at(v).name);
  }
  return names;
}

// The named operations, with what moves their operands and results: as searches keep operations.
std::vector<bool> with_moves(const backends::Program& program, const ir::Graph& graph, const std::vector<bool>& named) {
  const auto* use = program.provider_use();
  const auto units = audit::Units::of(graph, use == nullptr ? nullptr : &use->placement);
  audit::Kept kept(units.size());
  for (size_t u = 0; u < units.size(); ++u)
    kept[u] = std::ranges::any_of(units.ops(u), [&](ir::OpId id) { return named[id]; });
  std::vector<bool> stays = units.spread(kept);
  for (size_t i = 0; i < stays.size(); ++i) stays[i] = stays[i] || named[i];
  return stays;
}
}  // namespace

Result<std::unique_ptr<backends::Program>> keeping(const backends::Program& program,
                                                   const std::vector<std::string>& names) {
  std::vector<size_t> variants(program.variants().size());
  std::iota(variants.begin(), variants.end(), size_t{0});
  const auto graph = program.model();
  if (graph == nullptr) return program.keeping({}, variants);  // says that it cannot
  std::vector<bool> kept(graph->ops.size());
  for (const std::string& name : names) {
    bool found = false;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (!is_called(*graph, graph->ops[i], name)) continue;
      kept[i] = found = true;
    }
    if (found) continue;
    const std::string near = did_you_mean(name, all_names(*graph));
    return Error{Code::usage, "no operation is called '" + name + "', nor a value that one writes", "--keep",
                 near.empty() ? "`assay inspect MODEL --full` lists them" : "did you mean '" + near + "'?"};
  }
  return program.keeping(with_moves(program, *graph, kept), variants);
}

std::string keeping_text(const std::string& program, const std::vector<std::string>& names) {
  std::vector<std::string> sorted = names;
  std::ranges::sort(sorted);
  if (sorted.size() <= kMostNamed) return program + " keeping " + join(sorted, ", ");
  Sha256 hash;
  for (const std::string& name : sorted) hash.add(name + '\n');
  return program + " keeping " + std::to_string(sorted.size()) + " operations (" + to_hex(hash.digest()).substr(0, 8) +
         ")";
}

}  // namespace assay::api

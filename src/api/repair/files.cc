#include "api/repair/files.h"

#include <stdlib.h>

#include <filesystem>
#include <set>

#include "api/convert_kept.h"
#include "api/convert_options.h"
#include "audit/repair/typed.h"
#include "backends/model_file.h"
#include "coreml/file.h"
#include "coreml/lower.h"
#include "onnx/export.h"
#include "passes/fold_weights.h"

namespace assay::api {
namespace {

Status write_onnx(const Repaired& repaired, const std::string& path) {
  std::vector<bool> lowered = repaired.kept;
  lowered.flip();
  ASSAY_TRY(const ir::Graph graph, audit::typed_graph(*repaired.model, lowered, repaired.low));
  return onnx::export_model(graph, path);
}

bool same_operations(const ir::Graph& a, const ir::Graph& b) {
  if (a.ops.size() != b.ops.size()) return false;
  for (size_t k = 0; k < a.ops.size(); ++k)
    if (a.ops[k].type != b.ops[k].type || a.ops[k].domain != b.ops[k].domain) return false;
  return true;
}

/// Precisions are by name: every operation gets one of its own.
void name_all(ir::Graph& graph) {
  std::set<std::string> taken;
  size_t number = 0;
  for (ir::Op& op : graph.ops) {
    const std::string stem = op.name;
    while (op.name.empty() || taken.contains(op.name)) op.name = stem + "#" + std::to_string(number++);
    taken.insert(op.name);
  }
}

Status write_program(const Repaired& repaired, const std::string& path, Warnings& warnings) {
  ASSAY_TRY(backends::ModelFile file, backends::read_model_file(repaired.source, warnings, {.keep_optional = true}));
  if (!same_operations(file.graph, *repaired.model))
    return Error{Code::not_convertible, "the data replaces defaults of the model, which changes its operations",
                 repaired.source, "write an .onnx file"};
  name_all(file.graph);
  coreml::LowerOptions options;
  options.precision = mil::DataType::float16;
  for (size_t k = 0; k < repaired.kept.size(); ++k)
    if (repaired.kept[k]) options.precision_of_op[file.graph.ops[k].name] = mil::DataType::float32;
  ASSAY_TRY(ir::Graph graph, with_shapes(file.graph, {}, options));
  ASSAY_CHECK(passes::fold_moved_weights(graph));
  fit_edges(file, graph, options);
  ASSAY_TRY(const mil::Model model, coreml::lower(graph, options, warnings));
  return coreml::write_model(model, path);
}

}  // namespace

Status write_repaired(const Repaired& repaired, const std::string& path, Warnings& warnings) {
  return path.ends_with(".onnx") ? write_onnx(repaired, path) : write_program(repaired, path, warnings);
}

Result<Beside> Beside::create(const std::string& target) {
  namespace fs = std::filesystem;
  const fs::path path(target);
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::string folder = (parent / ".assay-repair-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr)
    return Error{Code::write_failed, "no folder can be made beside it", target, "write where folders can be made"};
  Beside beside(folder);
  beside.file_ = (fs::path(folder) / path.filename()).string();
  return beside;
}

Beside::~Beside() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

}  // namespace assay::api

#include "onnx/import.h"

#include <filesystem>

#include "base/limits.h"
#include "onnx/importer.h"

namespace assay::onnx {
namespace {
Result<ir::Graph> import(Bytes bytes, TensorLoader loader, bool mapped, std::span<const std::string> given,
                         Warnings& warnings, ir::Unknown unknown) {
  ModelProto model;
  ASSAY_CHECK(parse_model(bytes, model, mapped));
  return Importer(model, std::move(loader), given, warnings, unknown).run();
}
}  // namespace

Error in_file(Error e, const std::string& path) {
  e.where = e.where.empty() ? path : path + ": " + e.where;
  return e;
}

Result<ir::Graph> import_model(const std::string& path, Warnings& warnings, std::span<const std::string> given,
                               ir::Unknown unknown) {
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  ExternalData external(std::filesystem::path(path).parent_path().string());
  auto graph = within_memory("the model", [&] {
    return import(file.bytes(), TensorLoader(file.owner(), std::move(external)), true, given, warnings, unknown);
  });
  if (!graph.ok()) return in_file(std::move(graph).error(), path);
  return graph;
}

Result<ir::Graph> import_bytes(std::span<const std::byte> bytes, Warnings& warnings) {
  return within_memory("the model", [&] {
    return import(bytes, TensorLoader(nullptr, ExternalData()), false, {}, warnings, ir::Unknown::refused);
  });
}

}  // namespace assay::onnx

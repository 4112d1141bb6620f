// Models from files and packages.
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "base/beneath.h"
#include "coreml/file.h"
#include "coreml/file/limits.h"
#include "coreml/file/manifest.h"
#include "coreml/file/paths.h"
#include "coreml/file/read.h"

namespace assay::coreml {
namespace {

Error package_error(const std::string& where) {
  return Error{Code::coreml_package, "", where, "copy the whole package again, or save the model again"};
}

Result<mil::Model> parse(const MappedFile& file, WeightFiles& weights, const std::string& where) {
  mil::Model model;
  const ReadContext context{&weights, file.owner()};
  const auto placed = [&](Error e) {
    if (e.code == Code::coreml_package) return e;  // a part that is not there: it has a place of its own
    e.where = e.where.empty() ? where : where + ", " + e.where;
    return e;
  };
  if (auto status = read_model_message(pb::Reader(file.bytes(), "model"), model, context); !status.ok())
    return placed(std::move(status).error());
  if (model.spec_version <= 0)
    return placed(Error{Code::file_malformed, "states no specification version: not a Core ML model", "",
                        "check that the file is a .mlmodel"});
  if (mil::content_name(model).empty())
    return placed(Error{Code::file_malformed, "holds no kind of model that Core ML has", "",
                        "check that the file is a .mlmodel; ONNX files are called .onnx"});
  if (model.spec_version > kNewestVersion)
    return placed(Error{Code::opset_unsupported,
                        "specification version " + std::to_string(model.spec_version) +
                            " is newer than those that are known, 1 to " + std::to_string(kNewestVersion),
                        "", "export for an older system"});
  return model;
}

Result<mil::Model> read_file(const std::string& path) {
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  WeightFiles weights([&](const std::string& location) -> Result<MappedFile> {
    Error refusal = package_error(path);
    refusal.fix = "give the .mlpackage folder that holds both";
    auto mapped = map_beneath(folder_of(path), location, refusal);
    if (mapped.ok()) return mapped;
    refusal.message = "the model refers to the weight file '" + location.substr(0, 200) +
                      "', which is not beside it: the weights folder is missing (" + mapped.error().message + ")";
    return refusal;
  });
  return parse(file, weights, path);
}

Result<mil::Model> read_package(const std::string& path) {
  const std::string where = path + "/" + std::string(kManifestName);
  ASSAY_TRY(const MappedFile text, map_beneath(path, std::string(kManifestName), package_error(path)));
  ASSAY_TRY(const Manifest manifest,
            parse_manifest({reinterpret_cast<const char*>(text.bytes().data()), text.bytes().size()}, where));
  for (const ManifestItem& item : manifest.items)
    ASSAY_CHECK(check_beneath(path, std::string(kDataFolder) + "/" + item.path, package_error(where)));
  const std::string root = std::string(kDataFolder) + "/" + manifest.find(manifest.root)->path;
  ASSAY_TRY(const MappedFile file, map_beneath(path, root, package_error(where)));
  WeightFiles weights([&](const std::string& location) {
    return map_beneath(path, folder_of(root) + "/" + location, package_error(path));
  });
  return parse(file, weights, path + "/" + root);
}

bool has_file(const std::string& folder, std::string_view name) {
  struct stat info {};
  return ::stat((folder + "/" + std::string(name)).c_str(), &info) == 0 && S_ISREG(info.st_mode);
}
}  // namespace

Container recognise(const std::string& given) {
  const std::string path = without_slashes(given);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Container::none;
  if (!S_ISDIR(info.st_mode)) return path.ends_with(kModelEnding) ? Container::mlmodel : Container::none;
  if (path.ends_with(kCompiledEnding) || has_file(path, "coremldata.bin")) return Container::compiled;
  if (path.ends_with(kPackageEnding) || has_file(path, kManifestName)) return Container::package;
  return Container::none;
}

Result<mil::Model> read_model(const std::string& given) {
  const std::string path = without_slashes(given);
  switch (recognise(path)) {
    case Container::mlmodel:
      return read_file(path);
    case Container::package:
      return read_package(path);
    case Container::compiled:
      return Error{Code::coreml_compiled, "a compiled Core ML model", path,
                   "give the .mlpackage or .mlmodel that it was compiled from"};
    case Container::none:
      break;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return Error{Code::file_missing, std::string("cannot open: ") + std::strerror(errno), path,
                 "check the path and its permissions"};
  return Error{Code::file_malformed, "neither a .mlmodel file nor a .mlpackage folder", path,
               "give the path of a Core ML model"};
}

}  // namespace assay::coreml

// Models to files and packages.
#include "base/hash.h"
#include "base/output_file.h"
#include "coreml/file.h"
#include "coreml/file/limits.h"
#include "coreml/file/manifest.h"
#include "coreml/file/package_folder.h"
#include "coreml/file/paths.h"
#include "coreml/file/weight_writer.h"
#include "coreml/file/write.h"

namespace assay::coreml {
namespace {
constexpr const char* kModelName = "/model.mlmodel";
constexpr const char* kWeightsName = "/weights";

bool holds_program(const mil::Model& model) {
  if (std::holds_alternative<mil::Program>(model.content)) return true;
  const auto* const pipeline = std::get_if<mil::Pipeline>(&model.content);
  return pipeline && std::ranges::any_of(pipeline->models, holds_program);
}

Result<int> version_of(const mil::Model& model, int asked, const std::string& path) {
  const std::vector<mil::Requirement> needs = mil::requirements(model);
  const int lowest = needs.empty() ? 1 : needs.front().version;
  if (asked == 0) return lowest;
  if (asked < 0 || asked > kNewestVersion)
    return Error{Code::usage, "specification version " + std::to_string(asked) + " is not known", path,
                 "versions 1 to " + std::to_string(kNewestVersion) + " are written"};
  if (asked >= lowest) return asked;
  std::string reasons;
  for (const mil::Requirement& need : needs)
    if (need.version > asked)
      reasons += (reasons.empty() ? "" : ", ") + need.feature + " (version " + std::to_string(need.version) + ")";
  return Error{Code::not_convertible,
               "specification version " + std::to_string(asked) + " does not have what the model uses: " + reasons,
               path, "write version " + std::to_string(lowest) + " or newer"};
}

// The message's bytes go to the file; returns their hash.
Result<uint64_t> write_message_file(const std::string& path, const pb::Writer& message) {
  ASSAY_TRY(OutputFile file, OutputFile::create(path));
  Hash hash;
  ASSAY_CHECK(message.each([&](pb::Bytes bytes) -> Status {
    hash.add(bytes.data(), bytes.size());
    return file.write(bytes);
  }));
  ASSAY_CHECK(file.commit());
  return hash.value();
}

Status write_file_model(const mil::Model& model, int version, const std::string& path) {
  if (holds_program(model))
    return Error{Code::not_convertible, "an ML Program cannot stand in a .mlmodel file", path,
                 "give a path that ends in .mlpackage"};
  WriteContext context{.version = version};
  const pb::Writer message = write_model_message(model, version, context);
  if (context.failed) return *context.failed;
  ASSAY_TRY(const uint64_t hash, write_message_file(path, message));
  (void)hash;
  return {};
}

// Names of entries are to be unique in the package; made of the content, they are the same for the same content.
Manifest manifest_of(uint64_t model_hash, uint64_t weights_hash, bool weights, const std::string& author) {
  const auto id = [&](std::string_view role) {
    Hash high, low;
    high.add(role), low.add(role);
    high.word(model_hash), low.word(weights_hash);
    high.word(weights_hash), low.word(model_hash);
    return uuid_of(high.value(), low.value());
  };
  Manifest manifest;
  manifest.root = id("model");
  manifest.items.push_back({manifest.root, author + kModelName, "model.mlmodel", author, "CoreML Model Specification"});
  if (weights)
    manifest.items.push_back({id("weights"), author + kWeightsName, "weights", author, "CoreML Model Weights"});
  return manifest;
}

struct Parts {
  uint64_t model_hash = 0, weights_hash = 0;
};

Result<Parts> write_parts(const mil::Model& model, int version, WeightWriter* weights, const std::string& path) {
  WriteContext context{.weights = weights, .version = version};
  const pb::Writer message = write_model_message(model, version, context);
  if (context.failed) return *context.failed;
  Parts parts;
  if (weights) {
    ASSAY_CHECK(weights->finish());
    parts.weights_hash = weights->hash();
  }
  ASSAY_TRY(parts.model_hash, write_message_file(path, message));
  return parts;
}

Status write_package(const mil::Model& model, int version, const std::string& path, const std::string& author) {
  ASSAY_TRY(PackageFolder folder, PackageFolder::create(path));
  const bool program = holds_program(model);
  const std::string inside = std::string(kDataFolder) + "/";
  const std::string data = folder.path() + "/" + inside + author;
  ASSAY_CHECK(folder.make(inside + author + (program ? kWeightsName : "")));
  std::optional<WeightWriter> weights;
  if (program) {
    ASSAY_TRY(WeightWriter writer, WeightWriter::create(data + kWeightsName + "/weight.bin"));
    weights.emplace(std::move(writer));
  }
  ASSAY_TRY(const Parts parts, write_parts(model, version, weights ? &*weights : nullptr, data + kModelName));
  const Manifest manifest = manifest_of(parts.model_hash, parts.weights_hash, program, author);
  ASSAY_CHECK(write_file(folder.path() + "/" + std::string(kManifestName), manifest_text(manifest)));
  return folder.commit();
}

// Errors of the temporary folder name the target that was asked for.
Status named(Status status, const std::string& path) {
  if (status.ok()) return status;
  Error e = std::move(status).error();
  if (e.code == Code::write_failed) e.where = path;
  return e;
}
}  // namespace

Status write_model(const mil::Model& model, const std::string& given, const WriteOptions& options) {
  const std::string path = without_slashes(given);
  const bool package = options.package || path.ends_with(kPackageEnding);
  if (!package && !path.ends_with(kModelEnding))
    return Error{Code::usage, "Core ML models are written to .mlpackage folders and .mlmodel files", path,
                 "give a path with one of these endings"};
  ASSAY_TRY(const int version, version_of(model, options.version, path));
  return package ? named(write_package(model, version, path, options.author), path)
                 : write_file_model(model, version, path);
}

}  // namespace assay::coreml

// Core ML models of an emulated provider's partitions, where ONNX Runtime leaves its own.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "api/context.h"
#include "api/convert_kept.h"
#include "api/coreml_provider.h"
#include "backends/program.h"
#include "base/hash.h"
#include "base/output_file.h"
#include "base/text.h"
#include "coreml/file.h"
#include "coreml/lower.h"
#include "passes/fold_weights.h"

namespace assay {
namespace {
namespace fs = std::filesystem;
using backends::ProviderUse;

constexpr const char* kAuthor = "com.microsoft.OnnxRuntime";

/// Like Foundation's globallyUniqueString: a random UUID, the process and a count.
std::string unique_name() {
  static std::atomic<uint64_t> count{0};
  std::random_device random;
  const auto word = [&] { return static_cast<uint64_t>(random()) << 32 | random(); };
  constexpr uint64_t kVersion4 = 0x4000, kVariant = 0x8000000000000000;
  const uint64_t high = (word() & ~uint64_t{0xf000}) | kVersion4, low = (word() & ~(uint64_t{3} << 62)) | kVariant;
  return fmt::format("onnxruntime-{:08X}-{:04X}-{:04X}-{:04X}-{:012X}-{}-{:016X}", high >> 32, high >> 16 & 0xffff,
                     high & 0xffff, low >> 48, low & 0xffffffffffff, getpid(), ++count);
}

std::string temporary_folder(const std::string& given) {
  if (!given.empty()) return given;
  const char* said = std::getenv("TMPDIR");
  return said != nullptr && *said != 0 ? said : "/tmp";
}

/// What tells models apart in a cache; ONNX Runtime does not look whether a model behind a key is still the same.
std::string cache_key(const ir::Graph& graph, const std::string& model) {
  constexpr size_t kLongest = 64;
  const auto said = graph.metadata.find("COREML_CACHE_KEY");
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0; };
  if (said != graph.metadata.end() && !said->second.empty() && said->second.size() <= kLongest &&
      std::ranges::all_of(said->second, plain))
    return said->second;
  Hash hash;
  hash.add(fs::absolute(model).string());
  return std::to_string(hash.value());
}

Error not_made(const std::string& folder, const std::string& why) {
  return Error{Code::write_failed, "the folder cannot be made: " + why, folder, "check its permissions"};
}

struct Place {
  std::string path;
  bool package;
};

class Writer {
 public:
  Writer(const ProviderUse& use, std::string model, std::string folder)
      : use_(use), model_(std::move(model)), folder_(std::move(folder)) {}

  Result<ProviderFiles> run() {
    const std::string cache = profiles::core_ml_option(use_.provider, "ModelCacheDirectory");
    files_.cached = !cache.empty();
    if (files_.cached) ASSAY_CHECK(make_cache(cache));
    for (int i = 0; i < use_.placement.partitions; ++i) ASSAY_CHECK(write(i));
    return std::move(files_);
  }

 private:
  Status make_cache(const std::string& cache) {
    folder_ = cache + "/" + cache_key(*use_.graph, model_);
    ASSAY_CHECK(make_folder(folder_));
    return write_file(folder_ + "/model.txt", model_);
  }

  static Status make_folder(const std::string& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return not_made(folder, error.message());
    return {};
  }

  Result<Place> place(int partition) const {
    const bool program = use_.ml_program();
    if (!files_.cached) return Place{folder_ + "/" + unique_name() + (program ? "" : ".model.mlmodel"), program};
    const bool fixed = profiles::core_ml_option(use_.provider, "RequireStaticInputShapes") == "1";
    const std::string inside =
        fmt::format("{}/{}_{}_{}", folder_, partition, fixed ? "static" : "dynamic", program ? "mlprogram" : "nn");
    ASSAY_CHECK(make_folder(inside));
    return Place{inside + (program ? "/model" : "/model.mlmodel"), program};
  }

  Status write(int partition) {
    backends::ModelFile file;
    file.graph = passes::extract_partition(*use_.graph, use_.placement, partition);
    file.graph.name = fmt::format("CoreML_{}_{}", cache_key(*use_.graph, model_), partition);
    ASSAY_CHECK(passes::fold_moved_weights(file.graph));
    coreml::LowerOptions options;
    options.format = use_.ml_program() ? coreml::Format::ml_program : coreml::Format::neural_network;
    api::fit_edges(file, file.graph, options);
    Warnings ranges;  // of sizes that ONNX Runtime leaves open too
    const auto lowered = coreml::lower(file.graph, options, ranges);
    if (!lowered.ok()) {
      files_.warnings.push_back(
          {Code::partition_unwritten,
           fmt::format("no file is written for partition {}: {}", partition, lowered.error().message), model_,
           "Assay runs it under its profile all the same"});
      return {};
    }
    ASSAY_TRY(const Place at, place(partition));
    ASSAY_CHECK(coreml::write_model(*lowered, at.path, {.author = kAuthor, .package = at.package}));
    files_.paths.push_back(at.path);
    return {};
  }

  const ProviderUse& use_;
  std::string model_, folder_;
  ProviderFiles files_;
};

}  // namespace

Result<ProviderFiles> write_coreml_provider(const std::string& model, const std::string& provider,
                                            const commands::Settings& settings, const std::string& folder) {
  ASSAY_TRY(const auto context, api::Context::make(settings));
  backends::ProgramLoader loader({.profiles = &context->profiles, .threads = context->threads, .primary_only = true});
  Warnings said;  // by coreml_provider and by whoever opens the program
  ASSAY_TRY(const auto program, loader.open(provider, model, said));
  const ProviderUse* use = program->provider_use();
  if (use == nullptr)
    return Error{Code::usage, "only CoreMLExecutionProvider leaves files, of ONNX models", provider,
                 "give an .onnx file and CoreMLExecutionProvider with its options"};
  return Writer(*use, model, temporary_folder(folder)).run();
}

}  // namespace assay

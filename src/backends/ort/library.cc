#include "backends/ort/library.h"

#include <dlfcn.h>

#include <charconv>
#include <cstdlib>
#include <map>
#include <mutex>

#include "backends/ort/find.h"
#include "base/text.h"

namespace assay::backends::ort {
namespace {

constexpr const char* kFix =
    "pip install --upgrade onnxruntime, or set ASSAY_ORT_LIBRARY to the path of libonnxruntime.so";
constexpr size_t kMostMessages = 16;
#ifdef __APPLE__
constexpr const char* kSystemLibrary = "libonnxruntime.dylib";
#else
constexpr const char* kSystemLibrary = "libonnxruntime.so";
#endif

Error missing(std::string message, std::string where, std::string fix = kFix) {
  return Error{Code::backend_missing, std::move(message), std::move(where), std::move(fix)};
}

struct Messages {
  std::mutex mutex;
  std::vector<std::string> lines;
};
Messages& messages() {
  static Messages said;
  return said;
}

// The library would print on standard error; it is the caller who decides what is printed.
void hear(void*, int, const char*, const char*, const char*, const char* message) {
  const std::lock_guard lock(messages().mutex);
  if (messages().lines.size() < kMostMessages) messages().lines.emplace_back(message);
}

/// N of "1.N.0"; 0 when it is written otherwise.
uint32_t api_of(std::string_view version) {
  uint32_t minor = 0;
  if (version.starts_with("1.")) std::from_chars(version.data() + 2, version.data() + version.size(), minor);
  return minor;
}

}  // namespace

std::vector<std::string> Library::take_messages() {
  const std::lock_guard lock(messages().mutex);
  return std::exchange(messages().lines, {});
}

Status Library::status_of(OrtStatus* status) const {
  if (status == nullptr) return {};
  const std::string_view message = plain<GetErrorMessage>(static_cast<const OrtStatus*>(status));
  Error error{Code::backend_failed, std::string(trim(message)), "onnxruntime " + version_};
  plain<ReleaseStatus>(status);
  return error;
}

Status Library::prepare() {
  ASSAY_CHECK(call<CreateEnvWithCustomLogger>(&hear, static_cast<void*>(nullptr), kWarningSeverity, "assay", &env_));
  ASSAY_CHECK(call<GetAllocatorWithDefaultOptions>(&allocator_));
  ASSAY_CHECK(call<CreateCpuMemoryInfo>(kArenaAllocator, kDefaultMemory, &memory_));
  char** names = nullptr;
  int count = 0;
  ASSAY_CHECK(call<GetAvailableProviders>(&names, &count));
  providers_.assign(names, names + count);
  return call<ReleaseAvailableProviders>(names, count);
}

Result<std::shared_ptr<Library>> Library::open(const std::string& path) {
  void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return missing(std::string("the library cannot be loaded: ") + ::dlerror(), path);
  const auto get_base = reinterpret_cast<const OrtApiBase* (*)()>(::dlsym(handle, "OrtGetApiBase"));
  if (get_base == nullptr) return missing("this is not ONNX Runtime: it has no function OrtGetApiBase", path);
  const OrtApiBase* const base = get_base();
  auto library = std::make_shared<Library>();
  library->path_ = path;
  library->version_ = base->version_text();
  // A library that is asked for a later table than it has says so on standard error: its version is read first.
  const uint32_t has = api_of(library->version_);
  library->table_ = has == 0 || has >= kApiVersion ? base->get_api(kApiVersion) : nullptr;
  if (library->table_ == nullptr)
    return missing("this is ONNX Runtime " + library->version_ + ", and " + kOldestRuntime + " or newer is needed",
                   path, "pip install --upgrade onnxruntime, or set ASSAY_ORT_LIBRARY to another libonnxruntime.so");
  if (has >= kHasShapeVersion) {
    library->table_ = base->get_api(kHasShapeVersion);
    library->knows_shapes_ = true;
  }
  ASSAY_CHECK(library->prepare());
  return library;
}

Result<std::shared_ptr<Library>> Library::load() {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<Library>> loaded;
  const char* const given = std::getenv("ASSAY_ORT_LIBRARY");
  std::string path = given == nullptr ? "" : given;
  if (path.empty()) {
    const std::vector<std::string> found = find_libraries();
    path = found.empty() ? kSystemLibrary : found.front();
  }
  const std::lock_guard lock(mutex);
  if (const auto it = loaded.find(path); it != loaded.end()) return it->second;
  auto library = open(path);
  if (library.ok()) loaded.emplace(path, *library);
  if (!library.ok() && path == kSystemLibrary)
    return missing(
        "ONNX Runtime's library is nowhere: not in " + searched_places() + " (" + library.error().message + ")", "");
  return library;
}

}  // namespace assay::backends::ort

#include "backends/ort/find.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/text.h"

namespace assay::backends::ort {
namespace {
namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Entries of a folder whose names begin so, the last names first: python3.13 before python3.11.
std::vector<fs::path> entries(const fs::path& folder, std::string_view prefix) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().filename().string().starts_with(prefix)) found.push_back(it->path());
  std::ranges::sort(found, std::greater());
  return found;
}

/// Wheels have libonnxruntime.so.1.32.0 or libonnxruntime.1.32.0.dylib; never the providers' own libraries.
void add_libraries(const fs::path& folder, std::vector<std::string>& to) {
  for (const fs::path& file : entries(folder, "libonnxruntime.")) to.push_back(file.string());
}

/// Python packages below a prefix such as /usr or a virtual environment.
void add_python(const fs::path& prefix, std::vector<std::string>& to) {
  for (const fs::path& python : entries(prefix / "lib", "python3"))
    for (const char* const packages : {"site-packages", "dist-packages"})
      add_libraries(python / packages / "onnxruntime" / "capi", to);
}

/// npm's global packages below a prefix.
void add_node(const fs::path& prefix, std::vector<std::string>& to) {
#ifdef __APPLE__
  constexpr const char* kSystem = "darwin";
#else
  constexpr const char* kSystem = "linux";
#endif
#if defined(__aarch64__)
  constexpr const char* kMachine = "arm64";
#else
  constexpr const char* kMachine = "x64";
#endif
  for (const fs::path& napi : entries(prefix / "lib" / "node_modules" / "onnxruntime-node" / "bin", "napi-v"))
    add_libraries(napi / kSystem / kMachine, to);
}

/// The folder above the one in which PATH has the program; empty when it has none.
fs::path prefix_of(const char* program) {
  for (const std::string& folder : split(variable("PATH"), ':')) {
    std::error_code error;
    if (!folder.empty() && fs::path(folder).is_absolute() && fs::exists(fs::path(folder) / program, error))
      return fs::path(folder).parent_path();
  }
  return {};
}

/// The folder of Python packages that this code was installed into as one of them; empty when it was not. An
/// environment need not be active for its packages to be imported.
fs::path own_packages() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&find_libraries), &info) == 0 || info.dli_fname == nullptr) return {};
  const fs::path folder = fs::path(info.dli_fname).parent_path();
  return folder.is_absolute() && folder.filename() == "assay" ? folder.parent_path() : fs::path();
}

}  // namespace

std::vector<std::string> find_libraries() {
  std::vector<std::string> found;
  if (const fs::path packages = own_packages(); !packages.empty())
    add_libraries(packages / "onnxruntime" / "capi", found);
  if (const std::string environment = variable("VIRTUAL_ENV"); !environment.empty()) add_python(environment, found);
  if (const fs::path prefix = prefix_of("python3"); !prefix.empty()) {
    add_python(prefix, found);
    if (prefix == "/usr") add_python("/usr/local", found);
  }
  if (const fs::path prefix = prefix_of("node"); !prefix.empty()) add_node(prefix, found);
  return found;
}

std::string searched_places() {
  return "the packages beside Assay's own, $VIRTUAL_ENV, the Python packages of the `python3` on PATH, the global "
         "packages of the `node` on PATH and "
         "the "
         "system's libraries";
}

}  // namespace assay::backends::ort

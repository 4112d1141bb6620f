// Names of Core ML's containers.
#pragma once
#include <string>
#include <string_view>

namespace assay::coreml {

inline constexpr std::string_view kModelEnding = ".mlmodel";
inline constexpr std::string_view kPackageEnding = ".mlpackage";
inline constexpr std::string_view kCompiledEnding = ".mlmodelc";

/// "model.mlpackage/" as "model.mlpackage".
inline std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}
/// The folder that a file lies in; empty for the current one.
inline std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return "";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace assay::coreml

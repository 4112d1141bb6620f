// The files of profiles/, compiled in.
#pragma once
#include <span>
#include <string_view>

namespace assay::profiles {
struct BuiltIn {
  std::string_view name;  ///< the file's name, which is the profile's
  std::string_view file;  ///< "profiles/NAME.toml", for messages
  std::string_view text;
};
/// Sorted by name.
std::span<const BuiltIn> built_in_files();
}  // namespace assay::profiles

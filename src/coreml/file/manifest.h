// Manifest.json of a .mlpackage: which file is the model.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay::coreml {

struct ManifestItem {
  std::string id;    ///< a UUID
  std::string path;  ///< relative to Data
  std::string name, author, description;
};
struct Manifest {
  std::vector<ManifestItem> items;  ///< sorted by id
  std::string root;                 ///< id of the model
  const ManifestItem* find(std::string_view id) const;
};

inline constexpr std::string_view kManifestName = "Manifest.json";
inline constexpr std::string_view kDataFolder = "Data";

/// Errors: coreml_package.
Result<Manifest> parse_manifest(std::string_view text, const std::string& where);
/// The same manifest gives the same text.
std::string manifest_text(const Manifest& manifest);
/// A UUID made of 128 bits, in its usual spelling.
std::string uuid_of(uint64_t high, uint64_t low);

}  // namespace assay::coreml

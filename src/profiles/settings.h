// The words of a profile file for the fields of num::Policy (docs/profiles.md, "Settings").
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "num/policy.h"
#include "profiles/tree.h"

namespace assay::profiles {

/// One field of a policy that a statement can set; its bit in Statement::fields is its index in settings().
struct Setting {
  std::string_view name;
  std::string_view doc;
  Status (*read)(const Reader& set, std::string_view key, num::Policy& policy);
  void (*copy)(const num::Policy& from, num::Policy& to);
};
std::span<const Setting> settings();
std::vector<std::string> setting_names();

/// "float16", "tf32 toward-zero", "float16 nearest-even flush clamp", "float16 limit=32768", "e5m10 to-odd".
Result<num::Rounding> read_rounding(const Reader& reader, std::string_view key);

/// The value of a setting as one line of text.
std::string as_text(const Node& value);

}  // namespace assay::profiles

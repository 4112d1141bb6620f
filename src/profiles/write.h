// Profiles as TOML, the counterpart of parse_profile().
#pragma once
#include <string>

#include "profiles/profile.h"

namespace assay::profiles {

/// A file that parses to a profile of the same identity (identity_of). `like` is written out; the one variant of a
/// profile that names none is written without [[variant]].
std::string to_toml(const Profile& profile);

}  // namespace assay::profiles

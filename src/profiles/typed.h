// Profiles for ML Programs, in which each operation's declared type picks what holds for it.
#pragma once
#include <memory>
#include <string_view>

#include "ir/graph.h"
#include "profiles/profile.h"

namespace assay::profiles {

/// Which floating-point types the operations of a program declare.
struct DeclaredTypes {
  bool float32 = false, float16 = false;
};
DeclaredTypes declared_types(const ir::Graph& graph);

/// True for "coreml-mlprogram-f32-gpu" and its like, float16 ones too: names of a unit that runs ML Programs.
bool names_ml_program(std::string_view profile);

/// What holds for an ML Program on the unit that `profile` names, whichever of its two names was given: statements of
/// the -f32- profile for operations declared float32, of the -f16- profile for those declared float16. Values are
/// stored in their declared types. Variants: each of the f32 profile's with the f16 profile's primary and the other way
/// round, where both types occur. `profile` itself where its name is no such name.
std::shared_ptr<const Profile> typed_profile(const Profile& profile, DeclaredTypes types);

}  // namespace assay::profiles

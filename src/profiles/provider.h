// Execution providers, written as ONNX Runtime users write them, and the profiles that emulate them.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "profiles/profile.h"

namespace assay::profiles {

/// "CoreMLExecutionProvider:ModelFormat=MLProgram,MLComputeUnits=CPUAndGPU"
struct Provider {
  std::string name;
  std::map<std::string, std::string> options;
};

/// Whether a program's text names a provider: the part before ':' ends in "ExecutionProvider".
bool names_provider(std::string_view text);
/// A comma or a backslash in a value is written behind a backslash. Errors: usage (not NAME[:key=value,...], a key
/// twice).
Result<Provider> parse_provider(std::string_view text);

/// What the option of CoreMLExecutionProvider says, or its default.
std::string core_ml_option(const Provider& provider, std::string_view name);
inline constexpr std::string_view kCoreMlProvider = "CoreMLExecutionProvider";

/// The profile that emulates the provider on an ONNX model; `float16_model`: its weights are float16. With a choice of
/// units, the variants of the second unit's profile stand behind the first's, named PROFILE/VARIANT.
/// Errors: unknown_provider, naming the profiles to choose from; usage for unknown options and values.
Result<std::shared_ptr<const Profile>> provider_profile(const Provider& provider, bool float16_model);

}  // namespace assay::profiles

// `ort:NAME[:key=value,...]`: a provider of the real ONNX Runtime with its options, the session's and our own.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace assay::backends::ort {

inline constexpr std::string_view kPrefix = "ort:";
inline constexpr std::string_view kCpuProvider = "CPUExecutionProvider";

struct Words {
  std::string provider;                        ///< "CUDAExecutionProvider"
  std::map<std::string, std::string> options;  ///< the provider's: passed on as they are
  std::map<std::string, std::string> session;  ///< keys with a dot: of the session
  bool isolated = false;                       ///< runs in a process of its own
};

/// Errors: usage.
Result<Words> parse_words(std::string_view text);

/// A session's option that the library has a function for; the others are configuration entries.
struct SessionOption {
  enum class Kind : uint8_t { optimization, mode, intra_threads, inter_threads };
  Kind kind;
  int value;
};
/// Whether `key` is such an option, and its value as the library takes it. Errors: usage for a value that it cannot
/// have, and for a key that is nearly one: the library takes any entry without a word.
Result<std::optional<SessionOption>> session_option(const std::string& key, const std::string& value);

}  // namespace assay::backends::ort

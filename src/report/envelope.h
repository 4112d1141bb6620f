// The JSON envelope that every command prints with --json, and how errors and warnings look as text.
#pragma once
#include <string>
#include <string_view>

#include "assay/result.h"

namespace assay::report {

struct Envelope {
  std::string_view command;
  bool ok = true;                ///< true for exits 0 and 1
  const Error* error = nullptr;  ///< set when not ok
  const Warnings* warnings = nullptr;
  std::string_view result{};  ///< JSON; empty: null
  std::string_view meta{};    ///< JSON object; empty: {}
};
/// {"schema": 1, "tool": "assay", "version", "command", "ok", "warnings", "error"?, "result", "meta"} and a newline.
std::string to_json(const Envelope& envelope, std::string_view version);

/// A JSON string literal; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

/// "error A101: cannot open: No such file\n  at: x.onnx\n  fix: ...": under 4,000 characters, long parts shortened.
std::string to_text(const Error& error, std::string_view kind, bool colour);

}  // namespace assay::report

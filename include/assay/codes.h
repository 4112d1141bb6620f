// Stable codes of warnings and errors; the table is assay/codes.def.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace assay {

/// A stable number, printed as `A101`. The names are those of codes.def.
enum class Code : uint16_t {
#define ASSAY_CODE(number, name, exit, sentence, text) name = number,
#include "assay/codes.def"
#undef ASSAY_CODE
};

/// How a command ends when an error with the code stops it (docs/cli.md). A note is never an error: it says what is so,
/// and --strict does not fail for it.
enum class CodeExit : uint8_t { note = 0, words = 2, file = 3, bug = 4 };

/// What the table says of a code.
struct CodeRow {
  Code code;
  std::string_view name;
  CodeExit exit;
  std::string_view sentence;
  std::string_view text;
};

/// All codes, ascending.
std::span<const CodeRow> code_table();
/// The row of a code.
const CodeRow& code_row(Code code);
/// True for codes that are notes: never an error.
inline bool is_note(Code code) { return code_row(code).exit == CodeExit::note; }
/// Accepts `A101`, `a101` and `101`.
std::optional<Code> parse_code(std::string_view text);
/// `A101` and the like.
std::string code_name(Code code);

}  // namespace assay

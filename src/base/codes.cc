#include "base/codes.h"

#include <charconv>

namespace assay {
namespace {
constexpr CodeRow kRows[] = {
#define ASSAY_CODE(number, name, exit, sentence, text) {Code::name, #name, CodeExit::exit, sentence, text},
#include "assay/codes.def"
#undef ASSAY_CODE
};
}  // namespace

std::span<const CodeRow> code_table() { return kRows; }

const CodeRow& code_row(Code code) {
  for (const CodeRow& row : kRows)
    if (row.code == code) return row;
  return code_row(Code::internal);
}

std::optional<Code> parse_code(std::string_view text) {
  if (!text.empty() && (text[0] == 'A' || text[0] == 'a')) text.remove_prefix(1);
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  for (const CodeRow& row : kRows)
    if (static_cast<int>(row.code) == number) return row.code;
  return std::nullopt;
}

std::string code_name(Code code) {
  const std::string digits = std::to_string(static_cast<int>(code));
  return "A" + std::string(3 - digits.size(), '0') + digits;
}

}  // namespace assay

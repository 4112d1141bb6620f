#include "ir/quote.h"

#include <algorithm>

namespace assay::ir {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '/' || c == '@' || c == '-';
}

std::string hex(uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  do out.insert(out.begin(), kDigits[value & 15]);
  while (value >>= 4);
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || u == 0x7f) {
      const std::string digits = hex(u);
      out += digits.size() == 1 ? "\\x0" + digits : "\\x" + digits;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string quoted_if_needed(std::string_view name) {
  const bool plain = !name.empty() && (name[0] < '0' || name[0] > '9') && name != "_" && name != "..." &&
                     std::ranges::all_of(name, is_name_char);
  return plain ? std::string(name) : quoted(name);
}

}  // namespace assay::ir

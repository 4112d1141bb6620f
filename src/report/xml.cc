#include "report/xml.h"

#include <algorithm>
#include <cstdint>

#include "report/bidi.h"

namespace assay::report {
namespace {
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

// Bytes of the character that begins here; 0: it is no UTF-8, or nothing that XML may hold.
size_t character(std::string_view text) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  uint32_t code = first & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (at(i) & 0x3fu);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < kLeast[length] || code > 0x10ffff || surrogate || code == 0xfffe || code == 0xffff ? 0 : length;
}

std::string_view escaped(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\n':
      return "&#10;";
    case '\t':
      return "&#9;";
    case '\r':
      return "&#13;";
    default:
      return {};
  }
}
}  // namespace

std::string xml_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t length = turning_bytes(text) > 0 ? 0 : character(text);
    const std::string_view markup = length == 1 ? escaped(text[0]) : std::string_view();
    out += length == 0 ? kReplacement : markup.empty() ? text.substr(0, length) : markup;
    text.remove_prefix(length == 0 ? std::max<size_t>(1, turning_bytes(text)) : length);
  }
  return out;
}

}  // namespace assay::report

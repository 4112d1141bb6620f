// Characters that turn the direction of the text around them: in names they can make a report read as it is not.
#pragma once
#include <cstddef>
#include <string_view>

namespace assay::report {

/// Bytes of such a character (U+202A to U+202E, U+2066 to U+2069) where `text` begins with one; 0: it does not.
inline size_t turning_bytes(std::string_view text) {
  if (text.size() < 3 || text[0] != '\xe2') return 0;
  const auto middle = static_cast<unsigned char>(text[1]), last = static_cast<unsigned char>(text[2]);
  const bool embeds = middle == 0x80 && last >= 0xaa && last <= 0xae;
  const bool isolates = middle == 0x81 && last >= 0xa6 && last <= 0xa9;
  return embeds || isolates ? 3 : 0;
}

}  // namespace assay::report

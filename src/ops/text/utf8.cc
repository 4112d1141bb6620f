#include "ops/text/utf8.h"

#include <utf8proc.h>

namespace assay::ops {
namespace {

constexpr utf8proc_int32_t kSharpS = 0xdf;  // utf8proc maps it to U+1E9E, Unicode's table to itself

utf8proc_int32_t mapped(utf8proc_int32_t point, Case wanted) {
  switch (wanted) {
    case Case::lower:
      return utf8proc_tolower(point);
    case Case::upper:
      return point == kSharpS ? point : utf8proc_toupper(point);
    case Case::unchanged:
      break;
  }
  return point;
}

}  // namespace

std::optional<std::string> with_case(std::string_view text, Case wanted) {
  std::string out;
  out.reserve(text.size());
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (auto left = static_cast<utf8proc_ssize_t>(text.size()); left > 0;) {
    utf8proc_int32_t point = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(at, left, &point);
    if (length <= 0) return std::nullopt;
    utf8proc_uint8_t bytes[4];
    const utf8proc_ssize_t written = utf8proc_encode_char(mapped(point, wanted), bytes);
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(written));
    at += length;
    left -= length;
  }
  return out;
}

}  // namespace assay::ops

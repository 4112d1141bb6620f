#include "ops/text/parse_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "base/text.h"

namespace assay::ops {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char ch) { return ch >= 'A' && ch <= 'Z' ? char(ch - 'A' + 'a') : ch; });
  return out;
}
}  // namespace

bool parse_number(std::string_view text, double& x) {
  text = trim(text);
  const std::string word = lower(text);
  if (word == "inf" || word == "+inf" || word == "infinity") return x = INFINITY, true;
  if (word == "-inf" || word == "-infinity") return x = -INFINITY, true;
  if (word == "nan" || word == "+nan" || word == "-nan") return x = NAN, true;
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace assay::ops

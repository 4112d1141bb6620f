#include "report/json_text.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/json.h"

namespace assay::report {
using Json = nlohmann::ordered_json;

std::string number(double value) {
  std::string text = shortest(value);
  if (!std::isfinite(value)) return "\"" + text + "\"";
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string quote(std::string_view text) {
  // Names may hold bytes that are no UTF-8; they are shown as replacement characters.
  return Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_fault(std::string_view what) {
  if (const size_t end = what.find("] "); what.starts_with("[json.exception") && end != std::string_view::npos)
    what.remove_prefix(end + 2);
  size_t most = std::min<size_t>(what.size(), 300);
  while (most < what.size() && most > 0 && (static_cast<unsigned char>(what[most]) & 0xc0) == 0x80) --most;
  return std::string(what.substr(0, most));  // never half a character
}

template <>
void dump(const Json& value, std::string& out) {
  if (value.is_object()) {
    out += '{';
    bool first = true;
    for (const auto& [key, item] : value.items()) {
      if (!std::exchange(first, false)) out += ',';
      out += quote(key) + ":";
      dump(item, out);
    }
    out += '}';
  } else if (value.is_array()) {
    out += '[';
    bool first = true;
    for (const Json& item : value) {
      if (!std::exchange(first, false)) out += ',';
      dump(item, out);
    }
    out += ']';
  } else if (value.is_number_float()) {
    out += number(value.get<double>());
  } else if (value.is_string()) {
    out += quote(value.get_ref<const std::string&>());
  } else {
    out += value.dump();
  }
}

}  // namespace assay::report

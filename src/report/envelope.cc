#include "report/envelope.h"

#include <nlohmann/json.hpp>

namespace assay::report {
namespace {
constexpr size_t kLongestPart = 1200;  // three parts and their labels stay under 4,000 characters

std::string item(const Error& e) {
  return "{\"code\":" + json_string(code_name(e.code)) + ",\"message\":" + json_string(e.message) +
         ",\"where\":" + json_string(e.where) + ",\"fix\":" + json_string(e.fix) + "}";
}

// Control characters would let a file's names repaint the terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    out += control && c != '\n' ? ' ' : c;
  }
  if (out.size() <= kLongestPart) return out;
  size_t cut = kLongestPart;
  while (cut > 0 && (static_cast<unsigned char>(out[cut]) & 0xC0) == 0x80) --cut;
  const size_t rest = out.size() - cut;
  out.resize(cut);
  return out + "... (" + std::to_string(rest) + " more characters; --json has all)";
}
}  // namespace

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string to_json(const Envelope& e, std::string_view version) {
  std::string out = "{\"schema\":1,\"tool\":\"assay\",\"version\":" + json_string(version) +
                    ",\"command\":" + json_string(e.command) + ",\"ok\":" + (e.ok ? "true" : "false") +
                    ",\"warnings\":[";
  if (e.warnings) {
    for (const Warning& w : *e.warnings) {
      if (out.back() != '[') out += ',';
      out += item(w);
    }
  }
  out += ']';
  if (e.error) out += ",\"error\":" + item(*e.error);
  out += ",\"result\":";
  out += e.result.empty() ? "null" : e.result;
  out += ",\"meta\":";
  out += e.meta.empty() ? "{}" : e.meta;
  return out + "}\n";
}

std::string to_text(const Error& error, std::string_view kind, bool colour) {
  std::string out = colour ? (kind == "error" ? "\033[1;31m" : "\033[1;33m") : "";
  out += std::string(kind) + " " + code_name(error.code);
  if (colour) out += "\033[0m";
  out += ": " + printable(error.message) + "\n";
  if (!error.where.empty()) out += "  at:  " + printable(error.where) + "\n";
  if (!error.fix.empty()) out += "  fix: " + printable(error.fix) + "\n";
  return out;
}

}  // namespace assay::report

#include "report/error_text.h"

namespace assay::report {
namespace {
constexpr size_t kLongestPart = 1200;  // three parts and their labels stay under 4,000 characters

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

std::string to_text(const Error& error, std::string_view kind, bool colour) {
  const char* const code = kind == "error" ? "\033[1;31m" : kind == "note" ? "\033[1m" : "\033[1;33m";
  std::string out = colour ? code : "";
  out += std::string(kind) + " " + code_name(error.code);
  if (colour) out += "\033[0m";
  out += ": " + printable(error.message) + "\n";
  if (!error.where.empty()) out += "  at:  " + printable(error.where) + "\n";
  if (!error.fix.empty()) out += "  fix: " + printable(error.fix) + "\n";
  return out;
}

}  // namespace assay::report

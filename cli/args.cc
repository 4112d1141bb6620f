#include <charconv>
#include <cmath>

#include "cli/command.h"

namespace assay::cli {
namespace {
Error bad_value(std::string_view name, const std::string& value, std::string_view wanted) {
  return Error{Code::usage, std::string(name) + " takes " + std::string(wanted) + ", not '" + value + "'", "",
               "see --help"};
}
}  // namespace

std::string Args::text(std::string_view name, std::string_view fallback) const {
  const auto found = values.find(name);
  return found == values.end() || found->second.empty() ? std::string(fallback) : found->second.back();
}

std::vector<std::string> Args::list(std::string_view name) const {
  const auto found = values.find(name);
  return found == values.end() ? std::vector<std::string>{} : found->second;
}

Result<std::optional<uint64_t>> Args::whole(std::string_view name) const {
  if (!has(name)) return std::optional<uint64_t>();
  const std::string value = text(name);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return bad_value(name, value, "a whole number");
  return std::optional(number);
}

Result<std::optional<double>> Args::number(std::string_view name) const {
  if (!has(name)) return std::optional<double>();
  const std::string value = text(name);
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !(number >= 0))
    return bad_value(name, value, "a number of at least 0");
  return std::optional(number);
}

Result<std::string> program_of(const Args& args) {
  if (args.has("--profile") && args.has("--provider"))
    return Error{Code::usage, "--profile and --provider exclude each other", "", "give one of them"};
  return args.text(args.has("--provider") ? "--provider" : "--profile");
}

}  // namespace assay::cli

#include "audit/repair/repair.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "audit/search/trials.h"
#include "base/text.h"

namespace assay::audit {
namespace {

constexpr std::string_view kMaxFlips = "max-flips:", kMaxError = "max-error:";

template <class T>
bool read_all(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void Standing::add(const Standing& other) {
  samples += other.samples;
  flips += other.flips;
  error = std::max(error, other.error);
}

std::string Goal::text() const {
  if (kind == Kind::error) return std::string(kMaxError) + shortest(error);
  return flips == 0 ? "no-flips" : std::string(kMaxFlips) + std::to_string(flips);
}

bool Goal::met(const Standing& standing) const {
  return kind == Kind::error ? standing.error <= error : standing.flips <= flips;
}

bool Goal::missed(const Outcome& outcome) const { return kind == Kind::error ? outcome.error > error : !outcome.same; }

Result<Goal> parse_goal(const std::string& text) {
  Goal goal;
  if (text == "no-flips") return goal;
  const std::string_view words = text;
  if (words.starts_with(kMaxFlips) && read_all(words.substr(kMaxFlips.size()), goal.flips)) return goal;
  if (words.starts_with(kMaxError) && read_all(words.substr(kMaxError.size()), goal.error) && goal.error >= 0 &&
      std::isfinite(goal.error)) {
    goal.kind = Goal::Kind::error;
    return goal;
  }
  return Error{Code::usage, "there is no goal '" + text + "'", "--goal", "give no-flips, max-flips:N or max-error:X"};
}

}  // namespace assay::audit

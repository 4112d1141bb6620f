#include "assay/formats.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/result.h"
#include "base/text.h"
#include "num/format.h"
#include "num/interval.h"
#include "num/ulp.h"

namespace assay {
namespace {

constexpr std::array kNamed = {num::FormatId::float64,        num::FormatId::float32,    num::FormatId::tf32,
                               num::FormatId::bfloat16,       num::FormatId::float16,    num::FormatId::float8e4m3fn,
                               num::FormatId::float8e4m3fnuz, num::FormatId::float8e5m2, num::FormatId::float8e5m2fnuz,
                               num::FormatId::float8e8m0,     num::FormatId::float4e2m1};

template <class T>
struct Word {
  std::string_view name;
  T value;
};
constexpr std::array<Word<num::Mode>, 4> kModes = {{{"nearest_even", num::Mode::nearest_even},
                                                    {"nearest_away", num::Mode::nearest_away},
                                                    {"toward_zero", num::Mode::toward_zero},
                                                    {"to_odd", num::Mode::to_odd}}};
constexpr std::array<Word<num::Overflow>, 2> kOverflows = {
    {{"infinity", num::Overflow::infinity}, {"clamp", num::Overflow::clamp}}};

Error unknown(std::string_view what, const std::string& word, const std::vector<std::string>& known) {
  const std::string near = did_you_mean(word, known);
  return Error{Code::usage, "there is no " + std::string(what) + " '" + word + "'", "",
               near.empty() ? "there are: " + join(known, ", ") : "did you mean '" + near + "'?"};
}

template <class T, size_t N>
Result<T> find(const std::array<Word<T>, N>& words, std::string_view what, const std::string& word) {
  std::vector<std::string> known;
  for (const Word<T>& w : words) {
    if (w.name == word) return w.value;
    known.emplace_back(w.name);
  }
  return unknown(what, word, known);
}

Result<num::Rounding> rounding_of(const num::Format& format, const RoundingOptions& options) {
  num::Rounding rounding{.format = format};
  ASSAY_TRY(rounding.mode, find(kModes, "rounding mode", options.mode));
  ASSAY_TRY(rounding.overflow, find(kOverflows, "overflow", options.overflow));
  rounding.flush_subnormals = options.flush_subnormals;
  rounding.limit = options.limit;
  if (!(options.limit >= 0)) return Error{Code::usage, "the limit is negative or no number", "", "give 0 or more"};
  return rounding;
}

Interval interval_of(const num::Interval& from) {
  return from.empty() ? Interval{} : Interval{from.low, from.high, from.low_included, from.high_included};
}

}  // namespace

struct Format::State {
  num::Format format;
  std::string name;

  Status check(double value) const {
    if (num::representable(value, format)) return {};
    return Error{Code::value_range, shortest(value) + " is no value of " + name, "", "round it first"};
  }
};

Format::Format(std::unique_ptr<State> state) : state_(std::move(state)) {}
Format::Format(const Format& other) : state_(std::make_unique<State>(*other.state_)) {}
Format& Format::operator=(const Format& other) {
  *state_ = *other.state_;
  return *this;
}
Format::~Format() = default;

std::vector<std::string> Format::names() {
  std::vector<std::string> names;
  for (const num::FormatId id : kNamed) names.emplace_back(num::format(id).name);
  return names;
}

Result<Format> Format::named(const std::string& name) {
  const auto id = num::format_named(name);
  if (!id) return unknown("format", name, names());
  return Format(std::make_unique<State>(State{num::format(*id), name}));
}

Result<Format> Format::ieee_like(int exponent_bits, int significand_bits) {
  if (exponent_bits < 2 || exponent_bits > 11 || significand_bits < 1 || significand_bits > 52)
    return Error{Code::usage,
                 "no format has " + std::to_string(exponent_bits) + " exponent and " +
                     std::to_string(significand_bits) + " significand bits here",
                 "", "give 2 to 11 exponent bits and 1 to 52 stored significand bits"};
  return Format(
      std::make_unique<State>(State{num::ieee_like(exponent_bits, significand_bits),
                                    "e" + std::to_string(exponent_bits) + "m" + std::to_string(significand_bits)}));
}

std::string Format::name() const { return state_->name; }
int Format::exponent_bits() const { return state_->format.exponent_bits; }
int Format::significand_bits() const { return state_->format.significand_bits; }
double Format::max_finite() const { return num::max_finite(state_->format); }
double Format::min_normal() const { return num::min_normal(state_->format); }
double Format::min_subnormal() const { return num::min_subnormal(state_->format); }

Status Format::round(double* values, size_t count, const RoundingOptions& options) const {
  ASSAY_TRY(const num::Rounding rounding, rounding_of(state_->format, options));
  num::round_in_place(values, count, rounding);
  return {};
}
Status Format::round(float* values, size_t count, const RoundingOptions& options) const {
  ASSAY_TRY(const num::Rounding rounding, rounding_of(state_->format, options));
  num::round_in_place(values, count, rounding);
  return {};
}

bool Format::representable(double value) const { return num::representable(value, state_->format); }

// Truncation brings a value off the lattice to its neighbour nearer to zero; from there the other one is a step away.
double Format::next_up(double value) const {
  if (std::isnan(value)) return value;
  const double toward_zero = num::round(value, {.format = state_->format, .mode = num::Mode::toward_zero});
  return toward_zero > value ? toward_zero : num::next_up(toward_zero, state_->format);
}
double Format::next_down(double value) const {
  if (std::isnan(value)) return value;
  const double toward_zero = num::round(value, {.format = state_->format, .mode = num::Mode::toward_zero});
  return toward_zero < value ? toward_zero : num::next_down(toward_zero, state_->format);
}

double Format::ulp(double value) const { return num::ulp_size(value, state_->format); }

Result<uint64_t> Format::ulp_distance(double a, double b) const {
  for (const double value : {a, b})
    if (std::isfinite(value)) ASSAY_CHECK(state_->check(value));
  return num::ulp_distance(a, b, state_->format);
}

Result<ThresholdIntervals> Format::rounding_interval(double threshold, bool strict,
                                                     const RoundingOptions& options) const {
  if (std::isnan(threshold)) return Error{Code::usage, "the threshold is no number", "", "give a number"};
  ASSAY_TRY(const num::Rounding rounding, rounding_of(state_->format, options));
  const auto found =
      num::rounding_interval(threshold, strict ? num::Comparison::above : num::Comparison::at_least, rounding);
  return ThresholdIntervals{interval_of(found.becomes_positive), interval_of(found.becomes_negative)};
}

Result<uint64_t> Format::encode(double value) const {
  if (!std::isnan(value)) ASSAY_CHECK(state_->check(value));
  return num::encode(value, state_->format);
}
double Format::decode(uint64_t bits) const { return num::decode(bits, state_->format); }

}  // namespace assay

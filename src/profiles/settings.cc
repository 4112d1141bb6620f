#include "profiles/settings.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/text.h"
#include "num/policy_text.h"

namespace assay::profiles {
namespace {

using num::Accumulator;
using num::Policy;
using Kind = Accumulator::Kind;

template <class T>
struct Word {
  std::string_view name;
  T value;
};

template <class T, size_t N>
Result<T> choose(const Reader& r, std::string_view key, std::string_view what, std::string_view word,
                 const Word<T> (&words)[N]) {
  std::vector<std::string> names;
  for (const Word<T>& each : words) {
    if (each.name == word) return each.value;
    names.emplace_back(each.name);
  }
  return r.unknown(key, what, word, names);
}

template <class T, size_t N>
Result<T> choice(const Reader& r, std::string_view key, std::string_view what, const Word<T> (&words)[N]) {
  ASSAY_TRY(const std::string word, r.string(key));
  return choose(r, key, what, word, words);
}

constexpr Word<num::Mode> kModes[] = {{"nearest-even", num::Mode::nearest_even},
                                      {"nearest-away", num::Mode::nearest_away},
                                      {"toward-zero", num::Mode::toward_zero},
                                      {"to-odd", num::Mode::to_odd}};
constexpr Word<bool> kSubnormals[] = {{"keep", false}, {"flush", true}};
constexpr Word<num::FormatId> kCompute[] = {{"float32", num::FormatId::float32}, {"float64", num::FormatId::float64}};
constexpr Word<num::Bias> kBias[] = {
    {"after", num::Bias::after}, {"first", num::Bias::first}, {"after-store", num::Bias::after_store}};
constexpr Word<num::Elementary> kElementary[] = {{"sleef", num::Elementary::sleef},
                                                 {"correctly-rounded", num::Elementary::correctly_rounded}};
constexpr Word<num::SpecialValues> kSpecial[] = {{"ieee", num::SpecialValues::ieee},
                                                 {"neural-engine", num::SpecialValues::neural_engine}};
constexpr Word<Kind> kKinds[] = {{"chain", Kind::chain},     {"lanes", Kind::lanes}, {"exact", Kind::exact},
                                 {"aligned", Kind::aligned}, {"tiles", Kind::tiles}, {"pairs", Kind::pairs}};
constexpr Word<Accumulator::PairRule> kPairs[] = {{"odd-then-even", Accumulator::PairRule::odd_then_even},
                                                  {"even-odd-sums", Accumulator::PairRule::even_odd_sums},
                                                  {"round-to-odd", Accumulator::PairRule::round_to_odd}};

constexpr std::string_view kFormats[] = {"float64",      "float32",    "tf32",           "bfloat16",      "float16",
                                         "float8e4m3fn", "float8e5m2", "float8e4m3fnuz", "float8e5m2fnuz"};

/// "e5m10": an IEEE-like format by its sizes.
std::optional<num::Format> sized_format(std::string_view word) {
  int exponent = 0, significand = 0;
  if (word.size() < 4 || word[0] != 'e') return std::nullopt;
  const char* end = word.data() + word.size();
  const auto first = std::from_chars(word.data() + 1, end, exponent);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != 'm') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, significand);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  if (exponent < 2 || exponent > 11 || significand < 1 || significand > 52) return std::nullopt;
  return num::ieee_like(exponent, significand);
}

Result<num::Format> parse_format(const Reader& r, std::string_view key, std::string_view word) {
  if (std::ranges::find(kFormats, word) != std::end(kFormats))
    if (const auto id = num::format_named(word)) return num::format(*id);
  if (const auto sized = sized_format(word)) return *sized;
  const std::vector<std::string> names(std::begin(kFormats), std::end(kFormats));
  return r.unknown(key, "format", word, names);
}

Status parse_modifier(const Reader& r, std::string_view key, std::string_view word, num::Rounding& rounding) {
  if (word == "flush") {
    rounding.flush_subnormals = true;
  } else if (word == "clamp") {
    rounding.overflow = num::Overflow::clamp;
  } else if (word.starts_with("limit=")) {
    const std::string_view number = word.substr(6);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), rounding.limit);
    if (error != std::errc() || end != number.data() + number.size() || !(rounding.limit > 0) ||
        rounding.limit > num::max_finite(rounding.format) || !num::representable(rounding.limit, rounding.format))
      return r.fail(key, "limit must be a positive finite value of the format");
  } else {
    std::vector<std::string> words{"flush", "clamp", "limit=NUMBER"};
    for (const auto& mode : kModes) words.emplace_back(mode.name);
    for (const auto& mode : kModes) {
      if (mode.name != word) continue;
      rounding.mode = mode.value;
      return {};
    }
    return r.unknown(key, "rounding word", word, words);
  }
  return {};
}

/// An accumulator's own key: which kinds it belongs to, and how it is read.
struct Part {
  std::string_view name;
  unsigned kinds;
  Status (*read)(const Reader& r, std::string_view key, Accumulator& a);
};

constexpr unsigned on(Kind kind) { return 1u << static_cast<unsigned>(kind); }
constexpr unsigned kAll = ~0u, kSteps = on(Kind::chain) | on(Kind::lanes);

template <int Accumulator::*Field, int Least, int Most>
Status read_int(const Reader& r, std::string_view key, Accumulator& a) {
  ASSAY_TRY(a.*Field, r.integer(key, Least, Most));
  return {};
}
template <bool Accumulator::*Field>
Status read_bool(const Reader& r, std::string_view key, Accumulator& a) {
  ASSAY_TRY(a.*Field, r.boolean_or(key, false));
  return {};
}
template <std::optional<num::Rounding> Accumulator::*Field>
Status read_optional_rounding(const Reader& r, std::string_view key, Accumulator& a) {
  ASSAY_TRY(a.*Field, read_rounding(r, key));
  return {};
}
Status read_lanes(const Reader& r, std::string_view key, Accumulator& a) {
  ASSAY_TRY(a.lanes, r.integer(key, 2, 64));
  if ((a.lanes & (a.lanes - 1)) != 0) return r.fail(key, "must be a power of two");
  return {};
}
Status read_block_rounding(const Reader& r, std::string_view key, Accumulator& a) {
  ASSAY_TRY(const num::Rounding rounding, read_rounding(r, key));
  for (const num::FormatId id : {num::FormatId::float32, num::FormatId::float16}) {
    if (rounding != num::Rounding{num::format(id), rounding.mode}) continue;
    a.block_format = id;
    a.block_mode = rounding.mode;
    return {};
  }
  return r.fail(key, "must be float32 or float16 and a rounding mode");
}
Status read_pairs(const Reader& r, std::string_view key, Accumulator& a) {
  ASSAY_TRY(a.pairs, choice(r, key, "pair rule", kPairs));
  return {};
}
Status read_accumulator_subnormals(const Reader& r, std::string_view key, Accumulator& a) {
  ASSAY_TRY(a.flush_subnormals, choice(r, key, "word", kSubnormals));
  return {};
}
Status read_factors(const Reader& r, std::string_view key, Accumulator& a) {
  ASSAY_TRY(const std::string word, r.string(key));
  ASSAY_CHECK(parse_format(r, key, word));
  const auto id = num::format_named(word);
  if (!id) return r.fail(key, "must be a named format such as float16");
  a.factors = *id;
  return {};
}
Status read_alignment(const Reader& r, std::string_view key, Accumulator& a) {
  ASSAY_TRY(a.block_mode, choice(r, key, "rounding", kModes));
  return {};
}
Status read_kind(const Reader& r, std::string_view key, Accumulator& a) {
  ASSAY_TRY(a.kind, choice(r, key, "accumulator", kKinds));
  return {};
}

/// What a kind of accumulator is not defined without.
struct Needed {
  Kind kind;
  std::string_view part;
};
constexpr Needed kNeeded[] = {{Kind::lanes, "lanes"}, {Kind::aligned, "block"},       {Kind::aligned, "fraction-bits"},
                              {Kind::tiles, "block"}, {Kind::tiles, "fraction-bits"}, {Kind::pairs, "pairs"}};

constexpr Part kParts[] = {
    {"kind", kAll, read_kind},
    {"fused", kSteps, read_bool<&Accumulator::fused>},
    {"product", kSteps | on(Kind::tiles), read_optional_rounding<&Accumulator::product>},
    {"step", kSteps | on(Kind::tiles) | on(Kind::exact), read_optional_rounding<&Accumulator::step>},
    {"step-via-float32", kSteps, read_bool<&Accumulator::step_via_float32>},
    {"lanes", on(Kind::lanes), read_lanes},
    {"block", on(Kind::aligned) | on(Kind::tiles) | on(Kind::pairs), read_int<&Accumulator::block, 1, 1024>},
    {"fraction-bits", on(Kind::aligned) | on(Kind::tiles), read_int<&Accumulator::fraction_bits, 2, 40>},
    {"block-rounding", on(Kind::aligned), read_block_rounding},
    {"block-result-fraction-bits", on(Kind::aligned), read_int<&Accumulator::block_result_fraction_bits, 1, 23>},
    {"factors", on(Kind::aligned), read_factors},
    {"accumulator-apart", on(Kind::aligned), read_bool<&Accumulator::accumulator_apart>},
    {"alignment", on(Kind::tiles), read_alignment},
    {"split-k", kAll, read_int<&Accumulator::split_k, 1, 64>},
    {"pairs", on(Kind::pairs), read_pairs},
    {"subnormals", kAll, read_accumulator_subnormals},
};

Result<Accumulator> read_accumulator(const Reader& set, std::string_view key) {
  Accumulator a;
  if (set.node().find(key)->kind == Node::Kind::string) {  // the kind alone
    ASSAY_CHECK(read_kind(set, key, a));
    for (const Needed& needed : kNeeded)
      if (needed.kind == a.kind) return set.fail(key, "needs '" + std::string(needed.part) + "': write { kind = ... }");
    return a;
  }
  ASSAY_TRY(const Reader r, set.table(key));
  std::vector<std::string> names;
  for (const Part& part : kParts) names.emplace_back(part.name);
  ASSAY_CHECK(r.only(names));
  if (!r.has("kind")) return r.fail("", "'kind' is missing");
  for (const Part& part : kParts) {
    if (!r.has(part.name)) continue;
    ASSAY_CHECK(part.read(r, part.name, a));
    if ((part.kinds & on(a.kind)) == 0) return r.fail(part.name, "has no meaning for this kind of accumulator");
  }
  for (const Needed& needed : kNeeded)
    if (needed.kind == a.kind && !r.has(needed.part))
      return r.fail("", "'" + std::string(needed.part) + "' is missing for this kind of accumulator");
  return a;
}

template <auto Field>
void copy_field(const Policy& from, Policy& to) {
  to.*Field = from.*Field;
}
template <auto Field>
Status read_policy_rounding(const Reader& set, std::string_view key, Policy& policy) {
  ASSAY_TRY(policy.*Field, read_rounding(set, key));
  return {};
}
template <auto Field>
Status read_policy_accumulator(const Reader& set, std::string_view key, Policy& policy) {
  ASSAY_TRY(policy.*Field, read_accumulator(set, key));
  return {};
}
template <auto Field, auto& Words>
Status read_policy_choice(const Reader& set, std::string_view key, Policy& policy) {
  ASSAY_TRY(policy.*Field, choice(set, key, "word", Words));
  return {};
}
template <bool Policy::*Field>
Status read_policy_boolean(const Reader& set, std::string_view key, Policy& policy) {
  ASSAY_TRY(policy.*Field, set.boolean_or(key, false));
  return {};
}

constexpr Setting kSettings[] = {
    {"compute", "type of everything outside of accumulators and steps: float32 or float64",
     read_policy_choice<&Policy::compute, kCompute>, copy_field<&Policy::compute>},
    {"operand", "rounding of each operand as it enters a contraction", read_policy_rounding<&Policy::operand>,
     copy_field<&Policy::operand>},
    {"accumulator", "how the products of a contraction are added up", read_policy_accumulator<&Policy::accumulator>,
     copy_field<&Policy::accumulator>},
    {"sum", "how reductions, poolings, softmax and normalisations add up", read_policy_accumulator<&Policy::sum>,
     copy_field<&Policy::sum>},
    {"bias", "when a bias is added: after, first or after-store", read_policy_choice<&Policy::bias, kBias>,
     copy_field<&Policy::bias>},
    {"step", "rounding of every step inside an operation", read_policy_rounding<&Policy::step>,
     copy_field<&Policy::step>},
    {"result", "rounding of what an operation returns", read_policy_rounding<&Policy::result>,
     copy_field<&Policy::result>},
    {"attribute", "rounding of float attributes such as epsilon", read_policy_rounding<&Policy::attribute>,
     copy_field<&Policy::attribute>},
    {"subnormals", "float32 subnormals of inputs and results: keep or flush",
     read_policy_choice<&Policy::flush_subnormals, kSubnormals>, copy_field<&Policy::flush_subnormals>},
    {"elementary", "exp, tanh, ...: sleef (1.0 ULP) or correctly-rounded",
     read_policy_choice<&Policy::elementary, kElementary>, copy_field<&Policy::elementary>},
    {"special-values", "NaN and invalid operations: ieee or neural-engine",
     read_policy_choice<&Policy::special_values, kSpecial>, copy_field<&Policy::special_values>},
    {"divide-by-reciprocal", "division by a constant multiplies by its rounded reciprocal",
     read_policy_boolean<&Policy::divide_by_reciprocal>, copy_field<&Policy::divide_by_reciprocal>},
    {"plain-softplus", "softplus of Core ML is log(exp(x) + 1) as written, which overflows",
     read_policy_boolean<&Policy::plain_softplus>, copy_field<&Policy::plain_softplus>},
};

}  // namespace

std::span<const Setting> settings() { return kSettings; }

std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  for (const Setting& setting : kSettings) names.emplace_back(setting.name);
  return names;
}

Result<num::Rounding> read_rounding(const Reader& reader, std::string_view key) {
  ASSAY_TRY(const std::string text, reader.string(key));
  std::vector<std::string> words = split(text, ' ');
  std::erase_if(words, [](const std::string& word) { return word.empty(); });
  if (words.empty()) return reader.fail(key, "names no format");
  num::Rounding rounding{};
  ASSAY_TRY(rounding.format, parse_format(reader, key, words.front()));
  std::set<std::string_view> topics;
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    ASSAY_CHECK(parse_modifier(reader, key, word, rounding));
    if (!topics.insert(num::rounding_topic(word)).second)
      return reader.fail(key, "says a second time how it rounds or overflows: '" + word + "'");
  }
  return rounding;
}

std::string as_text(const Node& value) {
  switch (value.kind) {
    case Node::Kind::string:
      return value.text;
    case Node::Kind::boolean:
      return value.boolean ? "true" : "false";
    case Node::Kind::integer:
      return std::to_string(value.integer);
    case Node::Kind::table: {
      std::vector<std::string> parts;
      for (const auto& [key, member] : value.members) parts.push_back(key + " = " + as_text(member));
      return join(parts, ", ");
    }
    default:
      return {};
  }
}

}  // namespace assay::profiles

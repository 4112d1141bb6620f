#include "num/policy_text.h"

#include <charconv>
#include <set>

#include "base/text.h"

namespace assay::num {
namespace {

using Kind = Accumulator::Kind;
using Rule = Accumulator::PairRule;

template <class E>
struct Word {
  std::string_view name;
  E value;
};
constexpr Word<Mode> kModes[] = {{"nearest-even", Mode::nearest_even},
                                 {"nearest-away", Mode::nearest_away},
                                 {"toward-zero", Mode::toward_zero},
                                 {"to-odd", Mode::to_odd}};
constexpr Word<Kind> kKinds[] = {{"chain", Kind::chain},     {"lanes", Kind::lanes}, {"exact", Kind::exact},
                                 {"aligned", Kind::aligned}, {"tiles", Kind::tiles}, {"pairs", Kind::pairs}};
constexpr Word<Rule> kRules[] = {{"odd-then-even", Rule::odd_then_even},
                                 {"even-odd-sums", Rule::even_odd_sums},
                                 {"round-to-odd", Rule::round_to_odd}};
constexpr Word<Bias> kBias[] = {{"after", Bias::after}, {"first", Bias::first}, {"after-store", Bias::after_store}};
constexpr Word<Elementary> kElementary[] = {{"sleef", Elementary::sleef},
                                            {"correctly-rounded", Elementary::correctly_rounded}};
constexpr Word<SpecialValues> kSpecial[] = {{"ieee", SpecialValues::ieee},
                                            {"neural-engine", SpecialValues::neural_engine}};
constexpr Word<bool> kBool[] = {{"false", false}, {"true", true}};

const auto& words(Mode) { return kModes; }
const auto& words(Kind) { return kKinds; }
const auto& words(Rule) { return kRules; }
const auto& words(Bias) { return kBias; }
const auto& words(Elementary) { return kElementary; }
const auto& words(SpecialValues) { return kSpecial; }
const auto& words(bool) { return kBool; }

template <class E>
  requires requires(E e) { words(e); }
std::string text_of(E value) {
  for (const auto& w : words(value))
    if (w.value == value) return std::string(w.name);
  return {};
}
std::string text_of(int value) { return std::to_string(value); }
std::string text_of(FormatId value) { return std::string(format(value).name); }
std::string text_of(const std::optional<Rounding>& value) { return value ? to_text(*value) : std::string("none"); }

template <class E>
  requires requires(E e) { words(e); }
bool read(std::string_view text, E& value) {
  for (const auto& w : words(value)) {
    if (w.name != text) continue;
    value = w.value;
    return true;
  }
  return false;
}
bool read(std::string_view text, int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}
bool read(std::string_view text, FormatId& value) {
  const auto id = format_named(text);
  if (id) value = *id;
  return id.has_value();
}
bool read(std::string_view text, std::optional<Rounding>& value) {
  if (text == "none") {
    value.reset();
    return true;
  }
  auto rounding = parse_rounding(text);
  if (rounding.ok()) value = *rounding;
  return rounding.ok();
}

template <class S>
struct Field {
  std::string_view name;
  std::string (*get)(const S&);
  bool (*set)(S&, std::string_view);
};
template <class S, auto Member>
constexpr Field<S> field(std::string_view name) {
  return {name, [](const S& s) { return text_of(s.*Member); },
          [](S& s, std::string_view text) { return read(text, s.*Member); }};
}

using A = Accumulator;
constexpr Field<A> kAccumulator[] = {
    field<A, &A::kind>("kind"),
    field<A, &A::fused>("fused"),
    field<A, &A::product>("product"),
    field<A, &A::step>("step"),
    field<A, &A::step_via_float32>("step-via-float32"),
    field<A, &A::lanes>("lanes"),
    field<A, &A::block>("block"),
    field<A, &A::fraction_bits>("fraction-bits"),
    field<A, &A::block_mode>("block-mode"),
    field<A, &A::block_format>("block-format"),
    field<A, &A::block_result_fraction_bits>("block-result-fraction-bits"),
    field<A, &A::factors>("factors"),
    field<A, &A::accumulator_apart>("accumulator-apart"),
    field<A, &A::split_k>("split-k"),
    field<A, &A::pairs>("pairs"),
    field<A, &A::flush_subnormals>("flush"),
};

constexpr Field<Policy> kPolicy[] = {
    field<Policy, &Policy::compute>("compute"),
    field<Policy, &Policy::operand>("operand"),
    field<Policy, &Policy::bias>("bias"),
    field<Policy, &Policy::step>("step"),
    field<Policy, &Policy::result>("result"),
    field<Policy, &Policy::attribute>("attribute"),
    field<Policy, &Policy::flush_subnormals>("flush"),
    field<Policy, &Policy::elementary>("elementary"),
    field<Policy, &Policy::special_values>("special-values"),
    field<Policy, &Policy::divide_by_reciprocal>("divide-by-reciprocal"),
    field<Policy, &Policy::plain_softplus>("plain-softplus"),
};

void append(std::string& out, std::string_view prefix, std::string_view name, std::string_view value) {
  if (!out.empty()) out += "; ";
  out.append(prefix).append(name).append("=").append(value);
}

template <class S, size_t N>
void append_all(std::string& out, std::string_view prefix, const Field<S> (&fields)[N], const S& value,
                bool always_first) {
  const S none;
  for (const Field<S>& f : fields) {
    const std::string text = f.get(value);
    if ((always_first && &f == fields) || text != f.get(none)) append(out, prefix, f.name, text);
  }
}

template <class S, size_t N>
bool set(const Field<S> (&fields)[N], S& value, std::string_view name, std::string_view text) {
  for (const Field<S>& f : fields)
    if (f.name == name) return f.set(value, text);
  return false;
}

Error malformed(std::string_view word) {
  return Error{Code::file_malformed, "'" + std::string(word) + "' is no part of a policy", "",
               "docs/ir.md has the words"};
}

}  // namespace

std::string to_text(const Rounding& r) {
  std::string out;
  if (const auto id = format_named(r.format.name); id && format(*id) == r.format)
    out = r.format.name;
  else
    out = "e" + std::to_string(r.format.exponent_bits) + "m" + std::to_string(r.format.significand_bits);
  out += ' ' + text_of(r.mode);
  if (r.flush_subnormals) out += " flush";
  if (r.overflow == Overflow::clamp) out += " clamp";
  if (r.limit != 0) out += " limit=" + shortest(r.limit);
  return out;
}

std::string_view rounding_topic(std::string_view word) {
  if (word == "flush" || word == "clamp") return word == "flush" ? "flush" : "clamp";
  return word.starts_with("limit=") ? "limit" : "mode";
}

Result<Rounding> parse_rounding(std::string_view text) {
  std::optional<Rounding> out;
  std::set<std::string_view> topics;
  for (const std::string& word : split(text, ' ')) {
    if (out && !topics.insert(rounding_topic(word)).second) return malformed(word);
    if (!out) {
      if (const auto id = format_named(word)) {
        out.emplace(Rounding{.format = format(*id)});
        continue;
      }
      const auto m = word.find('m');
      int exponent = 0, significand = 0;
      if (word.empty() || word[0] != 'e' || m == std::string::npos ||
          !read(std::string_view(word).substr(1, m - 1), exponent) ||
          !read(std::string_view(word).substr(m + 1), significand) || exponent < 2 || exponent > 11 ||
          significand < 1 || significand > 52)
        return malformed(word);
      out.emplace(Rounding{.format = ieee_like(exponent, significand)});
    } else if (word == "flush") {
      out->flush_subnormals = true;
    } else if (word == "clamp") {
      out->overflow = Overflow::clamp;
    } else if (word.starts_with("limit=")) {
      const auto [end, error] = std::from_chars(word.data() + 6, word.data() + word.size(), out->limit);
      if (error != std::errc() || end != word.data() + word.size()) return malformed(word);
    } else if (!read(word, out->mode)) {
      return malformed(word);
    }
  }
  if (!out) return malformed(text);
  return *out;
}

std::string to_text(const Policy& policy) {
  std::string out;
  append_all(out, "", kPolicy, policy, false);
  append_all(out, "accumulator.", kAccumulator, policy.accumulator, false);
  if (policy.sum) append_all(out, "sum.", kAccumulator, *policy.sum, true);
  return out;
}

Result<Policy> parse_policy(std::string_view text) {
  Policy policy;
  if (trim(text).empty()) return policy;
  for (const std::string& part : split(text, ';')) {
    const std::string_view item = trim(part);
    const auto equals = item.find('=');
    if (equals == std::string_view::npos) return malformed(item);
    const std::string_view name = item.substr(0, equals), value = item.substr(equals + 1);
    bool ok = false;
    if (name.starts_with("accumulator.")) {
      ok = set(kAccumulator, policy.accumulator, name.substr(12), value);
    } else if (name.starts_with("sum.")) {
      if (!policy.sum) policy.sum.emplace();
      ok = set(kAccumulator, *policy.sum, name.substr(4), value);
    } else {
      ok = set(kPolicy, policy, name, value);
    }
    if (!ok) return malformed(item);
  }
  return policy;
}

}  // namespace assay::num

// Checkpoints of searches: what is known of each set and sample.
#include "base/json_place.inc"
#include "report/json_text.h"
#include "report/repair.h"

namespace assay::report {
namespace {
using audit::Kept;
using audit::Verdicts;

constexpr std::string_view kKind = "assay search";

std::string bits_of(const Kept& kept) {
  std::string bits;
  for (const bool one : kept) bits += one ? '1' : '0';
  return bits;
}

Kept parse_bits(const Place& place) {
  Kept kept;
  for (const char c : place.text()) {
    if (c != '0' && c != '1') place.fail("zeros and ones");
    kept.push_back(c == '1');
  }
  return kept;
}

Json set_json(const Verdicts::Set& set, const std::map<size_t, audit::Outcome>& samples) {
  Json numbers = Json::array(), same = Json::array(), errors = Json::array();
  for (const auto& [sample, outcome] : samples) {
    numbers.push_back(sample);
    same.push_back(outcome.same);
    errors.push_back(outcome.error);
  }
  return {
      {"variant", set.first}, {"kept", bits_of(set.second)}, {"samples", numbers}, {"same", same}, {"errors", errors}};
}

void parse_set(const Place& place, Verdicts& into) {
  const size_t variant = place.at("variant").count();
  const Kept kept = parse_bits(place.at("kept"));
  const auto samples = place.at("samples").items();
  const auto same = place.at("same").tuple(samples.size()), errors = place.at("errors").tuple(samples.size());
  for (size_t i = 0; i < samples.size(); ++i)
    into.add(variant, kept, samples[i].count(), {.same = same[i].boolean(), .error = errors[i].real()});
}

}  // namespace

std::string to_json(const Verdicts& verdicts, const std::string& key) {
  Json out{{"kind", kKind}, {"key", key}};
  out["sets"] = Json::array();
  for (const auto& [set, samples] : verdicts.all()) out["sets"].push_back(set_json(set, samples));
  std::string text;
  dump(out, text);
  return text + "\n";
}

Result<Verdicts> parse_verdicts(std::string_view json, const std::string& key, const std::string& where) {
  const auto malformed = [&](const std::string& message) {
    return Error{Code::data_malformed, message, where, "give the checkpoint of this very search, or a new file"};
  };
  try {
    const Json value = Json::parse(json, nullptr, true);
    const Place place(value, "");
    if (place.at("kind").text() != kKind) return malformed("is no checkpoint of a search");
    if (place.at("key").text() != key)
      return malformed("is the checkpoint of another search: of another model, data, goal or program");
    Verdicts verdicts;
    for (const Place& set : place.at("sets").items()) parse_set(set, verdicts);
    return verdicts;
  } catch (const Malformed& m) {
    return malformed("is no checkpoint: at " + m.path.substr(0, 300) + " " + m.wanted + " is wanted");
  } catch (const Json::exception& e) {
    return malformed(std::string("is no JSON: ") + json_fault(e.what()));
  }
}

}  // namespace assay::report

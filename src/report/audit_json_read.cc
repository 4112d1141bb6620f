// The JSON of an audit, read back (docs/audit-json.md).
#include <algorithm>

#include "report/json.h"
#include "report/json_counts.inc"
#include "report/json_text.h"

namespace assay::report {
namespace {
using audit::AuditResult;
using audit::CandidateResult;
using audit::Case;
using audit::Decision;
using audit::Rule;

ir::ElemType parse_elem(const Place& place) {
  const auto elem = ir::elem_named(place.text());
  if (!elem || !ir::is_float(*elem)) place.fail("a floating-point type");
  return *elem;
}

std::optional<backends::Recording> parse_recording(const Place& place) {
  if (!place.has("recording") || place.at("recording").is_null()) return std::nullopt;
  const Place in = place.at("recording");
  backends::Recording out;
  for (const char* name : backends::kRecordingFacts)
    if (in.has(name)) out.facts.emplace_back(name, in.at(name).text());
  for (const Place& option : in.at("options").items()) {
    const auto pair = option.tuple(2);
    out.options.emplace_back(pair[0].text(), pair[1].text());
  }
  return out;
}

audit::ProgramInfo parse_program(const Place& place) {
  return {place.at("program").text(),
          place.at("profile").text_or_empty(),
          place.at("model").text_or_empty(),
          place.at("emulated").boolean(),
          place.has("profile_identity") ? place.at("profile_identity").text_or_empty() : "",
          parse_recording(place)};
}

audit::Detection parse_detection(const Place& place) {
  const auto t = place.tuple(6);
  return {t[0].real(), t[1].real(), t[2].real(), t[3].real(), t[4].real(), t[5].integer()};
}

Decision parse_decision(const Place& place, const Rule& rule) {
  Decision d;
  if (place.is_string()) {
    if (place.text() != "undefined") place.fail("a decision");
    return d;
  }
  d.value = 0;
  if (rule.kind == Rule::Kind::boxes) {
    for (const Place& item : place.items()) d.detections.push_back(parse_detection(item));
    return d;
  }
  if (!rule.decides_list()) {
    d.value = static_cast<int64_t>(place.count());
    return d;
  }
  for (const Place& item : place.items()) d.top.push_back(static_cast<int64_t>(item.count()));
  if (rule.kind != Rule::Kind::topk) return d;
  if (d.top.empty()) place.fail("a decision");
  d.value = d.top.front();
  return d;
}

audit::Change parse_change(const Place& place) {
  audit::Change change;
  change.words = place.at("words").text();
  const Place counts = place.at("counts");
  for (const char* name :
       {"swapped", "lost", "new", "moved", "class_changed", "edits", "beyond", "element", "appear", "disappear"})
    if (counts.has(name)) change.counts.emplace_back(name, counts.at(name).count());
  if (!place.has("pairs")) return change;
  for (const Place& item : place.at("pairs").items()) {
    const auto t = item.tuple(2);
    change.pairs.push_back({t[0].integer(), t[1].integer()});
  }
  return change;
}

std::vector<Case> parse_cases(const Place& place, const Rule& rule) {
  std::vector<Case> out;
  for (const Place& item : place.items()) {
    Case c;
    c.sample = item.at("sample").integer();
    if (const Place label = item.at("label"); !label.is_null()) c.label = label.integer();
    c.reference_score = item.at("reference_score").real();
    c.candidate_score = item.at("candidate_score").real();
    c.reference_decision = parse_decision(item.at("reference_decision"), rule);
    c.candidate_decision = parse_decision(item.at("candidate_decision"), rule);
    c.margin_ulp = item.at("margin_ulp").real();
    c.candidate_margin_ulp = item.at("candidate_margin_ulp").real();
    c.explained_by_output_rounding = item.at("explained_by_output_rounding").boolean();
    for (const Place& name : item.at("variants").items()) c.variants.push_back(name.text());
    if (item.has("change")) c.change = parse_change(item.at("change"));
    if (!out.empty() && out.back().sample >= c.sample) item.fail("samples in ascending order");
    out.push_back(std::move(c));
  }
  return out;
}

audit::Margins parse_margins(const Place& place) {
  audit::Margins m;
  m.negative = parse_histogram(place.at("negative"));
  m.positive = parse_histogram(place.at("positive"));
  m.zero_negative = place.at("zero_negative").count();
  m.zero_positive = place.at("zero_positive").count();
  m.undefined = place.at("undefined").count();
  return m;
}

num::RoundingInterval parse_interval(const Place& place) {
  num::RoundingInterval out;
  if (place.is_null()) return out;
  const num::Interval i{place.at("low").real(), place.at("high").real(), place.at("low_included").boolean(),
                        place.at("high_included").boolean()};
  (place.at("becomes").text() == "positive" ? out.becomes_positive : out.becomes_negative) = i;
  return out;
}

std::vector<audit::EvidenceLine> parse_lines(const Place& place) {
  std::vector<audit::EvidenceLine> out;
  for (const Place& item : place.items())
    out.push_back({item.at("what").text(), item.has("reason") ? item.at("reason").text() : "", item.at("source").text(),
                   item.at("certainty").text()});
  return out;
}

audit::VariantResult parse_variant(const Place& place, const AuditResult& audit) {
  audit::VariantResult v;
  v.name = place.at("name").text();
  v.differs = place.at("differs").count();
  v.tally = parse_tally(place, audit);
  v.tally.non_finite = place.at("non_finite").at("candidate").count();
  v.lattice = parse_lattice(place.at("lattice"));
  for (const Place& item : place.at("differences").at("outputs").items()) {
    v.differences.push_back(parse_difference(item));
    v.differences.back().output = item.at("output").text();
  }
  return v;
}

CandidateResult parse_candidate(const Place& place, const AuditResult& audit) {
  CandidateResult c;
  c.info = parse_program(place);
  c.storage = parse_elem(place.at("storage"));
  c.safe = place.at("verdict").at("safe").count();
  c.flips = parse_cases(place.at("flips"), audit.rule);
  c.at_risk = parse_cases(place.at("at_risk"), audit.rule);
  c.margins = parse_margins(place.at("margins"));
  if (place.has("forecast")) c.forecast = parse_forecast(place.at("forecast"));
  if (c.forecast && c.forecast->samples != audit.samples)
    place.at("forecast").at("samples").fail("the number of the audit's samples");
  if (place.has("blame")) c.blame = parse_blame(place.at("blame"));
  if (place.has("trace")) c.trace = parse_trace(place.at("trace"));
  if (place.has("conversion")) c.conversion = parse_conversion(place.at("conversion"));
  c.interval = parse_interval(place.at("rounding_interval"));
  for (const Place& item : place.at("variants").items()) c.variants.push_back(parse_variant(item, audit));
  if (c.variants.empty()) place.at("variants").fail("at least one variant");
  if (c.safe + c.flips.size() + c.at_risk.size() != audit.samples)
    place.at("verdict").fail("counts that add up to the samples");
  c.evidence = parse_lines(place.at("evidence"));
  c.not_modelled = parse_lines(place.at("not_modelled"));
  return c;
}

// Cases are of the audit's samples: merging relies on it.
void check_samples(const AuditResult& audit, const Place& candidates) {
  const int64_t end = audit.first_sample + static_cast<int64_t>(audit.samples);
  const auto outside = [&](const Case& c) { return c.sample < audit.first_sample || c.sample >= end; };
  for (const CandidateResult& c : audit.candidates)
    if (std::any_of(c.flips.begin(), c.flips.end(), outside) ||
        std::any_of(c.at_risk.begin(), c.at_risk.end(), outside))
      candidates.fail("cases among the samples of the audit");
}

AuditResult parse_result(const Place& place) {
  AuditResult audit;
  audit.samples = place.at("samples").count();
  audit.first_sample = place.at("first_sample").integer();
  constexpr int64_t kMost = int64_t{1} << 60;
  if (audit.first_sample < 0 || audit.first_sample > kMost || audit.samples > kMost) place.fail("fewer samples");
  const auto rule = audit::parse_rule(place.at("decision").text());
  if (!rule.ok()) place.at("decision").fail("a decision rule");
  audit.rule = *rule;
  audit.score = place.at("score").text();
  audit.score_type = parse_elem(place.at("score_type"));
  if (const Place t = place.at("threshold"); !t.is_null()) audit.threshold = t.real();
  audit.classes = place.at("classes").integer();
  audit.labels = place.at("labels").boolean();
  if (place.has("expect")) audit.expect = place.at("expect").count();
  const Place reference = place.at("reference");
  audit.reference = parse_program(reference);
  audit.reference_tally = parse_tally(reference, audit);
  audit.reference_tally.non_finite = reference.at("non_finite").count();
  for (const Place& item : place.at("candidates").items()) audit.candidates.push_back(parse_candidate(item, audit));
  check_samples(audit, place.at("candidates"));
  return audit;
}
}  // namespace

namespace {
audit::FailOn parse_fail_on(const Place& place) {
  const std::string text = place.text();
  if (text == "none") return audit::FailOn::none;
  if (text == "at-risk") return audit::FailOn::at_risk;
  if (text != "flips") place.fail("flips, at-risk or none");
  return audit::FailOn::flips;
}

// Of a check; older ones say findings alone.
Gate parse_gate(const Place& place, size_t candidates) {
  Gate gate;
  const bool updated = place.at("updated").boolean();
  if (place.has("fail_on")) gate.fail_on = updated ? audit::FailOn::none : parse_fail_on(place.at("fail_on"));
  if (!updated)
    for (const Place& item : place.at("findings").items())
      gate.findings.push_back({item.at("rule").text(), item.at("message").text()});
  if (!place.has("allowed")) return gate;
  for (const Place& samples : place.at("allowed").items()) {
    auto& list = gate.allowed.emplace_back();
    for (const Place& sample : samples.items()) list.push_back(sample.integer());
  }
  if (gate.allowed.size() != candidates) place.at("allowed").fail("a list for each candidate");
  return gate;
}

// The audit in an audit's result, or in that of a check.
AuditResult parse_any(const Place& place, Gate* gate) {
  if (!place.is_object() || !place.has("findings") || !place.has("audit")) return parse_result(place);
  AuditResult audit = parse_result(place.at("audit"));
  if (gate != nullptr) *gate = parse_gate(place, audit.candidates.size());
  return audit;
}
}  // namespace

Result<AuditResult> parse_audit(std::string_view json, const std::string& where, Gate* gate) {
  const auto malformed = [&](const std::string& message) {
    return Error{Code::data_malformed, message, where, "give the JSON that `assay audit --json` printed"};
  };
  try {
    const Json value = Json::parse(json, nullptr, true);
    const bool envelope = value.is_object() && value.contains("result") && value.contains("schema");
    if (envelope && value["result"].is_null()) return malformed("is the output of a command that failed");
    return parse_any(Place(envelope ? value["result"] : value, envelope ? "result" : ""), gate);
  } catch (const Malformed& m) {
    return malformed("is no audit: at " + m.path.substr(0, 300) + " " + m.wanted + " is wanted");
  } catch (const Json::exception& e) {
    return malformed(std::string("is no JSON: ") + json_fault(e.what()));
  }
}

bool is_check(std::string_view json) {
  if (json.find("\"findings\"") == std::string_view::npos) return false;  // sooner told than by reading it all
  const Json value = Json::parse(json, nullptr, false);
  if (!value.is_object()) return false;
  const Json& result = value.contains("result") && value.contains("schema") ? value["result"] : value;
  return result.is_object() && result.contains("findings") && result.contains("audit");
}

}  // namespace assay::report

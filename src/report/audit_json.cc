// The JSON of an audit (docs/audit-json.md); audit_json_read.cc reads it back.
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

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json decision_json(const Decision& d, const Rule& rule) {
  if (d.undefined()) return "undefined";
  if (rule.decides_list()) return Json(d.top);
  if (rule.kind != Rule::Kind::boxes) return Json(d.value);
  Json out = Json::array();
  for (const audit::Detection& box : d.detections)
    out.push_back({box.x1, box.y1, box.x2, box.y2, box.score, box.label});
  return out;
}

Json change_json(const audit::Change& change) {
  Json out{{"words", change.words}, {"counts", Json::object()}};
  for (const auto& [name, n] : change.counts) out["counts"][name] = n;
  if (!change.pairs.empty()) out["pairs"] = change.pairs;
  return out;
}

Json case_json(const Case& c, const Rule& rule) {
  Json out;
  out["sample"] = c.sample;
  out["label"] = c.label ? Json(*c.label) : Json(nullptr);
  out["reference_score"] = c.reference_score;
  out["candidate_score"] = c.candidate_score;
  out["reference_decision"] = decision_json(c.reference_decision, rule);
  out["candidate_decision"] = decision_json(c.candidate_decision, rule);
  out["margin_ulp"] = c.margin_ulp;
  out["explained_by_output_rounding"] = c.explained_by_output_rounding;
  out["variants"] = c.variants;
  out["candidate_margin_ulp"] = c.candidate_margin_ulp;
  if (!c.change.empty()) out["change"] = change_json(c.change);
  return out;
}

Json cases_json(const std::vector<Case>& cases, const Rule& rule) {
  Json out = Json::array();
  for (const Case& c : cases) out.push_back(case_json(c, rule));
  return out;
}

Json margins_json(const CandidateResult& c, const AuditResult& audit) {
  Json out;
  out["unit"] = ir::elem_name(c.storage);
  out["ulp"] =
      audit.rule.kind == Rule::Kind::threshold ? Json(audit::ulp_at(audit.threshold, c.storage)) : Json(nullptr);
  out["negative"] = histogram_json(c.margins.negative);
  out["positive"] = histogram_json(c.margins.positive);
  out["zero_negative"] = c.margins.zero_negative;
  out["zero_positive"] = c.margins.zero_positive;
  out["undefined"] = c.margins.undefined;
  return out;
}

Json interval_json(const num::RoundingInterval& interval) {
  if (interval.empty()) return nullptr;
  const bool positive = !interval.becomes_positive.empty();
  const num::Interval& i = positive ? interval.becomes_positive : interval.becomes_negative;
  Json out;
  out["becomes"] = positive ? "positive" : "negative";
  out["low"] = i.low;
  out["low_included"] = i.low_included;
  out["high"] = i.high;
  out["high_included"] = i.high_included;
  return out;
}

Json lines_json(const std::vector<audit::EvidenceLine>& lines) {
  Json out = Json::array();
  for (const audit::EvidenceLine& line : lines) {
    Json one{{"what", line.what}};
    if (!line.reason.empty()) one["reason"] = line.reason;
    one["source"] = line.source;
    one["certainty"] = line.certainty;
    out.push_back(std::move(one));
  }
  return out;
}

// What a candidate says of its primary variant and variants[] of each.
void variant_json(Json& into, const audit::VariantResult& v, const AuditResult& audit) {
  into["differences"] = differences_json(v.differences);
  into["lattice"] = lattice_json(v.lattice);
  tally_json(into, audit, v.tally);
  into["non_finite"] = Json{{"reference", audit.reference_tally.non_finite}, {"candidate", v.tally.non_finite}};
}

Json recording_json(const audit::ProgramInfo& info) {
  if (!info.recording) return nullptr;
  Json out = Json::object();
  for (const auto& [name, text] : info.recording->facts) out[name] = text;
  out["options"] = info.recording->options;
  return out;
}

Json reference_json(const AuditResult& audit) {
  Json out;
  out["program"] = audit.reference.program;
  tally_json(out, audit, audit.reference_tally);
  out["non_finite"] = audit.reference_tally.non_finite;
  out["profile"] = text_or_null(audit.reference.profile);
  out["emulated"] = audit.reference.emulated;
  out["model"] = text_or_null(audit.reference.identity);
  out["profile_identity"] = text_or_null(audit.reference.profile_identity);
  out["recording"] = recording_json(audit.reference);
  return out;
}

// The fields that every reader may count on come first, in the documented order.
Json candidate_json(const CandidateResult& c, const AuditResult& audit) {
  Json out;
  out["program"] = c.info.program;
  out["profile"] = text_or_null(c.info.profile);
  Json variants = Json::array();
  for (const audit::VariantResult& v : c.variants) {
    Json one{{"name", v.name}, {"differs", v.differs}};
    variant_json(one, v, audit);
    variants.push_back(std::move(one));
  }
  out["variants"] = std::move(variants);
  out["verdict"] = Json{{"safe", c.safe}, {"at_risk", c.at_risk.size()}, {"flips", c.flips.size()}};
  out["flips"] = cases_json(c.flips, audit.rule);
  out["at_risk"] = cases_json(c.at_risk, audit.rule);
  variant_json(out, c.primary(), audit);
  out["emulated"] = c.info.emulated;
  out["model"] = text_or_null(c.info.identity);
  out["profile_identity"] = text_or_null(c.info.profile_identity);
  out["storage"] = ir::elem_name(c.storage);
  out["margins"] = margins_json(c, audit);
  if (c.forecast) out["forecast"] = forecast_json(*c.forecast, audit);
  if (c.blame) out["blame"] = blame_json(*c.blame);
  if (c.trace) out["trace"] = trace_json(*c.trace);
  if (c.conversion) out["conversion"] = conversion_json(*c.conversion);
  out["rounding_interval"] = interval_json(c.interval);
  out["evidence"] = lines_json(c.evidence);
  out["not_modelled"] = lines_json(c.not_modelled);
  out["recording"] = recording_json(c.info);
  return out;
}
}  // namespace

std::string to_json(const AuditResult& audit) {
  Json out;
  out["samples"] = audit.samples;
  out["decision"] = audit.rule.text();
  out["reference"] = reference_json(audit);
  out["candidates"] = Json::array();
  for (const CandidateResult& c : audit.candidates) out["candidates"].push_back(candidate_json(c, audit));
  out["first_sample"] = audit.first_sample;
  out["score"] = audit.score;
  out["score_type"] = ir::elem_name(audit.score_type);
  out["threshold"] = audit.rule.kind == Rule::Kind::threshold ? Json(audit.threshold) : Json(nullptr);
  out["classes"] = audit.classes;
  out["labels"] = audit.labels;
  if (audit.expect > 0) out["expect"] = audit.expect;
  std::string text;
  dump(out, text);
  return text;
}

}  // namespace assay::report

#include <cmath>

#include "audit/fingerprint/vocabulary.h"
#include "report/fingerprint.h"
#include "report/fit_json.inc"
#include "report/json_text.h"
#include "report/words.h"

namespace assay::report {

Json lattice_json(const num::LatticeCounts& counts);  // report/json_counts.inc

namespace {

Json format_json(const std::optional<num::FormatId>& id) { return id ? Json(num::format(*id).name) : Json(nullptr); }

Json traits_json(const audit::Traits& t) {
  Json out;
  out["range"] = {{"largest", t.range.largest},
                  {"at_largest", t.range.at_largest},
                  {"least", t.range.least},
                  {"infinite", t.range.infinite},
                  {"nan", t.range.nan},
                  {"clamped", format_json(t.range.clamped)},
                  {"overflowed", format_json(t.range.overflowed)}};
  out["subnormals"] = Json::array();
  for (const audit::Subnormals& s : t.subnormals)
    out["subnormals"].push_back({{"format", num::format(s.format).name},
                                 {"seen", s.seen},
                                 {"beside", s.beside},
                                 {"flushed", s.flushed()},
                                 {"evidence_bits", s.flushed() ? s.beside : 0}});
  out["scaled"] = nullptr;
  if (const auto& s = t.scaled)
    out["scaled"] = {{"scale", s->scale},
                     {"lowest", s->lowest},
                     {"highest", s->highest},
                     {"levels", s->levels},
                     {"evidence_bits", s->evidence_bits},
                     {"int8_zero_points", {s->int8_lowest, s->int8_highest}},
                     {"uint8_zero_points", {s->uint8_lowest, s->uint8_highest}}};
  out["mixed"] = nullptr;
  if (const auto& m = t.mixed)
    out["mixed"] = {{"axis", m->axis},
                    {"format", num::format(m->format).name},
                    {"narrow", m->narrow},
                    {"wide", m->wide},
                    {"evidence_bits", m->evidence_bits}};
  return out;
}

constexpr std::string_view kKinds[] = {"exact", "rounding", "excluded", "unchecked"};

Json group_json(const audit::FitGroup& group) {
  Json one{{"kind", kKinds[static_cast<size_t>(group.kind)]},
           {"words", group.words},
           {"likelihood", group.likelihood},
           {"elements", group.fit.elements},
           {"equal", group.fit.equal},
           {"cost_bits", group.fit.cost_bits}};
  one["policies"] = Json::array();
  for (const audit::Hypothesis& h : group.members) one["policies"].push_back(hypothesis_json(h));
  one["arrays"] = Json::array();
  size_t at = 0;
  for (const auto& fit : group.fit.cases)
    for (const audit::ArrayFit& array : fit->arrays) {
      Json values = array_fit_json(array);
      const bool asked = at < group.allowed.size();
      values["bound"] = asked ? Json(group.allowed[at].bound) : Json(nullptr);
      values["bound_used"] = asked ? Json(group.allowed[at].used) : Json(nullptr);
      one["arrays"].push_back(std::move(values));
      ++at;
    }
  return one;
}

}  // namespace

Json hypothesis_json(const audit::Hypothesis& h) {
  return {{"profile", h.profile}, {"variant", h.variant}, {"changes", h.changes}, {"words", audit::in_words(h.policy)}};
}

Json distance_json(uint64_t steps, double max_abs) {
  const bool none = steps == audit::kNoSteps;
  return {{"worst_steps", none ? Json(nullptr) : Json(steps)}, {"max_abs", none ? std::nan("") : max_abs}};
}

Json array_fit_json(const audit::ArrayFit& array) {
  Json out{{"name", array.name}, {"elements", array.elements}, {"equal", array.equal}, {"cost_bits", array.cost_bits}};
  out.update(distance_json(array.worst_steps, array.max_abs));
  return out;
}

std::string_view verdict_word(audit::FitResult::Verdict verdict) {
  constexpr std::string_view kWords[] = {"exact", "rounding", "not-rounding"};
  return kWords[static_cast<size_t>(verdict)];
}

Json fit_json(const audit::FitResult& fit) {
  Json out{{"verdict", verdict_word(fit.verdict)},
           {"explanation",
            fit.verdict == audit::FitResult::Verdict::not_rounding ? Json(nullptr) : Json(fit.groups.front().words)},
           {"named", fit.named},
           {"combined", fit.combined},
           {"runs", fit.runs},
           {"telling", fit.telling},
           {"margin_bits", fit.margin_bits},
           {"format_bits", fit.format_bits},
           {"may_be_chance", fit.may_be_chance()}};
  out["starts"] = nullptr;
  if (fit.start)
    out["starts"] = {{"array", fit.start->array},
                     {"operation", fit.start->operation},
                     {"among", fit.start->among},
                     {"after", fit.start->after}};
  out["groups"] = Json::array();
  for (const audit::FitGroup& group : fit.groups) out["groups"].push_back(group_json(group));
  out["foreign"] = Json::array();
  for (const audit::Hypothesis& h : fit.foreign) out["foreign"].push_back(hypothesis_json(h));
  return out;
}

std::string to_json(const std::vector<audit::Fingerprint>& prints, const audit::FitResult* fit) {
  Json out;
  out["arrays"] = Json::array();
  for (const audit::Fingerprint& f : prints) {
    Json one{{"name", f.name}, {"type", ir::elem_name(f.declared)}, {"shape", f.dims}};
    one.update(lattice_json(f.lattice));
    one["verdict"] = lattice_text(f.lattice);
    one.update(traits_json(f.traits));
    out["arrays"].push_back(std::move(one));
  }
  if (fit != nullptr) out["fit"] = fit_json(*fit);
  std::string text;
  dump(out, text);
  return text;
}

}  // namespace assay::report

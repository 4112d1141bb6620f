#include "report/json_counts.inc"

#include <algorithm>

#include "base/text.h"
#include "report/json.h"
#include "report/json_text.h"
#include "report/words.h"

namespace assay::report {
namespace {
using audit::Decision;
using audit::Rule;
constexpr int64_t kLargestDense = 100;  // classes of a confusion matrix that is written in full

Json optional_number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

uint64_t cell(const audit::Tally& tally, int64_t label, int64_t decision) {
  const auto it = tally.cells.find({label, decision});
  return it == tally.cells.end() ? 0 : it->second;
}

Json confusion_json(const audit::AuditResult& audit, const audit::Tally& tally) {
  if (!audit.labels) return nullptr;
  Json out = Json::object();
  if (audit.rule.kind == Rule::Kind::threshold) {
    out["tn"] = cell(tally, 0, 0);
    out["fp"] = cell(tally, 0, 1);
    out["fn"] = cell(tally, 1, 0);
    out["tp"] = cell(tally, 1, 1);
  } else if (audit.rule.kind == Rule::Kind::topk) {
    out["hits"] = cell(tally, 1, 1);
    out["misses"] = cell(tally, 1, 0);
  } else if (audit.classes <= kLargestDense) {
    out = Json::array();
    for (int64_t label = 0; label < audit.classes; ++label) {
      Json row = Json::array();
      for (int64_t decision = 0; decision < audit.classes; ++decision) row.push_back(cell(tally, label, decision));
      out.push_back(std::move(row));
    }
  } else {
    out["classes"] = audit.classes;
    out["cells"] = Json::array();
    for (const auto& [at, n] : tally.cells)
      if (at.second != Decision::kUndefined) out["cells"].push_back({at.first, at.second, n});
  }
  return out;
}

Json metrics_json(const audit::AuditResult& audit, const audit::Tally& tally) {
  if (!audit.labels) return nullptr;
  const audit::Metrics m = audit::metrics_of(tally, audit.rule.kind);
  Json out;
  out["accuracy"] = optional_number(m.accuracy);
  if (audit.rule.kind == Rule::Kind::topk) return out;
  out["precision"] = optional_number(m.precision);
  out["recall"] = optional_number(m.recall);
  out["f1"] = optional_number(m.f1);
  if (audit.rule.kind != Rule::Kind::threshold) return out;
  out["auc"] = m.auc ? Json(m.auc->value) : Json(nullptr);
  out["auc_bound"] = m.auc ? Json(m.auc->bound) : Json(nullptr);
  return out;
}

Json decisions_json(const audit::AuditResult& audit, const audit::Tally& tally) {
  const auto of = [&](int64_t decision) {
    const auto it = tally.decisions.find(decision);
    return it == tally.decisions.end() ? uint64_t{0} : it->second;
  };
  Json out;
  if (audit.rule.kind == Rule::Kind::threshold) {
    out["negative"] = of(0);
    out["positive"] = of(1);
  } else if (audit.rule.kind == Rule::Kind::argmax) {
    out["classes"] = Json::array();
    for (const auto& [decision, n] : tally.decisions)
      if (decision != Decision::kUndefined) out["classes"].push_back({decision, n});
  }
  out["undefined"] = of(Decision::kUndefined);
  return out;
}

void set_cell(audit::Tally& tally, int64_t label, int64_t decision, uint64_t n) {
  if (n != 0) tally.cells[{label, decision}] = n;
}
void set_decision(audit::Tally& tally, int64_t decision, uint64_t n) {
  if (n != 0) tally.decisions[decision] = n;
}

void parse_confusion(const Place& place, const audit::AuditResult& audit, audit::Tally& tally) {
  if (audit.rule.kind == Rule::Kind::threshold) {
    set_cell(tally, 0, 0, place.at("tn").count());
    set_cell(tally, 0, 1, place.at("fp").count());
    set_cell(tally, 1, 0, place.at("fn").count());
    set_cell(tally, 1, 1, place.at("tp").count());
  } else if (audit.rule.kind == Rule::Kind::topk) {
    set_cell(tally, 1, 1, place.at("hits").count());
    set_cell(tally, 1, 0, place.at("misses").count());
  } else if (place.is_array()) {
    int64_t label = 0;
    for (const Place& row : place.items()) {
      int64_t decision = 0;
      for (const Place& n : row.items()) set_cell(tally, label, decision++, n.count());
      ++label;
    }
  } else {
    for (const Place& item : place.at("cells").items()) {
      const auto t = item.tuple(3);
      set_cell(tally, t[0].integer(), t[1].integer(), t[2].count());
    }
  }
}
}  // namespace

Json histogram_json(const audit::Histogram& histogram) {
  Json out = Json::array();
  for (const auto& [exponent, n] : histogram.bins()) out.push_back({exponent, n});
  return out;
}

Json difference_json(const audit::Differences& d) {
  Json out;
  out["max_abs"] = d.max_abs;
  out["max_rel"] = d.max_rel;
  out["max_ulp"] = d.max_ulp;
  out["ulp_type"] = d.ulp_type == ir::ElemType::undefined ? Json(nullptr) : Json(ir::elem_name(d.ulp_type));
  out["elements"] = d.elements;
  out["equal"] = d.equal;
  out["nan_mismatches"] = d.nan_mismatches;
  out["infinite"] = d.infinite;
  out["reference_zeros"] = d.reference_zeros;
  Json worst = nullptr;
  if (d.worst.sample >= 0)
    worst = Json{{"sample", d.worst.sample},
                 {"element", d.worst.element},
                 {"reference", d.worst.reference},
                 {"candidate", d.worst.candidate}};
  out["worst"] = std::move(worst);
  out["abs_histogram"] = histogram_json(d.abs);
  out["rel_histogram"] = histogram_json(d.rel);
  out["ulp_histogram"] = histogram_json(d.ulp);
  return out;
}

Json differences_json(const std::vector<audit::Differences>& outputs) {
  const audit::Differences all = audit::together(outputs);
  Json out = difference_json(all);
  if (!out["worst"].is_null()) out["worst"]["output"] = all.output;
  out["outputs"] = Json::array();
  for (const audit::Differences& d : outputs) {
    Json one{{"output", d.output}};
    one.update(difference_json(d));
    out["outputs"].push_back(std::move(one));
  }
  return out;
}

Json lattice_json(const num::LatticeCounts& counts) {
  const num::LatticeVerdict verdict = counts.verdict();
  Json out;
  out["format"] = verdict.format ? Json(num::format(*verdict.format).name) : Json(nullptr);
  out["evidence_bits"] = verdict.evidence_bits;
  out["verdict"] = lattice_text(counts);
  out["values"] = counts.values;
  out["finite"] = counts.finite;
  out["counted"] = counts.counted;
  out["whole"] = counts.whole;
  for (size_t i = 0; i < counts.off.size(); ++i) {
    const std::string name(num::format(num::kLatticeCandidates[i]).name);
    out["whole_bits"][name] = counts.whole_bits[i];
    out["off"][name] = counts.off[i];
  }
  out["from_float64"] = counts.from_float64;
  return out;
}

void tally_json(Json& into, const audit::AuditResult& audit, const audit::Tally& tally) {
  into["confusion"] = confusion_json(audit, tally);
  into["metrics"] = metrics_json(audit, tally);
  into["decisions"] = decisions_json(audit, tally);
  if (!audit.labels) return;
  into["undefined_by_label"] = Json::array();
  for (const auto& [at, n] : tally.cells)
    if (at.second == Decision::kUndefined) into["undefined_by_label"].push_back({at.first, n});
  if (audit.rule.kind != Rule::Kind::threshold) return;
  into["auc_buckets"] = Json::array();
  for (const auto& [bucket, n] : tally.buckets.counts) into["auc_buckets"].push_back({bucket, n[0], n[1]});
}

audit::Histogram parse_histogram(const Place& place) {
  audit::Histogram histogram;
  for (const Place& item : place.items()) {
    const auto t = item.tuple(2);
    const int64_t exponent = t[0].integer();
    if (exponent < audit::Histogram::kLow || exponent > audit::Histogram::kHigh) t[0].fail("an exponent");
    histogram.add(static_cast<int>(exponent), t[1].count());
  }
  return histogram;
}

audit::Differences parse_maxima(const Place& place) {
  audit::Differences d;
  d.max_abs = place.at("max_abs").real();
  d.max_rel = place.at("max_rel").real();
  d.max_ulp = place.at("max_ulp").count();
  const std::string type = place.at("ulp_type").text_or_empty();
  d.ulp_type = type.empty() ? ir::ElemType::undefined : ir::elem_named(type).value_or(ir::ElemType::undefined);
  d.elements = place.at("elements").count();
  d.equal = place.at("equal").count();
  d.nan_mismatches = place.at("nan_mismatches").count();
  d.infinite = place.at("infinite").count();
  d.reference_zeros = place.at("reference_zeros").count();
  if (const Place worst = place.at("worst"); !worst.is_null())
    d.worst = {worst.at("sample").integer(), worst.at("element").integer(), worst.at("reference").real(),
               worst.at("candidate").real()};
  return d;
}

audit::Differences parse_difference(const Place& place) {
  audit::Differences d = parse_maxima(place);
  d.abs = parse_histogram(place.at("abs_histogram"));
  d.rel = parse_histogram(place.at("rel_histogram"));
  d.ulp = parse_histogram(place.at("ulp_histogram"));
  return d;
}

num::LatticeCounts parse_lattice(const Place& place) {
  num::LatticeCounts counts;
  counts.values = place.at("values").count();
  counts.finite = place.at("finite").count();
  counts.counted = place.at("counted").count();
  counts.whole = place.at("whole").count();
  for (size_t i = 0; i < counts.off.size(); ++i) {
    const std::string name(num::format(num::kLatticeCandidates[i]).name);
    counts.whole_bits[i] = place.at("whole_bits").at(name.c_str()).count();
    counts.off[i] = place.at("off").at(name.c_str()).count();
  }
  counts.from_float64 = place.at("from_float64").boolean();
  return counts;
}

audit::Tally parse_tally(const Place& place, const audit::AuditResult& audit) {
  audit::Tally tally;
  const Place decisions = place.at("decisions");
  set_decision(tally, Decision::kUndefined, decisions.at("undefined").count());
  if (audit.rule.kind == Rule::Kind::threshold) {
    set_decision(tally, 0, decisions.at("negative").count());
    set_decision(tally, 1, decisions.at("positive").count());
  } else if (audit.rule.kind == Rule::Kind::argmax) {
    for (const Place& item : decisions.at("classes").items()) {
      const auto t = item.tuple(2);
      set_decision(tally, t[0].integer(), t[1].count());
    }
  }
  if (!audit.labels) return tally;
  parse_confusion(place.at("confusion"), audit, tally);
  for (const Place& item : place.at("undefined_by_label").items()) {
    const auto t = item.tuple(2);
    set_cell(tally, t[0].integer(), Decision::kUndefined, t[1].count());
  }
  if (audit.rule.kind != Rule::Kind::threshold) return tally;
  for (const Place& item : place.at("auc_buckets").items()) {
    const auto t = item.tuple(3);
    if (t[0].count() > 0xffff) t[0].fail("a bucket below 65536");
    tally.buckets.counts[static_cast<uint16_t>(t[0].count())] = {t[1].count(), t[2].count()};
  }
  return tally;
}

}  // namespace assay::report

// What a lock-step run says, as JSON and back (docs/trace.md).
#include <algorithm>

#include "report/json_counts.inc"
#include "report/trace_text.h"

namespace assay::report {
namespace {
using audit::Conversion;
using audit::Distance;
using audit::Lost;
using audit::Range;
using audit::Snr;
using audit::TraceOp;
using audit::TraceResult;

Json snr_json(const Snr& snr) {
  Json out;
  out["worst"] = snr.worst_sample < 0 ? Json(nullptr) : Json(snr.worst);
  out["worst_sample"] = snr.worst_sample;
  out["exact"] = snr.exact;
  out["undefined"] = snr.undefined;
  out["histogram"] = histogram_json(snr.decibels);
  return out;
}

Json distance_json(const Distance& d) {
  if (d.values.elements + d.misshapen == 0) return nullptr;
  Json out = difference_json(d.values);
  for (const char* none : {"abs_histogram", "rel_histogram", "ulp_histogram"}) out.erase(none);
  out["snr"] = snr_json(d.snr);
  out["misshapen"] = d.misshapen;
  return out;
}

Json range_json(const Range& r) {
  return {{"elements", r.elements},
          {"largest", r.largest},
          {"smallest", r.smallest},
          {"zeros", r.zeros},
          {"subnormals", r.subnormals},
          {"saturated", r.saturated},
          {"infinities", r.infinities},
          {"nans", r.nans},
          {"first_non_finite", r.first_non_finite},
          {"first_all_zero", r.first_all_zero},
          {"all_zero", r.all_zero},
          {"all_nan", r.all_nan}};
}

constexpr std::pair<const char*, Lost TraceOp::*> kLost[] = {{"infinite", &TraceOp::infinite},
                                                             {"nan", &TraceOp::nan},
                                                             {"all_nan", &TraceOp::all_nan},
                                                             {"all_zero", &TraceOp::all_zero}};
constexpr std::pair<const char*, Distance TraceOp::*> kDistances[] = {
    {"introduced", &TraceOp::introduced},
    {"accumulated", &TraceOp::accumulated},
    {"noise_introduced", &TraceOp::noise_introduced},
    {"noise_accumulated", &TraceOp::noise_accumulated},
    {"exact_reference", &TraceOp::exact_reference},
    {"exact_candidate", &TraceOp::exact_candidate}};

Json headroom(const TraceOp& op) {
  const auto bits = headroom_bits(op);
  return bits ? Json(*bits) : Json(nullptr);
}

Json op_json(const TraceOp& op, audit::Verdict verdict) {
  Json out;
  out["id"] = op.id;
  out["name"] = op.name;
  out["node"] = op.node;
  out["type"] = op.type;
  out["dims"] = op.dims;
  out["reads"] = op.from;
  out["storage"] = ir::elem_name(op.storage);
  out["precision_bits"] = op.precision;
  out["limit"] = op.limit;
  out["headroom_bits"] = headroom(op);
  out["verdict"] = audit::verdict_name(verdict);
  out["terms"] = op.terms;
  out["rounding"] = op.rounding();
  out["excess"] = op.excess();
  out["excess_decibels"] = op.excess_decibels();
  out["reference_is_off"] = op.reference_is_off();
  for (const auto& [name, distance] : kDistances) out[name] = distance_json(op.*distance);
  out["reference"] = range_json(op.reference);
  out["candidate"] = range_json(op.candidate);
  for (const auto& [name, lost] : kLost)
    out["lost"][name] = Json{{"samples", (op.*lost).samples}, {"first", (op.*lost).first}};
  return out;
}

Snr parse_snr(const Place& place) {
  Snr snr;
  if (const Place worst = place.at("worst"); !worst.is_null()) snr.worst = worst.real();
  snr.worst_sample = place.at("worst_sample").integer();
  snr.exact = place.at("exact").count();
  snr.undefined = place.at("undefined").count();
  snr.decibels = parse_histogram(place.at("histogram"));
  return snr;
}

Distance parse_distance(const Place& place) {
  Distance d;
  if (place.is_null()) return d;
  d.values = parse_maxima(place);
  d.snr = parse_snr(place.at("snr"));
  d.misshapen = place.at("misshapen").count();
  return d;
}

Range parse_range(const Place& place) {
  Range r;
  r.elements = place.at("elements").count();
  r.largest = place.at("largest").real();
  r.smallest = place.at("smallest").real();
  r.zeros = place.at("zeros").count();
  r.subnormals = place.at("subnormals").count();
  r.saturated = place.at("saturated").count();
  r.infinities = place.at("infinities").count();
  r.nans = place.at("nans").count();
  r.first_non_finite = place.at("first_non_finite").integer();
  r.first_all_zero = place.at("first_all_zero").integer();
  r.all_zero = place.at("all_zero").count();
  r.all_nan = place.at("all_nan").count();
  return r;
}

TraceOp parse_op(const Place& place, size_t index) {
  TraceOp op;
  op.id = place.at("id").count();
  op.name = place.at("name").text();
  op.node = place.at("node").text();
  op.type = place.at("type").text();
  op.dims = place.at("dims").text();
  for (const Place& item : place.at("reads").items()) {
    op.from.push_back(item.count());
    if (op.from.back() >= index) item.fail("an earlier operation");
  }
  const auto storage = ir::elem_named(place.at("storage").text());
  if (!storage || !ir::is_float(*storage)) place.at("storage").fail("a floating-point type");
  op.storage = *storage;
  const uint64_t bits = place.at("precision_bits").count();
  if (bits < 1 || bits > 53) place.at("precision_bits").fail("1 to 53");
  op.precision = static_cast<int>(bits);
  op.limit = place.at("limit").real();
  op.terms = std::max<uint64_t>(1, place.at("terms").count());
  for (const auto& [name, distance] : kDistances) op.*distance = parse_distance(place.at(name));
  op.reference = parse_range(place.at("reference"));
  op.candidate = parse_range(place.at("candidate"));
  for (const auto& [name, lost] : kLost) {
    const Place one = place.at("lost").at(name);
    op.*lost = {one.at("samples").count(), one.at("first").integer()};
  }
  return op;
}

}  // namespace

Json trace_json(const TraceResult& trace) {
  Json out;
  out["says"] = trace_sentence(trace);
  out["variant"] = trace.variant;
  out["samples"] = trace.samples;
  out["exact_samples"] = trace.exact_samples;
  out["noise_order"] = trace.noise_order;
  out["breakdowns"] = Json::array();
  for (const audit::Breakdown& b : trace.breakdowns())
    out["breakdowns"].push_back(Json{
        {"what", b.what}, {"op", b.op}, {"name", trace.ops[b.op].name}, {"sample", b.sample}, {"samples", b.samples}});
  out["ranking"] = trace.ranking();
  out["ops"] = Json::array();
  const auto verdicts = trace.verdicts();
  for (size_t i = 0; i < trace.ops.size(); ++i) out["ops"].push_back(op_json(trace.ops[i], verdicts[i]));
  return out;
}

TraceResult parse_trace(const Place& place) {
  TraceResult trace;
  trace.variant = place.at("variant").text();
  trace.samples = place.at("samples").count();
  trace.exact_samples = place.at("exact_samples").count();
  trace.noise_order = place.at("noise_order").text();
  for (const Place& item : place.at("ops").items()) trace.ops.push_back(parse_op(item, trace.ops.size()));
  return trace;
}

Json conversion_json(const Conversion& c) {
  Json out;
  out["says"] = conversion_text(c);
  out["outcome"] = audit::outcome_name(c.outcome);
  out["samples"] = c.samples;
  out["compared"] = c.compared;
  Json first = nullptr, absent = Json::array();
  for (const auto& [name, type] : c.absent) absent.push_back({{"name", name}, {"type", type}});
  if (!c.reference.empty())
    first = Json{{"reference", c.reference}, {"candidate", c.candidate},   {"type", c.type},
                 {"position", c.position},   {"sample", c.sample},         {"max_abs", c.max_abs},
                 {"max_rel", c.max_rel},     {"absent", std::move(absent)}};
  out["first"] = std::move(first);
  return out;
}

Conversion parse_conversion(const Place& place) {
  using Outcome = Conversion::Outcome;
  Conversion c;
  const std::string outcome = place.at("outcome").text();
  for (const Outcome each : {Outcome::unknown, Outcome::same, Outcome::narrowed, Outcome::changed})
    if (outcome == audit::outcome_name(each)) c.outcome = each;
  if (outcome != audit::outcome_name(c.outcome)) place.at("outcome").fail("unknown, same, narrowed or changed");
  c.samples = place.at("samples").count();
  c.compared = place.at("compared").count();
  const Place first = place.at("first");
  if (first.is_null()) return c;
  c.reference = first.at("reference").text();
  c.candidate = first.at("candidate").text();
  c.type = first.at("type").text();
  c.position = first.at("position").count();
  c.sample = first.at("sample").integer();
  c.max_abs = first.at("max_abs").real();
  c.max_rel = first.at("max_rel").real();
  for (const Place& item : first.at("absent").items())
    c.absent.emplace_back(item.at("name").text(), item.at("type").text());
  return c;
}

}  // namespace assay::report

// What each operation does to the numbers: the graph, a table, and the data that the script shows of one operation.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "report/html_parts.h"
#include "report/json_text.h"
#include "report/trace_text.h"
#include "report/words.h"

namespace assay::report::html {
namespace {
using Json = nlohmann::ordered_json;
using audit::Distance;
using audit::TraceOp;
using audit::TraceResult;

std::string decibels(const Distance& d) {
  if (d.snr.undefined > 0) return "not a number";
  return d.snr.decibels.total() == 0 ? "none" : fmt::format("{:.1f} dB", d.snr.worst);
}

std::string headroom(const TraceOp& op) {
  if (op.candidate.infinities > 0) return "overflows";
  if (!(op.candidate.largest > 0) || !(op.limit > 0)) return "&#8211;";
  return fmt::format("{:.1f} bits", std::log2(op.limit / op.candidate.largest));
}

const char* colour(audit::Verdict verdict) {
  switch (verdict) {
    case audit::Verdict::guilty:
      return "amber";
    case audit::Verdict::breaks:
      return "red";
    default:
      return "";
  }
}

std::string row(const TraceResult& trace, size_t i, audit::Verdict verdict) {
  const TraceOp& op = trace.ops[i];
  const std::string word(word_of(verdict));
  return fmt::format(
      "<tr data-verdict=\"{0}\" data-type=\"{1}\"><td class=\"r\">{2}</td><td><button type=\"button\" class=\"op\" "
      "data-op=\"{2}\">{3}</button></td><td class=\"r\">{4}</td><td class=\"r\">{5}</td><td class=\"r\">{6}</td><td "
      "class=\"r\">{7}</td><td class=\"r\">{8}</td><td class=\"r\">{9}</td><td><span class=\"tag "
      "{10}\">{11}</span></td></tr>",
      word, escape(op.type), i, escape(name_of(op)), largest_text(op.introduced.values), decibels(op.introduced),
      largest_text(op.accumulated.values), decibels(op.accumulated),
      trace.noise_order.empty() ? "&#8211;" : decibels(op.noise_introduced), headroom(op), colour(verdict),
      audit::verdict_name(verdict));
}

// The numbers that are stored as the same number of the type: half a step to each side.
std::string interval(double value, ir::ElemType type) {
  if (!std::isfinite(value)) return short_number(value);
  const double step = audit::ulp_at(value, type);
  return fmt::format("{:.9g} to {:.9g} are all stored as {:.9g}", value - step / 2, value + step / 2, value);
}

std::string share(uint64_t part, uint64_t whole) {
  if (part == 0) return "none";
  return fmt::format("{} of {} ({:.2g}%)", grouped(part), grouped(whole),
                     100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string errors(const Distance& d) {
  return fmt::format("largest {}, relative {}, {} ULP, worst sample {}", largest_text(d.values),
                     short_number(d.values.max_rel), largest_ulp_text(d.values), decibels(d));
}

std::string worst(const Distance& d) {
  const audit::Worst& w = d.values.worst;
  if (w.sample < 0) return "nowhere";
  return fmt::format("sample {}, element {}: {:.9g}, here {:.9g}", w.sample, w.element, w.reference, w.candidate);
}

std::string step(const TraceOp& op) {
  if (!ir::is_float(op.storage)) return "no floating-point storage";
  return fmt::format("{}: a step is {:.3g} at the largest value", ir::elem_name(op.storage),
                     audit::ulp_at(op.candidate.largest, op.storage));
}

// Labels and values in one order; the labels are written once.
constexpr const char* kLabels[] = {
    "writes",    "result",        "introduces", "accumulated", "noise floor",       "against float64",
    "worst",     "largest value", "headroom",   "storage",     "rounding interval", "subnormals",
    "saturated", "NaN, infinite", "verdict"};

Json values(const TraceResult& trace, size_t i, audit::Verdict verdict) {
  const TraceOp& op = trace.ops[i];
  const audit::Range& r = op.candidate;
  Json out = Json::array();
  out.push_back(op.name);
  out.push_back(op.dims + " " + std::string(ir::elem_name(op.storage)));
  out.push_back(errors(op.introduced));
  out.push_back(errors(op.accumulated));
  out.push_back(trace.noise_order.empty() ? "no other order of sums" : errors(op.noise_introduced));
  out.push_back(trace.exact_samples == 0
                    ? "not run"
                    : "reference " + decibels(op.exact_reference) + ", candidate " + decibels(op.exact_candidate) +
                          (op.reference_is_off() ? "; it is the reference that is off" : ""));
  out.push_back(worst(op.introduced));
  out.push_back(fmt::format("{:.6g} (reference {:.6g})", r.largest, op.reference.largest));
  out.push_back(headroom(op) == "&#8211;" ? "-" : headroom(op) + fmt::format(", up to {:.6g}", op.limit));
  out.push_back(step(op));
  out.push_back(ir::is_float(op.storage) ? interval(r.largest, op.storage) : "-");
  out.push_back(share(r.subnormals, r.elements));
  out.push_back(share(r.saturated, r.elements));
  out.push_back(share(r.nans, r.elements) + ", " + share(r.infinities, r.elements) +
                (r.first_non_finite < 0 ? "" : fmt::format("; first in sample {}", r.first_non_finite)));
  out.push_back(std::string(audit::verdict_name(verdict)));
  return out;
}

Json bars(const char* title, const Distance& d) {
  Json bins = Json::array();
  for (const auto& [decibel, n] : d.snr.decibels.bins()) bins.push_back({decibel, n});
  return {title, d.snr.exact, std::move(bins)};
}

std::string data(const TraceResult& trace, const std::vector<audit::Verdict>& verdicts) {
  Json ops = Json::array();
  for (size_t i = 0; i < trace.ops.size(); ++i)
    ops.push_back({{"t", name_of(trace.ops[i])},
                   {"v", values(trace, i, verdicts[i])},
                   {"b", Json::array({bars("introduced", trace.ops[i].introduced),
                                      bars("accumulated", trace.ops[i].accumulated)})}});
  std::string text, out;
  dump(Json{{"labels", kLabels}, {"ops", std::move(ops)}}, text);
  for (const char c : text)
    out += c == '<' ? std::string("\\u003c") : std::string(1, c);  // no end of the element in it
  return "<script type=\"application/json\">" + out + "</script>";
}

std::string legend() {
  std::string out = "<div class=\"legend levels\" aria-label=\"Signal to noise of the worst sample\">";
  const char* kWords[] = {"no error",    "90 dB and more", "60 to 90 dB",
                          "40 to 60 dB", "20 to 40 dB",    "below 20 dB, or no number"};
  for (int level = 0; level < 6; ++level)
    out += fmt::format("<span><i class=\"l{}\"></i>{}</span>", level, kWords[level]);
  return out + "<span>thick border: more than rounding explains</span></div>";
}

// What some operation has, each once.
template <class Of>
std::vector<std::string> values_of(const TraceResult& trace, const Of& of) {
  std::set<std::string> out;
  for (size_t i = 0; i < trace.ops.size(); ++i) out.insert(std::string(of(i)));
  return {out.begin(), out.end()};
}

std::string breakdowns(const TraceResult& trace) {
  std::string out;
  for (const audit::Breakdown& b : trace.breakdowns())
    out += fmt::format("<li><b>{}</b> from <code>{}</code> on, in {}, first in sample {}</li>", escape(b.what),
                       escape(name_of(trace.ops[b.op])), how_many(b.samples, "sample"), b.sample);
  return out.empty() ? "" : "<ul class=\"breaks\">" + out + "</ul>";
}

std::string candidate(const audit::CandidateResult& c, const std::string& id) {
  const TraceResult& trace = *c.trace;
  const std::vector<audit::Verdict> verdicts = trace.verdicts();
  const std::string drawing = graph(trace);
  std::string out = fmt::format(
      "<div class=\"ops\" data-candidate=\"{0}\"><h4 class=\"mono\">{0}</h4><p class=\"small soft\">variant {1}, "
      "{2}{3}</p>",
      escape(c.info.program), escape(trace.variant), how_many(trace.samples, "sample"),
      trace.noise_order.empty() ? "" : "; noise floor: " + escape(trace.noise_order));
  out += "<p><b>" + escape(trace_sentence(trace)) + "</b></p>" + breakdowns(trace);
  if (drawing.empty()) {
    out += "<p class=\"soft\">Too many operations to draw; the table has all.</p>";
  } else {
    out += fmt::format(
        "<div class=\"filters\"><label>colour by <select class=\"by\"><option value=\"introduced\">introduced "
        "error</option><option value=\"accumulated\">accumulated error</option></select></label></div>");
    out += legend() + drawing;
  }
  out += fmt::format(
      "<div class=\"detail\" id=\"{}\" aria-live=\"polite\"><p class=\"soft\">Choose an operation.</p></div>", id);
  out += filters("Filter operations", "optable",
                 {{"type", "type", values_of(trace, [&](size_t i) { return trace.ops[i].type; })},
                  {"verdict", "verdict", values_of(trace, [&](size_t i) { return word_of(verdicts[i]); })}});
  out +=
      "<div class=\"tall scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Operations\"><table "
      "class=\"optable\"><thead><tr>";
  for (const char* name : {"#", "operation", "introduces", "worst sample", "accumulated", "worst sample", "noise floor",
                           "headroom", "verdict"})
    out += fmt::format("<th scope=\"col\">{}</th>", name);
  out += "</tr></thead><tbody>";
  for (size_t i = 0; i < trace.ops.size(); ++i) out += row(trace, i, verdicts[i]);
  return out + "</tbody></table></div>" + data(trace, verdicts) + "</div>";
}
}  // namespace

std::string operations(const Section& section, const std::string& prefix) {
  std::string body;
  std::vector<std::string> names;
  for (const audit::CandidateResult& c : section.audit->candidates) {
    if (!c.trace) continue;
    body += candidate(c, prefix + "-detail-" + std::to_string(names.size()));
    names.push_back(c.info.program);
  }
  if (names.empty()) return "";
  std::string choose;
  if (names.size() > 1) {
    choose = "<div class=\"filters\"><label>candidate <select class=\"which\">";
    for (const std::string& name : names) choose += fmt::format("<option>{}</option>", escape(name));
    choose += "</select></label></div>";
  }
  return "<p class=\"small soft\">What an operation <b>introduces</b> is its error when it is fed with the reference's "
         "operands; what has <b>accumulated</b> is the error of the candidate's own run. Decibels are signal to noise: "
         "fewer is worse, 6 dB are a bit.</p>" +
         choose + body;
}

}  // namespace assay::report::html

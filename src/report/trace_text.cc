#include "report/trace_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/text.h"
#include "report/words.h"

namespace assay::report {
namespace {
using audit::Breakdown;
using audit::Conversion;
using audit::Distance;
using audit::TraceOp;
using audit::TraceResult;
using audit::Verdict;

constexpr size_t kLongestName = 80;
constexpr size_t kMostRows = 10, kMostAbsent = 4;

std::string name_of(const TraceResult& trace, size_t op) {
  return clean(trace.ops[op].type + " '" + called(trace.ops[op], trace.ops) + "'", kLongestName);
}

std::string decibels(const Distance& d) {
  if (d.values.elements == 0) return "-";
  if (d.snr.worst_sample < 0) return d.snr.undefined > 0 ? "undefined" : "exact";
  return fmt::format("{:.0f} dB", d.snr.worst);
}

std::string amount(const Distance& d) { return d.values.elements == 0 ? "-" : largest_text(d.values); }

// "20 x"; nothing where there is no number.
std::string excess(const TraceOp& op) {
  const bool number = op.introduced.values.nan_mismatches == 0 && std::isfinite(op.excess());
  return number ? fmt::format("{:.3g} x", op.excess()) : "-";
}

std::string headroom(const TraceOp& op) {
  if (op.candidate.infinities > 0) return "none";
  const auto bits = headroom_bits(op);
  return bits ? fmt::format("2^{:.1f}", *bits) : "-";
}

// The verdict's word; what is counted as ordinary for the reference's sake is not called so.
std::string verdict_text(const TraceOp& op, Verdict verdict) {
  const bool off = verdict == Verdict::ordinary && op.reference_is_off();
  return off ? "the reference is off" : std::string(audit::verdict_name(verdict));
}

std::string worst_ops(const TraceResult& trace, const std::vector<size_t>& order) {
  std::vector<std::vector<std::string>> rows = {
      {"  operation", "introduced", "of rounding", "SNR", "noise floor", "accumulated", "headroom", ""}};
  const auto verdicts = trace.verdicts();
  for (size_t i = 0; i < std::min(order.size(), kMostRows); ++i) {
    const TraceOp& op = trace.ops[order[i]];
    rows.push_back({"  " + name_of(trace, order[i]), amount(op.introduced), excess(op), decibels(op.introduced),
                    amount(op.noise_introduced), amount(op.accumulated), headroom(op),
                    verdict_text(op, verdicts[order[i]])});
  }
  std::string out = table(rows, {false, true, true, true, true, true, true, false});
  if (order.size() > kMostRows) out += fmt::format("  ... and {} more: the JSON has all\n", order.size() - kMostRows);
  return out;
}

std::string breakdown_text(const TraceResult& trace, const Breakdown& b) {
  return fmt::format("  {} from {} on: in {} of {}, first in sample {}\n", b.what, name_of(trace, b.op),
                     grouped(b.samples), how_many(trace.samples, "sample"), b.sample);
}

// The first operation at which the reference is further from float64 than rounding explains.
std::string off_reference(const TraceResult& trace) {
  const auto found = std::ranges::find_if(trace.ops, &TraceOp::reference_is_off);
  if (found == trace.ops.end()) return "";
  return fmt::format("the reference itself is off from {} on: {} from float64, the candidate {}; ",
                     name_of(trace, static_cast<size_t>(found - trace.ops.begin())),
                     largest_text(found->exact_reference.values), largest_text(found->exact_candidate.values));
}

std::string lost_text(const Breakdown& b) {
  if (b.what == "infinite") return "infinities";
  return b.what == "all zero" ? "nothing but zeros" : b.what;
}

std::string by_how_much(const TraceOp& op) {
  const std::string decibels = fmt::format("{:.0f} dB more than rounding", op.excess_decibels());
  if (op.reference_is_off()) return decibels;  // the largest difference is the reference's
  if (op.introduced.values.nan_mismatches > 0) return "NaN";
  if (op.introduced.values.infinite > 0) return "an infinite difference";
  const bool noise = op.noise_introduced.values.max_abs > op.rounding();
  const std::string what = noise ? "its noise floor" : "what rounding gives";
  if (op.excess() > audit::kOrdinaryFactor)
    return fmt::format("{} times {} ({})", short_number(op.excess()), what, short_number(op.introduced.values.max_abs));
  return decibels;
}

// What there is where no operation is to blame.
std::string blameless(const TraceResult& trace, const std::vector<size_t>& order) {
  const auto off = [&](size_t i) { return trace.ops[i].reference_is_off(); };
  if (std::ranges::none_of(order, off)) return "what each introduces is ordinary rounding";
  if (std::ranges::all_of(order, off)) return "what differs is the reference's own error";
  return "beside the reference's own error there is ordinary rounding";
}

// What a converter may have left out, or called by another name.
std::string absent(const Conversion& c) {
  std::string out;
  for (size_t i = 0; i < std::min(c.absent.size(), kMostAbsent); ++i)
    out += (i == 0 ? "; before it the candidate has no " : ", ") +
           clean("'" + c.absent[i].first + "' (" + c.absent[i].second + ")", kLongestName);
  return c.absent.size() > kMostAbsent ? out + fmt::format(" and {} more", c.absent.size() - kMostAbsent) : out;
}

}  // namespace

std::optional<double> headroom_bits(const TraceOp& op) {
  if (op.candidate.infinities > 0) return 0;
  if (op.candidate.largest == 0 || !std::isfinite(op.limit)) return std::nullopt;
  return std::log2(op.limit / op.candidate.largest);
}

std::string trace_sentence(const TraceResult& trace) {
  std::string out = off_reference(trace);
  if (const auto first = trace.first_breakdown())
    return out +
           fmt::format("{} is to blame: it is the first that gives {}", name_of(trace, first->op), lost_text(*first));
  const auto order = trace.ranking();
  const auto guilty = std::ranges::count(trace.verdicts(), Verdict::guilty);
  if (guilty > 0) {
    out += fmt::format("{} is to blame: it introduces {}", name_of(trace, order[0]), by_how_much(trace.ops[order[0]]));
    if (guilty == 1) return out;
    return out + fmt::format("; {} more {} more than rounding", guilty - 1, guilty == 2 ? "introduces" : "introduce");
  }
  if (order.empty()) return out + "no operation introduces any error";
  return out + "no operation is to blame: " + blameless(trace, order);
}

std::string trace_text(const std::string& program, const TraceResult& trace) {
  std::string out = fmt::format("{}: operation by operation over {}", clean(program, kLongestName),
                                how_many(trace.samples, "sample"));
  if (trace.exact_samples > 0) out += fmt::format(", {} of them in float64 too", grouped(trace.exact_samples));
  if (trace.exact_samples > 0 && !trace.noise_order.empty()) out += "; noise floor: " + trace.noise_order;
  out += "\n";
  const auto order = trace.ranking();
  if (!order.empty()) out += worst_ops(trace, order);
  for (const Breakdown& b : trace.breakdowns()) out += breakdown_text(trace, b);
  return out + "  " + trace_sentence(trace) + "\n";
}

std::string conversion_text(const Conversion& c) {
  if (c.samples == 0) return "not compared in exact arithmetic: the first samples are in another part";
  const std::string where =
      clean("'" + c.reference + "'", kLongestName) +
      (c.candidate == c.reference ? "" : clean(" ('" + c.candidate + "' in the candidate)", kLongestName));
  const std::string size = std::isinf(c.max_abs)
                               ? fmt::format("of another size, or infinitely far apart, in sample {}", c.sample)
                               : fmt::format("{} in sample {}, {} of its largest value", short_number(c.max_abs),
                                             c.sample, short_number(c.max_rel));
  switch (c.outcome) {
    case Conversion::Outcome::unknown:
      return fmt::format("the two models cannot be told apart in float64 ({}): their outputs hold no numbers",
                         how_many(c.samples, "sample"));
    case Conversion::Outcome::same:
      if (!c.reference.empty())
        return fmt::format(
            "the two models give the same outputs in float64 ({}), within 2^-30 of the largest value; on the way there "
            "they part at {}: {}",
            how_many(c.samples, "sample"), where, size);
      return fmt::format("the two models are the same in float64 ({}): what differs there is rounding by the hardware",
                         how_many(c.samples, "sample"));
    case Conversion::Outcome::narrowed:
      return fmt::format(
          "the two models differ in float64 by no more than the rounding of constants may explain, first in {}: {}",
          where, size);
    case Conversion::Outcome::changed:
      return fmt::format("the conversion changed the mathematics: in float64 the two models part at {}{}: {}{}", where,
                         c.type.empty() ? "" : " (" + c.type + ")", size, absent(c));
  }
  return "";
}

}  // namespace assay::report

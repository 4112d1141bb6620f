#include "audit/trace/trace.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "num/format.h"

namespace assay::audit {
namespace {

constexpr double kDecibelsPerBit = 6.0205999132796239;  // 20 log10(2)
// How far a baseline in float32 may be from float64, in decibels above its rounding, before it is called wrong.
constexpr double kBaselineDecibels = 2 * kOrdinaryDecibels;
constexpr double kBaselineBits = 24;

void earlier(int64_t& into, int64_t other) {
  if (other >= 0 && (into < 0 || other < into)) into = other;
}

/// Whether a NaN or an infinity stands on one side alone.
bool parts_from_numbers(const Distance& d) { return d.values.nan_mismatches + d.values.infinite > 0; }

/// Whether the reference has lost numbers that float64 and the candidate have; in one sample or in all.
bool reference_loses(const TraceOp& op) {
  return parts_from_numbers(op.exact_reference) && !parts_from_numbers(op.exact_candidate);
}

/// Whether the reference is no nearer to float64 than half of the candidate. Where an infinity is its largest
/// distance, the samples that are finite throughout say so, by 6 dB.
bool no_nearer_than_half(const TraceOp& op) {
  const Distance& reference = op.exact_reference;
  const Distance& candidate = op.exact_candidate;
  if (!parts_from_numbers(reference)) return 2 * reference.values.max_abs >= candidate.values.max_abs;
  return candidate.snr.worst_sample < 0 || reference.snr.worst <= candidate.snr.worst + kDecibelsPerBit;
}

/// Whether the reference's finite samples are further from float64 than rounding explains.
bool reference_is_noise(const TraceOp& op) {
  if (op.exact_reference.snr.worst_sample < 0 || parts_from_numbers(op.exact_candidate)) return false;
  return op.exact_reference.snr.worst < kDecibelsPerBit * kBaselineBits - kBaselineDecibels && no_nearer_than_half(op);
}

/// How far beyond ordinary rounding; 1: just beyond. The largest distance says nothing where it is the reference's.
double beyond_ordinary(const TraceOp& op) {
  const double decibels = op.excess_decibels() / kOrdinaryDecibels;
  return op.reference_is_off() ? decibels : std::max(op.excess() / kOrdinaryFactor, decibels);
}

}  // namespace

void Snr::add(double signal, double noise, int64_t sample) {
  if (!std::isfinite(signal) || !std::isfinite(noise)) {
    ++undefined;
    return;
  }
  if (noise == 0) {
    ++exact;
    return;
  }
  const double db = signal == 0 ? -std::numeric_limits<double>::infinity() : 10 * std::log10(signal / noise);
  decibels.add(static_cast<int>(std::clamp(std::floor(db), double{Histogram::kLow}, double{Histogram::kHigh})));
  if (worst_sample < 0 || db < worst || (db == worst && sample < worst_sample)) worst = db, worst_sample = sample;
}

void Snr::merge(const Snr& other) {
  decibels.merge(other.decibels);
  exact += other.exact;
  undefined += other.undefined;
  if (other.worst_sample < 0) return;
  const bool tie = other.worst == worst && other.worst_sample < worst_sample;
  if (worst_sample < 0 || other.worst < worst || tie) worst = other.worst, worst_sample = other.worst_sample;
}

std::optional<int> Snr::median() const {
  const uint64_t middle = (decibels.total() + exact + 1) / 2;
  uint64_t seen = 0;
  for (const auto& [db, n] : decibels.bins()) {
    seen += n;
    if (seen >= middle) return db;
  }
  return std::nullopt;
}

void Distance::merge(const Distance& other) {
  values.merge(other.values);
  snr.merge(other.snr);
  misshapen += other.misshapen;
}

void Range::merge(const Range& other) {
  elements += other.elements;
  zeros += other.zeros;
  subnormals += other.subnormals;
  infinities += other.infinities;
  nans += other.nans;
  saturated += other.saturated;
  largest = std::max(largest, other.largest);
  if (other.smallest > 0 && (smallest == 0 || other.smallest < smallest)) smallest = other.smallest;
  earlier(first_non_finite, other.first_non_finite);
  earlier(first_all_zero, other.first_all_zero);
  all_zero += other.all_zero;
  all_nan += other.all_nan;
}

void Lost::add(int64_t sample) {
  ++samples;
  earlier(first, sample);
}

void Lost::merge(const Lost& other) {
  samples += other.samples;
  earlier(first, other.first);
}

std::string_view verdict_name(Verdict verdict) {
  constexpr std::string_view kNames[] = {"exact", "ordinary rounding", "operands do not fit", "more than rounding",
                                         "breaks down"};
  return kNames[static_cast<size_t>(verdict)];
}

void TraceOp::merge(const TraceOp& other) {
  const bool sooner = other.first_sample >= 0 && other.first_sample < first_sample;
  if (dims.empty() || sooner) dims = other.dims, first_sample = other.first_sample;
  introduced.merge(other.introduced);
  accumulated.merge(other.accumulated);
  noise_introduced.merge(other.noise_introduced);
  noise_accumulated.merge(other.noise_accumulated);
  exact_reference.merge(other.exact_reference);
  exact_candidate.merge(other.exact_candidate);
  reference.merge(other.reference);
  candidate.merge(other.candidate);
  infinite.merge(other.infinite);
  nan.merge(other.nan);
  all_nan.merge(other.all_nan);
  all_zero.merge(other.all_zero);
}

double TraceOp::rounding() const {
  const auto format = ir::elem_format(storage);
  const double least = format ? num::min_subnormal(num::format(*format)) / 2 : 0;
  const double half = reference.largest == 0 ? 0 : std::ldexp(1.0, exponent_of(reference.largest) - precision);
  return std::sqrt(static_cast<double>(terms)) * std::max(least, half);
}

double TraceOp::excess() const {
  const double error = introduced.values.max_abs;
  return error == 0 ? 0 : error / std::max(noise_introduced.values.max_abs, rounding());
}

double TraceOp::excess_decibels() const {
  const auto introduces = introduced.snr.median();
  if (!introduces) return 0;
  double ordinary = kDecibelsPerBit * precision - 10 * std::log10(static_cast<double>(terms));
  if (const auto noise = noise_introduced.snr.median()) ordinary = std::min(ordinary, static_cast<double>(*noise) + 1);
  return std::max(0.0, ordinary - *introduces);
}

Verdict TraceOp::introduces() const {
  const Differences& d = introduced.values;
  if (d.equal == d.elements) return Verdict::exact;
  if (reference_is_noise(*this)) return Verdict::ordinary;  // the distance is the reference's own
  // Of a reference that lost numbers the samples that it has in full still tell.
  const bool tells_all = !reference_loses(*this);
  if (tells_all && (excess() > kOrdinaryFactor || d.nan_mismatches > 0)) return Verdict::guilty;
  return excess_decibels() > kOrdinaryDecibels ? Verdict::guilty : Verdict::ordinary;
}

bool TraceOp::reference_is_off() const { return reference_loses(*this) || reference_is_noise(*this); }

/// Zeros where the reference has nothing but its own noise are no loss, nor those where it has lost its numbers.
bool TraceOp::loses_all() const {
  if (reference_is_noise(*this)) return false;
  return all_zero.samples > (reference_loses(*this) ? accumulated.snr.undefined : 0);
}

std::vector<Breakdown> TraceResult::breakdowns() const {
  constexpr std::pair<const char*, Lost TraceOp::*> kKinds[] = {{"infinite", &TraceOp::infinite},
                                                                {"NaN", &TraceOp::nan},
                                                                {"all NaN", &TraceOp::all_nan},
                                                                {"all zero", &TraceOp::all_zero}};
  std::vector<Breakdown> found;
  for (const auto& [what, lost] : kKinds) {
    const bool zeros = lost == &TraceOp::all_zero;
    const auto first =
        std::ranges::find_if(ops, [&](const TraceOp& op) { return zeros ? op.loses_all() : (op.*lost).samples > 0; });
    if (first == ops.end()) continue;
    found.push_back({what, static_cast<size_t>(first - ops.begin()), ((*first).*lost).first, ((*first).*lost).samples});
  }
  return found;
}

/// Whether an operation gives no finite numbers by itself, not for the zeros that it reads.
bool TraceResult::overflows(size_t op) const {
  const TraceOp& one = ops[op];
  return one.infinite.samples + one.nan.samples > 0 &&
         one.introduced.values.infinite + one.introduced.values.nan_mismatches > 0 &&
         std::ranges::none_of(one.from, [this](size_t from) { return ops[from].loses_all(); });
}

std::optional<Breakdown> TraceResult::first_breakdown() const {
  const auto found = breakdowns();
  if (found.empty()) return std::nullopt;
  return *std::ranges::min_element(found, {}, [this](const Breakdown& b) { return std::pair(!overflows(b.op), b.op); });
}

std::vector<Verdict> TraceResult::verdicts() const {
  std::vector<Verdict> out;
  for (const TraceOp& op : ops) {
    out.push_back(op.introduces());
    const bool lost = op.introduced.values.infinite + op.introduced.values.nan_mismatches > 0;
    const auto beyond = [this](size_t from) { return ops[from].reference.largest > ops[from].limit; };
    if (lost && std::ranges::any_of(op.from, beyond)) out.back() = Verdict::follows;
  }
  for (const Breakdown& b : breakdowns()) out[b.op] = Verdict::breaks;
  return out;
}

std::vector<size_t> TraceResult::ranking() const {
  const std::vector<Verdict> verdict = verdicts();
  std::vector<double> excess;
  std::vector<size_t> order;
  for (size_t i = 0; i < ops.size(); ++i) {
    const TraceOp& op = ops[i];
    // Of those that break, the first in order of execution: what is behind it follows. Zeros behind those that
    // overflow: they may change nothing.
    const bool breaks = verdict[i] == Verdict::breaks;
    excess.push_back(breaks ? static_cast<double>(ops.size() - i + (overflows(i) ? ops.size() : 0))
                            : beyond_ordinary(op));
    if (verdict[i] != Verdict::exact) order.push_back(i);
  }
  std::ranges::stable_sort(order, [&](size_t a, size_t b) {
    return verdict[a] != verdict[b] ? verdict[a] > verdict[b] : excess[a] > excess[b];
  });
  return order;
}

void TraceResult::merge(const TraceResult& other) {
  samples += other.samples;
  exact_samples += other.exact_samples;
  for (size_t i = 0; i < ops.size() && i < other.ops.size(); ++i) ops[i].merge(other.ops[i]);
}

std::string_view outcome_name(Conversion::Outcome outcome) {
  constexpr std::string_view kNames[] = {"unknown", "same", "narrowed", "changed"};
  return kNames[static_cast<size_t>(outcome)];
}

void Conversion::merge(const Conversion& other) {
  const auto key = [](const Conversion& c) {
    return std::tuple(-static_cast<int>(c.outcome), c.reference.empty() ? SIZE_MAX : c.position,
                      c.sample < 0 ? INT64_MAX : c.sample);
  };
  const uint64_t all = samples + other.samples, most = std::max(compared, other.compared);
  if (other.samples > 0 && (samples == 0 || key(other) < key(*this))) *this = other;
  samples = all;
  compared = most;
}

}  // namespace assay::audit

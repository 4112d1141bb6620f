#include "audit/forecast/prover.h"

#include <algorithm>

#include "audit/forecast/prove.h"

namespace assay::audit {
namespace {
// The variants that run may be fewer than the profile has.
std::string method_of(const backends::Program& program) {
  const size_t run = program.variants().size();
  const bool all = program.profile() == nullptr || run >= program.profile()->variants.size();
  const std::string which = all        ? "every variant"
                            : run == 1 ? "the primary variant alone"
                                       : "the first " + std::to_string(run) + " variants";
  return "running error analysis of " + which + ", sums in any order that its accumulators allow";
}

SampleValue sample_of(const ir::Tensor& t, const Layout::Cut& cut, size_t sample) {
  SampleValue value{cut.dims, std::vector<double>(static_cast<size_t>(cut.each))};
  const auto begin = static_cast<int64_t>(sample) * cut.each;
  for (int64_t i = 0; i < cut.each; ++i) value.values[static_cast<size_t>(i)] = t.float_at(begin + i);
  return value;
}
// Pairs of a sample; empty where there are none.
std::vector<double> pairs_of(const ir::Tensor& all, size_t sample, size_t count, size_t values) {
  const size_t each = values * values;
  if (all.empty_handle() || static_cast<size_t>(all.size()) != count * each) return {};
  std::vector<double> out(each);
  for (size_t i = 0; i < each; ++i) out[i] = all.data<double>()[sample * each + i];
  return out;
}

// Whether the score rounds what the program gives: a wider type holds a narrower one's values as they are.
bool score_rounds(const backends::Program& program, size_t output, ir::ElemType score) {
  const ir::ElemType declared = program.outputs()[output].type.elem;
  const ir::ElemType given = declared == ir::ElemType::float32 ? program.storage() : declared;
  const bool holds =
      given == score || score == ir::ElemType::float64 || (score == ir::ElemType::float32 && ir::elem_bits(given) < 32);
  return !holds;
}
}  // namespace

Prover::Prover(std::span<backends::Program* const> programs, const Layout& layout, const Score& score,
               const Judge& judge, ir::ElemType score_type, size_t offset,
               const std::shared_ptr<const Threads>& threads)
    : programs_(programs), layout_(layout), score_(score), judge_(judge), score_type_(score_type), offset_(offset) {
  for (size_t p = 1; p < programs.size(); ++p) {
    auto bounds = BoundProgram::create(*programs[p], threads);
    auto& stops = stops_.emplace_back();
    if (bounds == nullptr) stops.emplace_back("the program", "the engine does not run it");
    if (!provable(score, judge.rule()))
      stops.emplace_back("the score", score.text() + " under " + judge.rule().text() + " has no sound rule");
    for (size_t b = 0; bounds != nullptr && b < bounds->count(); ++b) {
      const BoundGraph& graph = bounds->bounds(b);
      const bool reaches =
          std::ranges::all_of(score.reads(), [&](size_t i) { return graph.place[layout.outputs(p)[i]] >= 0; });
      if (!reaches) stops.insert(stops.end(), graph.stops.begin(), graph.stops.end());
    }
    std::sort(stops.begin(), stops.end());
    stops.erase(std::unique(stops.begin(), stops.end()), stops.end());
    if (!stops.empty()) bounds.reset();
    bounds_.push_back(std::move(bounds));
  }
}

void Prover::describe(size_t c, Proof& into) const {
  into.method = method_of(*programs_[c + 1]);
  into.stops = stops_[c];
}

Status Prover::prove(size_t c, size_t first, size_t count, std::span<const Judged> reference, Proof& into) const {
  if (bounds_[c] == nullptr) {
    into.unbounded += count;
    return {};
  }
  std::vector<Reach> reach(count);
  for (size_t b = 0; b < bounds_[c]->count(); ++b) ASSAY_CHECK(bound_samples(c, b, first, reference, reach));
  for (size_t s = 0; s < count; ++s) reach[s].count(into, judge_.lead(reference[s], reference[s]));
  const auto lost = std::ranges::find(reach, false, &Reach::finite);
  return lost == reach.end() ? Status() : tell_unbounded(c, first + static_cast<size_t>(lost - reach.begin()), into);
}

/// Runs a sample again to see where its bound is lost; one among others of a fixed batch cannot be told from them.
Status Prover::tell_unbounded(size_t c, size_t sample, Proof& into) const {
  const auto number = static_cast<int64_t>(offset_ + sample);
  if (into.first_unbounded && into.first_unbounded->sample < number) return {};
  if (layout_.fixed_batch() && layout_.chunk() > 1) return {};
  into.first_unbounded = Unbounded{number, "the score", "it is no finite number"};
  ASSAY_TRY(const std::vector<ir::Tensor> inputs, layout_.inputs_of(c + 1, sample));
  for (size_t b = 0; b < bounds_[c]->count(); ++b) {
    ASSAY_TRY(const auto found, bounds_[c]->first_unbounded(b, inputs));
    if (found.first.empty()) continue;
    into.first_unbounded = Unbounded{number, found.first, found.second};
    break;
  }
  return {};
}

Status Prover::bound_samples(size_t c, size_t bound, size_t first, std::span<const Judged> reference,
                             std::vector<Reach>& reach) const {
  const size_t count = reach.size(), outputs = programs_[c + 1]->outputs().size();
  ASSAY_TRY(const std::vector<ir::Tensor> found, layout_.run_as(c + 1, *bounds_[c], bound, first, count, offset_));
  const auto& map = layout_.outputs(c + 1);
  std::vector<Layout::Cut> cuts(map.size());
  for (const size_t i : score_.reads()) {
    ASSAY_TRY(cuts[i], layout_.cut(found[map[i]], count, programs_[0]->outputs()[i].name));
  }
  for (size_t s = 0; s < count; ++s) {
    std::vector<SampleValue> low(map.size()), high(map.size());
    for (const size_t i : score_.reads()) {
      low[i] = high[i] = sample_of(found[map[i]], cuts[i], s);
      spread(low[i].values, high[i].values, sample_of(found[outputs + map[i]], cuts[i], s).values);
    }
    ASSAY_TRY(Score::Ends ends, score_.bounds(low, high));
    auto& [least, most] = ends;
    round_to(score_type_, least.values);
    round_to(score_type_, most.values);
    std::vector<double> pairs, centres;
    bool rounded = false;
    if (const int plain = score_.plain_output(); plain >= 0) {
      const ir::Tensor& all = found[2 * outputs + map[static_cast<size_t>(plain)]];
      pairs = pairs_of(all, s, count, least.values.size());
      centres = sample_of(found[map[static_cast<size_t>(plain)]], cuts[static_cast<size_t>(plain)], s).values;
      rounded = score_rounds(*programs_[c + 1], map[static_cast<size_t>(plain)], score_type_);
    }
    reach[s].add(judge_, reference[s], least.values, most.values, {centres, pairs, rounded});
  }
  return {};
}

}  // namespace assay::audit

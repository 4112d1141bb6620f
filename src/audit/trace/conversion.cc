#include "audit/trace/conversion.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "audit/trace/widen.h"
#include "backends/engine.h"
#include "exec/lockstep.h"
#include "passes/resolve.h"

namespace assay::audit {
namespace {
using backends::Program;
using ir::Graph;
using ir::Tensor;
using ir::ValueId;

// Float64 rounds at 2^-53; long sums and divisions of differences leave that much.
constexpr double kSame = 0x1p-30;
// What results of 16-bit constants may be apart where not all constants were rounded.
constexpr double kNarrow = 0x1p-9;

/// How far the candidate's elements are from the reference's, over the largest magnitude of those.
struct Apart {
  double max_abs = 0, relative = 0;
};
Apart apart(const Tensor& a, const Tensor& b) {
  Apart out;
  double largest = 0;
  const double infinity = std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < a.size(); ++i) {
    const double x = a.float_at(i), y = b.float_at(i);
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
    if (x == y || (std::isnan(x) && std::isnan(y))) continue;
    const double d = std::abs(y - x);
    out.max_abs = std::max(out.max_abs, std::isnan(d) ? infinity : d);
  }
  if (out.max_abs > 0) out.relative = largest > 0 ? out.max_abs / largest : infinity;
  return out;
}

/// One value that both models have.
struct Match {
  ValueId reference, candidate;
  size_t position;  ///< in order of the reference's execution
  bool output;
};

std::string type_of(const ir::Op& op) { return op.domain.empty() ? op.type : op.domain + "." + op.type; }

bool is_float_tensor(const ir::Value& value) { return value.type.is_tensor() && ir::is_float(value.type.elem); }

std::vector<Match> matches_of(const Graph& a, const Graph& b, const std::vector<size_t>& outputs) {
  std::unordered_map<std::string, ValueId> names;
  for (ValueId v = 0; v < b.values.size(); ++v) {
    if (b.at(v).producer == ir::kNoOp || !is_float_tensor(b.at(v))) continue;
    names.emplace(b.at(v).name, v);
    if (!b.at(v).file_name.empty()) names.emplace(b.at(v).file_name, v);
  }
  std::vector<ValueId> partner(a.values.size(), ir::kNoValue);
  std::vector<bool> is_output(a.values.size());
  for (ValueId v = 0; v < a.values.size(); ++v)
    if (const auto found = names.find(a.at(v).name); found != names.end()) partner[v] = found->second;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] == kNoPort) continue;
    partner[a.outputs[i]] = b.outputs[outputs[i]];
    is_output[a.outputs[i]] = true;
  }
  std::vector<Match> matches;
  for (const ir::Op& op : a.ops)
    for (const ValueId v : op.outputs)
      if (v != ir::kNoValue && partner[v] != ir::kNoValue && is_float_tensor(a.at(v)) &&
          b.at(partner[v]).producer != ir::kNoOp)
        matches.push_back({v, partner[v], matches.size(), is_output[v]});
  return matches;
}

/// A model in float64 with its values by number.
class Exact {
 public:
  static Result<Exact> create(Graph graph, const std::shared_ptr<const Threads>& threads) {
    Exact exact;
    const profiles::Profile* profile = profiles::built_in_profile("f64");
    if (profile == nullptr) return Error{Code::internal, "there is no built-in profile f64"};
    exact.model_ = std::make_shared<const Graph>(std::move(graph));
    ASSAY_TRY(Graph resolved, passes::resolve(*exact.model_, *profile, 0));
    std::vector<exec::LockstepProgram> one = {{std::make_shared<const Graph>(std::move(resolved)), false}};
    ASSAY_TRY(exact.engine_, exec::Lockstep::create(exact.model_, std::move(one), threads));
    return exact;
  }

  Status run(std::span<const Tensor> inputs, const std::function<void(ValueId, const Tensor&)>& see) {
    std::vector<Tensor> given;
    for (const Tensor& input : inputs) given.push_back(widened(input));
    const auto visit = [&](ir::OpId op, size_t output, std::span<const exec::LockstepValue> values) {
      const Tensor* value = values[0].own;
      if (value != nullptr && !value->is_list() && ir::is_float(value->elem()))
        see(model_->ops[op].outputs[output], *value);
    };
    ASSAY_TRY(const auto outputs, engine_->run(given, 1, visit));
    return {};
  }

 private:
  std::shared_ptr<const Graph> model_;
  std::unique_ptr<exec::Lockstep> engine_;
};

/// What both models say on one sample.
struct Seen {
  double outputs = 0;            ///< largest relative distance of an output
  const Match* first = nullptr;  ///< the first value further apart than float64's rounding
  Apart distance;                ///< there
  uint64_t compared = 0;
};

Result<Seen> compare_sample(Exact& a, Exact& b, std::span<const Tensor> inputs_a, std::span<const Tensor> inputs_b,
                            const std::vector<Match>& matches) {
  std::unordered_map<ValueId, Tensor> kept;  // the reference's, until the candidate has computed its own
  std::unordered_map<ValueId, std::vector<const Match*>> by_candidate;
  std::unordered_map<ValueId, size_t> wanted;
  for (const Match& m : matches) by_candidate[m.candidate].push_back(&m), ++wanted[m.reference];
  const auto keep = [&](ValueId v, const Tensor& value) {
    if (wanted.contains(v)) kept.emplace(v, value.copy());
  };
  ASSAY_CHECK(a.run(inputs_a, keep));
  Seen seen;
  const auto compare = [&](ValueId v, const Tensor& value) {
    const auto found = by_candidate.find(v);
    if (found == by_candidate.end()) return;
    for (const Match* m : found->second) {
      const auto reference = kept.find(m->reference);
      if (reference == kept.end() || reference->second.size() != value.size()) continue;
      const Apart distance = apart(reference->second, value);
      ++seen.compared;
      if (m->output) seen.outputs = std::max(seen.outputs, distance.relative);
      if (--wanted[m->reference] == 0) kept.erase(reference);
      if (distance.relative <= kSame || (seen.first != nullptr && seen.first->position <= m->position)) continue;
      seen.first = m;
      seen.distance = distance;
    }
  };
  ASSAY_CHECK(b.run(inputs_b, compare));
  return seen;
}

/// Between the nearest values that both have and this one: those of the reference alone.
std::vector<std::pair<std::string, std::string>> absent_before(const Graph& a, const std::vector<Match>& matches,
                                                               ir::OpId parted) {
  std::vector<bool> seen(a.ops.size());
  std::unordered_set<ValueId> matched;
  for (const Match& m : matches) matched.insert(m.reference);
  std::vector<ir::OpId> left = {parted};
  std::set<ValueId> found;
  while (!left.empty()) {
    const ir::Op& op = a.ops[left.back()];
    left.pop_back();
    for (const ValueId v : op.inputs) {
      if (v == ir::kNoValue || a.at(v).producer == ir::kNoOp || matched.contains(v)) continue;
      if (is_float_tensor(a.at(v))) found.insert(v);
      if (seen[a.at(v).producer]) continue;
      seen[a.at(v).producer] = true;
      left.push_back(a.at(v).producer);
    }
  }
  std::vector<ValueId> sorted(found.begin(), found.end());
  std::ranges::stable_sort(sorted, {}, [&](ValueId v) { return a.at(v).producer; });
  std::vector<std::pair<std::string, std::string>> out;
  for (const ValueId v : sorted) out.emplace_back(a.at(v).name, type_of(a.ops[a.at(v).producer]));
  return out;
}

Conversion told(const Seen& seen, Conversion::Outcome outcome, const Graph& a, const Graph& b,
                const std::vector<Match>& matches, int64_t sample) {
  Conversion out;
  out.outcome = outcome;
  out.samples = 1;
  out.compared = seen.compared;
  if (outcome == Conversion::Outcome::same || seen.first == nullptr) return out;
  out.position = seen.first->position;
  out.reference = a.at(seen.first->reference).name;
  out.candidate = b.at(seen.first->candidate).name;
  const ir::Op& op = a.ops[a.at(seen.first->reference).producer];
  out.type = type_of(op);
  if (outcome == Conversion::Outcome::changed)
    out.absent = absent_before(a, matches, a.at(seen.first->reference).producer);
  out.sample = sample;
  out.max_abs = seen.distance.max_abs;
  out.max_rel = seen.distance.relative;
  return out;
}

/// The models, and where one has constants that are declared narrower, the other with its own rounded likewise.
struct Pairing {
  Exact a, b;
  std::optional<Exact> rounded_a, rounded_b;
  static Result<Pairing> create(const Graph& a, const Graph& b, const std::shared_ptr<const Threads>& threads) {
    Pairing out;
    const auto narrow_a = narrow_constants(a), narrow_b = narrow_constants(b);
    ASSAY_TRY(out.a, Exact::create(widened(a), threads));
    ASSAY_TRY(out.b, Exact::create(widened(b), threads));
    if (narrow_b && !narrow_a) {
      ASSAY_TRY(out.rounded_a, Exact::create(widened(a, narrow_b), threads));
    } else if (narrow_a && !narrow_b) {
      ASSAY_TRY(out.rounded_b, Exact::create(widened(b, narrow_a), threads));
    }
    return out;
  }
};

}  // namespace

bool is_conversion(const Program& reference, const Program& candidate) {
  const auto a = reference.model(), b = candidate.model();
  return a && b && a != b && reference.identity() != candidate.identity();
}

Result<Conversion> compare_conversion(const Layout& layout, std::span<Program* const> programs, size_t a, size_t b,
                                      const Layout::Part& part, int64_t first_sample,
                                      const std::shared_ptr<const Threads>& threads) {
  using Outcome = Conversion::Outcome;
  const Graph &model_a = *programs[a]->model(), &model_b = *programs[b]->model();
  const auto workers = threads != nullptr ? threads : std::make_shared<const Threads>(1);
  ASSAY_TRY(Pairing pairing, Pairing::create(model_a, model_b, workers));
  const std::vector<Match> matches = matches_of(model_a, model_b, layout.outputs(b));
  Conversion whole;
  const size_t step = layout.fixed_batch() ? layout.chunk() : 1;
  for (size_t sample = part.begin; sample < part.end; sample += step) {
    const size_t count = std::min(step, layout.samples() - sample);
    ASSAY_TRY(const auto inputs_a, layout.inputs(a, sample, count));
    ASSAY_TRY(const auto inputs_b, layout.inputs(b, sample, count));
    ASSAY_TRY(Seen seen, compare_sample(pairing.a, pairing.b, inputs_a, inputs_b, matches));
    Outcome outcome = seen.outputs <= kSame ? Outcome::same : Outcome::changed;
    if (outcome == Outcome::changed && (pairing.rounded_a || pairing.rounded_b)) {
      Exact& left = pairing.rounded_a ? *pairing.rounded_a : pairing.a;
      Exact& right = pairing.rounded_b ? *pairing.rounded_b : pairing.b;
      ASSAY_TRY(const Seen again, compare_sample(left, right, inputs_a, inputs_b, matches));
      if (again.outputs <= kSame || seen.outputs <= kNarrow)
        outcome = Outcome::narrowed;
      else
        seen = again;
    }
    Conversion one = told(seen, outcome, model_a, model_b, matches, first_sample + static_cast<int64_t>(sample));
    one.samples = count;
    whole.merge(one);
  }
  return whole;
}

}  // namespace assay::audit

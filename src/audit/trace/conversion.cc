#include "audit/trace/conversion.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "audit/trace/apart.h"
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

// How often the effect of a unit in the last place of each constant that is none of the other model's is allowed for:
// a merged constant is rounded some times, by half a unit each.
constexpr double kUnits = 4;
// Which labels of a map rounding tips over is chance: one more than did says nothing where there are so many.
constexpr int64_t kMany = 1024;
double one_by_chance(const Tensor& output) {
  const bool jumps = !output.is_list() && !ir::is_float(output.elem()) && output.size() >= kMany;
  return jumps ? 1 / static_cast<double>(output.size()) : 0;
}

/// One value that both models have.
struct Match {
  ValueId reference, candidate;
  size_t position;  ///< in order of the reference's execution; outputs that no operation writes come last
};

/// What both models have: values that operations write, and outputs with their places among the outputs of each.
struct Matches {
  std::vector<Match> values;
  struct Output {
    size_t reference, candidate;
    Match match;
  };
  std::vector<Output> outputs;
  /// Where no output is a floating-point number: the last of `values` before them, since what jumps tells little.
  std::vector<Match> watched;
};

std::string type_of(const ir::Op& op) { return op.domain.empty() ? op.type : op.domain + "." + op.type; }

bool is_float_tensor(const ir::Value& value) { return value.type.is_tensor() && ir::is_float(value.type.elem); }

/// What `op` reads, and what that is made of, back to the nearest values that are known; those too.
void for_each_before(const Graph& a, const std::unordered_set<ValueId>& known, ir::OpId op,
                     const std::function<void(ValueId)>& see) {
  std::vector<bool> seen(a.ops.size());
  std::vector<ir::OpId> left = {op};
  while (!left.empty()) {
    const ir::Op& at = a.ops[left.back()];
    left.pop_back();
    for (const ValueId v : at.inputs) {
      if (v == ir::kNoValue || a.at(v).producer == ir::kNoOp) continue;
      see(v);
      if (known.contains(v) || seen[a.at(v).producer]) continue;
      seen[a.at(v).producer] = true;
      left.push_back(a.at(v).producer);
    }
  }
}

std::unordered_set<ValueId> matched(const std::vector<Match>& matches) {
  std::unordered_set<ValueId> out;
  for (const Match& m : matches) out.insert(m.reference);
  return out;
}

std::vector<Match> watched(const Graph& a, const Matches& matches) {
  std::set<ValueId> last;
  const auto known = matched(matches.values);
  for (const Matches::Output& output : matches.outputs) {
    const ir::Value& value = a.at(output.match.reference);
    if (is_float_tensor(value)) return {};
    if (value.producer == ir::kNoOp) continue;
    for_each_before(a, known, value.producer, [&](ValueId v) {
      if (known.contains(v)) last.insert(v);
    });
  }
  std::vector<Match> out;
  std::ranges::copy_if(matches.values, std::back_inserter(out),
                       [&](const Match& m) { return last.contains(m.reference); });
  return out;
}

Matches matches_of(const Graph& a, const Graph& b, const std::vector<size_t>& outputs) {
  std::unordered_map<std::string, ValueId> names;
  for (ValueId v = 0; v < b.values.size(); ++v) {
    if (b.at(v).producer == ir::kNoOp || !is_float_tensor(b.at(v))) continue;
    names.emplace(b.at(v).name, v);
    if (!b.at(v).file_name.empty()) names.emplace(b.at(v).file_name, v);
  }
  std::vector<ValueId> partner(a.values.size(), ir::kNoValue);
  for (ValueId v = 0; v < a.values.size(); ++v)
    if (const auto found = names.find(a.at(v).name); found != names.end()) partner[v] = found->second;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] == kNoPort) continue;
    partner[a.outputs[i]] = b.outputs[outputs[i]];
  }
  Matches matches;
  for (const ir::Op& op : a.ops)
    for (const ValueId v : op.outputs)
      if (v != ir::kNoValue && partner[v] != ir::kNoValue && is_float_tensor(a.at(v)) &&
          b.at(partner[v]).producer != ir::kNoOp)
        matches.values.push_back({v, partner[v], matches.values.size()});
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i] != kNoPort)
      matches.outputs.push_back(
          {i, outputs[i], {a.outputs[i], b.outputs[outputs[i]], matches.values.size() + matches.outputs.size()}});
  matches.watched = watched(a, matches);
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

  /// The outputs.
  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs,
                                  const std::function<void(ValueId, const Tensor&)>& see) {
    std::vector<Tensor> given;
    for (const Tensor& input : inputs) given.push_back(widened(input));
    const auto visit = [&](ir::OpId op, size_t output, std::span<const exec::LockstepValue> values) {
      const Tensor* value = values[0].own;
      if (value != nullptr && !value->is_list() && ir::is_float(value->elem()))
        see(model_->ops[op].outputs[output], *value);
    };
    ASSAY_TRY(auto outputs, engine_->run(given, 1, visit));
    return std::move(outputs[0]);
  }

 private:
  std::shared_ptr<const Graph> model_;
  std::unique_ptr<exec::Lockstep> engine_;
};

/// What a model computes of what is judged.
struct Values {
  std::vector<Tensor> outputs;
  std::vector<Tensor> watched;  ///< as in Matches; empty ones where they were not computed
};

/// Keeps what is watched as it is computed.
void watch(const Matches& matches, ValueId Match::*side, ValueId v, const Tensor& value, Values& into) {
  into.watched.resize(matches.watched.size());
  for (size_t i = 0; i < matches.watched.size(); ++i)
    if (matches.watched[i].*side == v) into.watched[i] = value.copy();
}

Result<Values> values_of(Exact& model, std::span<const Tensor> inputs, const Matches& matches, ValueId Match::*side) {
  Values out;
  ASSAY_TRY(out.outputs,
            model.run(inputs, [&](ValueId v, const Tensor& value) { watch(matches, side, v, value, out); }));
  return out;
}

/// Of what is watched. A converter that turns a value leaves nothing to compare.
std::vector<double> watched_apart(const Values& a, const Values& b) {
  std::vector<double> out(std::min(a.watched.size(), b.watched.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const Tensor &x = a.watched[i], &y = b.watched[i];
    if (std::ranges::equal(x.dims(), y.dims())) out[i] = apart(x, y).judged;
  }
  return out;
}

/// What both models say on one sample.
struct Seen {
  bool told = false;             ///< an output has an element that says something
  std::vector<double> outputs;   ///< how far each is apart
  const Match* first = nullptr;  ///< the first value further apart than float64's rounding
  Apart distance;                ///< there
  uint64_t compared = 0;
  Values reference, candidate;
  [[nodiscard]] bool same() const {
    return std::ranges::all_of(outputs, [](double d) { return d <= kSame; });
  }
};

Result<Seen> compare_sample(Exact& a, Exact& b, std::span<const Tensor> inputs_a, std::span<const Tensor> inputs_b,
                            const Matches& matches) {
  std::unordered_map<ValueId, Tensor> kept;  // the reference's, until the candidate has computed its own
  std::unordered_map<ValueId, std::vector<const Match*>> by_candidate;
  std::unordered_map<ValueId, size_t> wanted;
  for (const Match& m : matches.values) by_candidate[m.candidate].push_back(&m), ++wanted[m.reference];
  Seen seen;
  const auto keep = [&](ValueId v, const Tensor& value) {
    watch(matches, &Match::reference, v, value, seen.reference);
    if (wanted.contains(v)) kept.emplace(v, value.copy());
  };
  ASSAY_TRY(seen.reference.outputs, a.run(inputs_a, keep));
  const auto note = [&](const Match& m, const Apart& distance) {
    ++seen.compared;
    if (distance.relative <= kSame || (seen.first != nullptr && seen.first->position <= m.position)) return;
    seen.first = &m;
    seen.distance = distance;
  };
  const auto compare = [&](ValueId v, const Tensor& value) {
    watch(matches, &Match::candidate, v, value, seen.candidate);
    const auto found = by_candidate.find(v);
    if (found == by_candidate.end()) return;
    for (const Match* m : found->second) {
      const auto reference = kept.find(m->reference);
      if (reference == kept.end()) continue;
      const bool comparable = reference->second.size() == value.size();  // not where a window or its padding differs
      note(*m, comparable ? apart(reference->second, value) : kNothingAlike);
      if (--wanted[m->reference] == 0) kept.erase(reference);
    }
  };
  ASSAY_TRY(seen.candidate.outputs, b.run(inputs_b, compare));
  for (const Matches::Output& output : matches.outputs) {
    const Apart distance =
        outputs_apart(seen.reference.outputs[output.reference], seen.candidate.outputs[output.candidate]);
    seen.told = seen.told || distance.told;
    seen.outputs.push_back(distance.judged);
    if (distance.relative > kSame && seen.first == nullptr) note(output.match, distance);
  }
  return seen;
}

/// Between the nearest values that both have and this one: those of the reference alone.
std::vector<std::pair<std::string, std::string>> absent_before(const Graph& a, const std::vector<Match>& matches,
                                                               ir::OpId parted) {
  const auto known = matched(matches);
  std::set<ValueId> found;
  for_each_before(a, known, parted, [&](ValueId v) {
    if (!known.contains(v) && is_float_tensor(a.at(v))) found.insert(v);
  });
  std::vector<ValueId> sorted(found.begin(), found.end());
  std::ranges::stable_sort(sorted, {}, [&](ValueId v) { return a.at(v).producer; });
  std::vector<std::pair<std::string, std::string>> out;
  out.reserve(sorted.size());
  for (const ValueId v : sorted) out.emplace_back(a.at(v).name, type_of(a.ops[a.at(v).producer]));
  return out;
}

Conversion told(const Seen& seen, Conversion::Outcome outcome, const Graph& a, const Graph& b, const Matches& matches,
                int64_t sample) {
  using Outcome = Conversion::Outcome;
  Conversion out;
  out.outcome = outcome;
  out.samples = 1;
  out.compared = seen.compared;
  if (outcome == Outcome::unknown || seen.first == nullptr) return out;
  out.position = seen.first->position;
  out.reference = a.at(seen.first->reference).name;
  out.candidate = b.at(seen.first->candidate).name;
  if (const ir::OpId op = a.at(seen.first->reference).producer; op != ir::kNoOp) {
    out.type = type_of(a.ops[op]);
    if (outcome == Outcome::changed) out.absent = absent_before(a, matches.values, op);
  }
  out.sample = sample;
  out.max_abs = seen.distance.max_abs;
  out.max_rel = seen.distance.relative;
  return out;
}

/// Which model has constants of 16 bits that the other has in 32: declared as such, or rounded and widened again.
struct Rounding {
  bool of_b = false;
  Narrow like;
};
std::optional<Rounding> rounding_of(const Graph& a, const Graph& b) {
  const Narrow narrow_a = narrow_constants(a), narrow_b = narrow_constants(b);
  if (narrow_a.type && narrow_b.type) return std::nullopt;
  if (narrow_a.type) return Rounding{false, narrow_a};
  if (narrow_b.type) return Rounding{true, narrow_b};
  for (const ir::ElemType type : {ir::ElemType::float16, ir::ElemType::bfloat16})
    for (const bool of_b : {true, false}) {
      Narrow found = of_b ? rounded_constants(b, a, type) : rounded_constants(a, b, type);
      if (found.type) return Rounding{of_b, std::move(found)};
    }
  return std::nullopt;
}

/// The models. Where one alone has constants in 16 bits, the other with its own rounded likewise too.
struct Pairing {
  Graph model_a, model_b;  ///< what is moved: constants as declared, or rounded
  Exact a, b;
  std::optional<Exact> rounded_a, rounded_b;
  static Result<Pairing> create(const Graph& a, const Graph& b, const std::shared_ptr<const Threads>& threads) {
    Pairing out{a, b, {}, {}, {}, {}};
    ASSAY_TRY(out.a, Exact::create(widened(a), threads));
    ASSAY_TRY(out.b, Exact::create(widened(b), threads));
    const auto rounding = rounding_of(a, b);
    if (!rounding) return out;
    Graph& wide = rounding->of_b ? out.model_a : out.model_b;
    wide = rounded_like(wide, rounding->like);
    ASSAY_TRY((rounding->of_b ? out.rounded_a : out.rounded_b), Exact::create(wide, threads));
    return out;
  }
};

/// Both models with those constants moved that the other has not: made where a sample asks for them.
class Moved {
 public:
  Moved(const Pairing& pairing, std::shared_ptr<const Threads> threads)
      : pairing_(&pairing), threads_(std::move(threads)) {}

  /// How far each value of what `seen` judges moves: the outputs, and what is watched.
  struct Most {
    std::vector<double> outputs, watched;
  };
  Result<Most> most(std::span<const Tensor> inputs_a, std::span<const Tensor> inputs_b, const Matches& matches,
                    const Seen& seen) {
    if (!a_) ASSAY_CHECK(create());
    ASSAY_TRY(const Values of_a, values_of(*a_, inputs_a, matches, &Match::reference));
    ASSAY_TRY(const Values of_b, values_of(*b_, inputs_b, matches, &Match::candidate));
    Most most{{}, watched_apart(seen.reference, of_a)};
    for (const auto& [reference, candidate, match] : matches.outputs)
      most.outputs.push_back(
          std::max(outputs_apart(seen.reference.outputs[reference], of_a.outputs[reference]).judged,
                   outputs_apart(seen.candidate.outputs[candidate], of_b.outputs[candidate]).judged) +
          one_by_chance(seen.reference.outputs[reference]));
    const auto watched_b = watched_apart(seen.candidate, of_b);
    for (size_t i = 0; i < std::min(watched_b.size(), most.watched.size()); ++i)
      most.watched[i] = std::max(most.watched[i], watched_b[i]);
    return most;
  }

 private:
  Status create() {
    const Graph &a = pairing_->model_a, &b = pairing_->model_b;
    ASSAY_TRY(a_, Exact::create(moved_but(a, numbers_in(b)), threads_));
    ASSAY_TRY(b_, Exact::create(moved_but(b, numbers_in(a)), threads_));
    return {};
  }

  const Pairing* pairing_;
  std::shared_ptr<const Threads> threads_;
  std::optional<Exact> a_, b_;
};

/// Whether each of these distances is one that moved constants make too. What they move infinitely far says nothing of
/// how far apart the two models are.
bool explained(const std::vector<double>& distances, const std::vector<double>& most) {
  for (size_t i = 0; i < std::min(distances.size(), most.size()); ++i)
    if (distances[i] > kSame && !(std::isfinite(most[i]) && distances[i] <= kUnits * most[i])) return false;
  return true;
}

/// Whether the rounding of constants explains how far the outputs in `seen` are apart. Where it does not, `seen`
/// becomes what parts with constants rounded alike.
Result<bool> constants_explain(Pairing& pairing, Moved& moved, std::span<const Tensor> inputs_a,
                               std::span<const Tensor> inputs_b, const Matches& matches, Seen& seen) {
  std::optional<Seen> again;
  if (pairing.rounded_a) {
    ASSAY_TRY(again, compare_sample(*pairing.rounded_a, pairing.b, inputs_a, inputs_b, matches));
  }
  if (pairing.rounded_b) {
    ASSAY_TRY(again, compare_sample(pairing.a, *pairing.rounded_b, inputs_a, inputs_b, matches));
  }
  Seen& last = again ? *again : seen;
  if (last.same()) return true;
  ASSAY_TRY(const auto most, moved.most(inputs_a, inputs_b, matches, last));
  if (explained(last.outputs, most.outputs) && explained(watched_apart(last.reference, last.candidate), most.watched))
    return true;
  if (again) seen = std::move(*again);
  return false;
}

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
  Moved moved(pairing, workers);
  const Matches matches = matches_of(model_a, model_b, layout.outputs(b));
  Conversion whole;
  const size_t step = layout.fixed_batch() ? layout.chunk() : 1;
  for (size_t sample = part.begin; sample < part.end; sample += step) {
    const size_t count = std::min(step, layout.samples() - sample);
    ASSAY_TRY(const auto inputs_a, layout.inputs(a, sample, count));
    ASSAY_TRY(const auto inputs_b, layout.inputs(b, sample, count));
    ASSAY_TRY(Seen seen, compare_sample(pairing.a, pairing.b, inputs_a, inputs_b, matches));
    Outcome outcome = !seen.told ? Outcome::unknown : seen.same() ? Outcome::same : Outcome::changed;
    if (outcome == Outcome::changed) {
      ASSAY_TRY(const bool explained, constants_explain(pairing, moved, inputs_a, inputs_b, matches, seen));
      if (explained) outcome = Outcome::narrowed;
    }
    Conversion one = told(seen, outcome, model_a, model_b, matches, first_sample + static_cast<int64_t>(sample));
    one.samples = count;
    whole.merge(one);
  }
  return whole;
}

}  // namespace assay::audit

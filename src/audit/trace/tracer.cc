#include "audit/trace/tracer.h"

#include <algorithm>
#include <mutex>

#include "audit/trace/reorder.h"
#include "audit/trace/rows.h"
#include "backends/engine.h"
#include "exec/lockstep.h"
#include "passes/resolve.h"

namespace assay::audit {
namespace {
using backends::Program;
using exec::LockstepValue;
using ir::Tensor;

constexpr int64_t kBeside = int64_t{1} << 15;  // elements from which on comparisons run beside each other

/// How one value falls into the samples of a run: alike parts along the first axis, or one part that is the first's.
struct Parts {
  size_t count = 1;
  int64_t each = 0;
};
Parts parts_of(const Tensor& value, size_t samples) {
  const bool cut = samples > 1 && value.rank() > 0 && value.dims()[0] % static_cast<int64_t>(samples) == 0;
  const size_t count = cut ? samples : 1;
  return {count, value.size() / static_cast<int64_t>(count)};
}

bool is_comparable(const Tensor* value) { return value != nullptr && !value->is_list() && ir::is_float(value->elem()); }

/// The counts of one worker.
struct Counts {
  std::vector<Range> reference;           ///< by row
  std::vector<Distance> exact_reference;  ///< by row
  std::vector<std::vector<TraceOp>> ops;  ///< by traced candidate and row
  std::unique_ptr<exec::Lockstep> engine;
};

}  // namespace

struct Tracer::State {
  std::shared_ptr<const ir::Graph> model;
  std::vector<backends::Port> inputs;
  TraceOptions options;
  std::shared_ptr<const Threads> threads, one_thread;
  bool concurrent = false, exact = false;
  std::vector<exec::LockstepProgram> programs;  ///< reference, traced candidates; then float64, reordered candidates
  size_t traced = 0;
  std::vector<size_t> lane_of;  ///< by candidate: its program; 0: passed over
  std::vector<TraceResult> results;
  std::vector<TraceRow> rows;
  std::vector<std::vector<size_t>> rows_of;  ///< by operation; at most one
  Ends reference_ends_of(size_t row) const { return ends_of(rows[row], *model, *programs[0].graph); }
  std::vector<std::vector<Ends>> ends;  ///< by program (reference, candidates) and row

  std::mutex mutex;
  std::vector<std::unique_ptr<Counts>> idle;
  uint64_t samples = 0, exact_samples = 0;

  void add_candidate(size_t candidate, Program& program);
  Status add_exact();
  Result<std::unique_ptr<Counts>> take();
  void see(Counts& counts, size_t row, std::span<const LockstepValue> values, int64_t first, size_t samples) const;
  void see_candidate(TraceOp& into, const LockstepValue& reference, const LockstepValue& candidate,
                     const std::vector<SampleKind>& kinds, const Ends& ends, int64_t first, size_t samples) const;
};

namespace {

/// Adds all samples of two values; those of different shapes are counted only.
void add(Distance& into, const Tensor* a, const Tensor* b, int64_t first, size_t samples) {
  if (!is_comparable(a) || !is_comparable(b)) return;
  if (a->dims() != b->dims()) {
    into.misshapen += parts_of(*a, samples).count;
    return;
  }
  const Parts parts = parts_of(*a, samples);
  for (size_t s = 0; s < parts.count; ++s)
    add_distance(into, *a, *b, static_cast<int64_t>(s) * parts.each, parts.each, first + static_cast<int64_t>(s));
}

std::vector<SampleKind> add(Range& into, const Tensor& value, const Ends& ends, int64_t first, size_t samples) {
  const Parts parts = parts_of(value, samples);
  std::vector<SampleKind> kinds;
  for (size_t s = 0; s < parts.count; ++s)
    kinds.push_back(add_range(into, value, static_cast<int64_t>(s) * parts.each, parts.each,
                              first + static_cast<int64_t>(s), ends));
  return kinds;
}

void add_lost(TraceOp& into, const std::vector<SampleKind>& reference, const std::vector<SampleKind>& candidate,
              int64_t first) {
  for (size_t s = 0; s < std::min(reference.size(), candidate.size()); ++s) {
    const SampleKind &r = reference[s], &c = candidate[s];
    const int64_t sample = first + static_cast<int64_t>(s);
    if (c.infinite && !r.infinite && !r.nan) into.infinite.add(sample);
    if (c.nan && !r.nan) into.nan.add(sample);
    if (c.all_nan && !r.all_nan) into.all_nan.add(sample);
    if (c.all_zero && !r.all_zero) into.all_zero.add(sample);
  }
}

void note_dims(TraceOp& into, const Tensor& value, int64_t first) {
  if (into.first_sample >= 0 && into.first_sample <= first) return;
  into.first_sample = first;
  into.dims = ir::to_string(value.dims());
}

}  // namespace

std::optional<Warning> untraced(const Program& reference, const Program& candidate) {
  const auto model = reference.model(), own = candidate.model();
  if (!model || own == model || (own && candidate.identity() == reference.identity())) return std::nullopt;
  const std::string& text = candidate.text();
  if (!own)
    return Warning{Code::passed_over, "this program is not traced: the engine does not run it", text,
                   "trace a profile or an emulated provider beside it"};
  const size_t at = text.rfind('@');
  const std::string file = text.substr(0, at), profile = at == std::string::npos ? "" : text.substr(at + 1);
  return Warning{Code::passed_over, "this program is not traced: it is another model than the reference's", text,
                 "give " + file + " as the MODEL" + (profile.empty() ? "" : " and " + profile + " as the candidate") +
                     ": that traces it against its own float32"};
}

Result<std::unique_ptr<Tracer>> Tracer::create(Program& reference, std::span<Program* const> candidates,
                                               const TraceOptions& options, std::shared_ptr<const Threads> threads) {
  auto state = std::make_unique<State>();
  state->model = reference.model();
  if (!state->model)
    return Error{Code::usage, "cannot be traced: the engine does not run it", reference.text(),
                 "trace against a profile or an emulated provider"};
  state->options = options;
  state->threads = threads != nullptr ? std::move(threads) : std::make_shared<const Threads>(1);
  state->one_thread = std::make_shared<const Threads>(1);
  state->inputs = reference.inputs();
  state->rows = trace_rows(*state->model);
  state->rows_of.resize(state->model->ops.size());
  for (size_t i = 0; i < state->rows.size(); ++i) state->rows_of[state->rows[i].op] = {i};
  state->programs.push_back({reference.resolved(0), false});
  state->ends.emplace_back();
  for (size_t i = 0; i < state->rows.size(); ++i) state->ends[0].push_back(state->reference_ends_of(i));
  state->lane_of.resize(candidates.size());
  for (size_t c = 0; c < candidates.size(); ++c) state->add_candidate(c, *candidates[c]);
  state->traced = state->programs.size() - 1;
  state->exact = state->traced > 0 && options.first_sample >= 0 &&
                 static_cast<uint64_t>(options.first_sample) < options.exact_samples;
  if (state->exact) ASSAY_CHECK(state->add_exact());
  return std::unique_ptr<Tracer>(new Tracer(std::move(state)));
}

void Tracer::State::add_candidate(size_t candidate, Program& program) {
  const auto own = program.model();
  if (!own || (own != model && program.identity() != backends::identity_of(*model))) return;
  lane_of[candidate] = programs.size();
  programs.push_back({program.resolved(0), options.introduced});
  TraceResult result;
  result.variant = program.variants()[0];
  std::vector<Ends> own_ends;
  for (const TraceRow& row : rows) {
    result.ops.push_back(describe_row(row, *model, *programs.back().graph));
    own_ends.push_back(ends_of(row, *model, *programs.back().graph));
  }
  result.noise_order = reorder_sums(*programs.back().graph).words;
  ends.push_back(std::move(own_ends));
  results.push_back(std::move(result));
}

Status Tracer::State::add_exact() {
  const profiles::Profile* profile = profiles::built_in_profile("f64");
  if (profile == nullptr) return Error{Code::internal, "there is no built-in profile f64"};
  ASSAY_TRY(ir::Graph exact_graph, passes::resolve(*model, *profile, 0));
  programs.push_back({std::make_shared<const ir::Graph>(std::move(exact_graph)), false});
  for (size_t t = 0; t < traced; ++t)
    programs.push_back(
        {std::make_shared<const ir::Graph>(reorder_sums(*programs[1 + t].graph).graph), options.introduced});
  return {};
}

Tracer::Tracer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tracer::~Tracer() = default;

bool Tracer::traces(size_t candidate) const { return state_->lane_of[candidate] > 0; }

void Tracer::set_concurrent(bool concurrent) { state_->concurrent = concurrent; }

Result<std::unique_ptr<Counts>> Tracer::State::take() {
  {
    const std::lock_guard lock(mutex);
    if (!idle.empty()) {
      auto counts = std::move(idle.back());
      idle.pop_back();
      return counts;
    }
  }
  auto counts = std::make_unique<Counts>();
  counts->reference.resize(rows.size());
  counts->exact_reference.resize(rows.size());
  for (const TraceResult& result : results) counts->ops.push_back(result.ops);
  ASSAY_TRY(counts->engine, exec::Lockstep::create(model, programs, concurrent ? one_thread : threads));
  return counts;
}

void Tracer::State::see_candidate(TraceOp& into, const LockstepValue& reference, const LockstepValue& candidate,
                                  const std::vector<SampleKind>& kinds, const Ends& candidate_ends, int64_t first,
                                  size_t count) const {
  note_dims(into, *reference.own, first);
  if (!is_comparable(candidate.own)) return;
  const Tensor &r = *reference.own, &c = *candidate.own;
  if (r.dims() != c.dims()) {
    into.accumulated.misshapen += parts_of(r, count).count;
    return add_lost(into, kinds, add(into.candidate, c, candidate_ends, first, count), first);
  }
  const Parts parts = parts_of(r, count);
  std::vector<SampleKind> own;
  for (size_t s = 0; s < parts.count; ++s)
    own.push_back(add_compared(into.accumulated, into.candidate, r, c, static_cast<int64_t>(s) * parts.each, parts.each,
                               first + static_cast<int64_t>(s), candidate_ends));
  add_lost(into, kinds, own, first);
}

void Tracer::State::see(Counts& counts, size_t row, std::span<const LockstepValue> values, int64_t first,
                        size_t count) const {
  const Tensor* reference = values[0].own;
  if (!is_comparable(reference)) return;
  const std::vector<SampleKind> kinds = add(counts.reference[row], *reference, ends[0][row], first, count);
  std::vector<std::function<void()>> tasks;
  const bool with_exact = values.size() > 1 + traced;
  const Tensor* exact_value = with_exact ? values[1 + traced].own : nullptr;
  for (size_t t = 0; t < traced; ++t) {
    TraceOp& op = counts.ops[t][row];
    const LockstepValue& own = values[1 + t];
    tasks.emplace_back([&, t] { see_candidate(op, values[0], own, kinds, ends[1 + t][row], first, count); });
    if (own.fed != nullptr) tasks.emplace_back([&] { add(op.introduced, reference, own.fed, first, count); });
    if (!with_exact) continue;
    const LockstepValue& other = values[2 + traced + t];
    tasks.emplace_back([&] { add(op.exact_candidate, exact_value, own.own, first, count); });
    tasks.emplace_back([&] {
      add(op.noise_accumulated, own.own, other.own, first, count);
      add(op.noise_introduced, own.fed, other.fed, first, count);
    });
  }
  if (with_exact) tasks.emplace_back([&] { add(counts.exact_reference[row], exact_value, reference, first, count); });
  const auto some = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) tasks[i]();
  };
  concurrent || reference->size() < kBeside ? some(0, tasks.size()) : threads->for_each(tasks.size(), 1, some);
}

Result<std::vector<std::vector<Tensor>>> Tracer::run(std::span<const Tensor> inputs, size_t first, size_t count) {
  State& state = *state_;
  ASSAY_CHECK(backends::check_sizes(state.inputs, inputs));
  const int64_t global = state.options.first_sample + static_cast<int64_t>(first);
  const bool exact = state.exact && static_cast<uint64_t>(global) + count <= state.options.exact_samples;
  const size_t lanes = exact ? state.programs.size() : 1 + state.traced;
  ASSAY_TRY(auto counts, state.take());
  const auto visit = [&](ir::OpId op, size_t output, std::span<const LockstepValue> values) {
    for (const size_t row : state.rows_of[op])
      if (state.rows[row].output == output) state.see(*counts, row, values, global, count);
  };
  ASSAY_TRY(auto outputs, counts->engine->run(inputs, lanes, visit));
  const std::lock_guard lock(state.mutex);
  state.idle.push_back(std::move(counts));
  state.samples += count;
  if (exact) state.exact_samples += count;
  std::vector<std::vector<Tensor>> all = {std::move(outputs[0])};
  for (const size_t lane : state.lane_of) all.push_back(lane > 0 ? std::move(outputs[lane]) : std::vector<Tensor>{});
  return all;
}

std::vector<std::optional<TraceResult>> Tracer::finish() {
  State& state = *state_;
  for (size_t t = 0; t < state.traced; ++t) {
    TraceResult& result = state.results[t];
    result.samples = state.samples;
    result.exact_samples = state.exact_samples;
    for (const auto& counts : state.idle) {
      for (size_t i = 0; i < result.ops.size(); ++i) {
        counts->ops[t][i].reference = counts->reference[i];
        counts->ops[t][i].exact_reference = counts->exact_reference[i];
        result.ops[i].merge(counts->ops[t][i]);
      }
    }
  }
  std::vector<std::optional<TraceResult>> all;
  for (const size_t lane : state.lane_of)
    lane > 0 ? all.emplace_back(std::move(state.results[lane - 1])) : all.emplace_back(std::nullopt);
  return all;
}

}  // namespace assay::audit

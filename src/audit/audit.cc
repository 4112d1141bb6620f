#include "audit/audit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <set>

#include "audit/decision/score.h"
#include "audit/forecast/prover.h"
#include "audit/layout.h"
#include "audit/trace/conversion.h"
#include "audit/trace/tracer.h"
#include "base/text.h"
#include "ir/text.h"

namespace assay::audit {
namespace {
using backends::Program;
using ir::Tensor;

constexpr int64_t kMostSamples = int64_t{1} << 60;  // what a report may count to

// What one run of one program over a chunk of samples says.
struct Ran {
  std::vector<Tensor> outputs;
  std::vector<Judged> judged;  // one per sample
};

bool finite_part(const Tensor& t, int64_t begin, int64_t count) {
  if (t.elem() == ir::ElemType::float32) {
    const auto* bits = t.data<uint32_t>() + begin;
    bool finite = true;
    for (int64_t i = 0; i < count; ++i) finite &= (bits[i] & 0x7f800000u) != 0x7f800000u;
    return finite;
  }
  if (!ir::is_float(t.elem())) return true;
  for (int64_t i = 0; i < count; ++i)
    if (!std::isfinite(t.float_at(begin + i))) return false;
  return true;
}

SampleValue sample_of(const Tensor& t, const Layout::Cut& cut, int64_t sample) {
  SampleValue value{cut.dims, std::vector<double>(static_cast<size_t>(cut.each))};
  for (int64_t i = 0; i < cut.each; ++i) value.values[static_cast<size_t>(i)] = t.float_at(sample * cut.each + i);
  return value;
}

size_t columns_of(const SampleValue& score) {
  return score.dims.empty() ? 1 : static_cast<size_t>(std::max<int64_t>(score.dims.back(), 1));
}

// A program and one of its variants.
using Source = std::pair<size_t, size_t>;

// Outputs that several (program, variant) pairs of one chunk share.
using Shared = std::map<Source, std::vector<Tensor>>;

// Counts of one worker; workers are put together at the end, in any order.
struct Partial {
  Tally reference;
  std::vector<CandidateResult> candidates;
};

class Auditor {
 public:
  Auditor(Program& reference, std::span<Program* const> candidates, std::span<const int64_t> labels,
          const AuditOptions& options)
      : labels_(labels), options_(options), judge_(options.rule, ir::ElemType::float64) {
    programs_.push_back(&reference);
    programs_.insert(programs_.end(), candidates.begin(), candidates.end());
  }

  Result<AuditResult> run(const Arrays& data, Warnings& warnings) {
    ASSAY_TRY(layout_, Layout::create(programs_, data, Samples::Whole::refused, warnings));
    ASSAY_CHECK(choose_score());
    ASSAY_CHECK(check_labels());
    if (options_.trace) layout_->one_by_one();
    ASSAY_TRY(part_, layout_->part(options_.begin, options_.count));
    if (options_.proof)
      prover_ = std::make_unique<Prover>(programs_, *layout_, *score_, judge_, result_.score_type,
                                         static_cast<size_t>(options_.first_sample), options_.threads);
    describe();
    find_twins();
    ASSAY_CHECK(start_trace());
    ASSAY_CHECK(compare_models());
    const auto body = [this](size_t first, size_t count) { return chunk(first, count); };
    ASSAY_CHECK(layout_->for_each(options_.threads.get(), body, part_));
    return finish();
  }

 private:
  void find_twins();
  Result<std::vector<Tensor>> outputs_of(Source wanted, size_t first, size_t count, Shared& shared) const;
  Status choose_score();
  Status check_labels() const;
  Status check_classes(size_t count, size_t columns);
  void describe();
  std::unique_ptr<Partial> take_partial();
  void give_back(std::unique_ptr<Partial> partial, size_t count);

  Status start_trace();
  Status compare_models();
  Status run_traced(size_t first, size_t count, Shared& shared);
  Status chunk(size_t first, size_t count);
  Status judge_samples(size_t program, Ran& ran, size_t count);
  Status judge_candidate(size_t c, const Ran& reference, size_t first, size_t count, Shared& shared,
                         CandidateResult& into);
  void tally(Tally& into, const Ran& ran, size_t program, size_t first, size_t count) const;
  Status differences(size_t c, const Ran& reference, const Ran& candidate, size_t first, size_t count,
                     VariantResult& into) const;
  Status classify(const Ran& reference, const std::vector<Ran>& variants, size_t first, size_t count,
                  CandidateResult& into);
  Result<bool> rounding_explains(const Ran& reference, size_t sample, size_t count, ir::ElemType storage,
                                 const Decision& decision) const;
  Result<AuditResult> finish();

  std::vector<Program*> programs_;
  std::span<const int64_t> labels_;
  const AuditOptions& options_;
  Judge judge_;
  std::optional<Layout> layout_;
  Layout::Part part_;
  std::optional<Score> score_;
  AuditResult result_;                                  // all but the counts
  std::map<Source, Source> twins_;                      // to the first that computes the same
  std::set<Source> shared_;                             // those firsts
  std::unique_ptr<Prover> prover_;                      // where a proof is asked for
  std::unique_ptr<Tracer> tracer_;                      // where a trace is asked for
  std::vector<std::optional<Conversion>> conversions_;  // by candidate

  std::mutex mutex_;
  std::optional<size_t> score_values_;  // per sample; known once the first chunk has run
  size_t done_ = 0;
  std::vector<std::unique_ptr<Partial>> idle_;
};

namespace {
std::vector<std::string> own_names(std::span<const backends::Port> ports) {
  std::vector<std::string> names;
  for (const backends::Port& port : ports) names.push_back(port.alias.empty() ? port.name : port.alias);
  return names;
}

// The number of ports: none is called so. A name comes before the file's own one.
size_t place_of(std::span<const backends::Port> ports, const std::string& name) {
  auto found = std::find_if(ports.begin(), ports.end(), [&](const backends::Port& port) { return port.name == name; });
  if (found == ports.end())
    found = std::find_if(ports.begin(), ports.end(), [&](const backends::Port& port) { return port.is_called(name); });
  return static_cast<size_t>(found - ports.begin());
}
}  // namespace

// The score of a detector whose outputs have the usual names; empty where they have not.
std::string boxes_among(std::span<const std::string> names) {
  const auto first = [&](std::initializer_list<const char*> wanted) -> std::string {
    for (const char* name : wanted)
      if (std::ranges::find(names, name) != names.end()) return name;
    return "";
  };
  const std::string boxes = first({"boxes", "detection_boxes"}), scores = first({"scores", "detection_scores"});
  const std::string classes = first({"classes", "labels", "detection_classes"});
  if (boxes.empty() || scores.empty()) return "";
  return "detections(" + boxes + ", " + scores + (classes.empty() ? "" : ", " + classes) + ")";
}

Status Auditor::choose_score() {
  const auto names = names_of(programs_[0]->outputs());
  if (!options_.score.empty()) {
    auto parsed = Score::parse(options_.score, names);
    if (!parsed.ok()) {  // a Core ML file has names of its own
      if (auto own = Score::parse(options_.score, own_names(programs_[0]->outputs())); own.ok())
        parsed = std::move(own);
    }
    ASSAY_TRY(score_, std::move(parsed));
  } else if (const std::string boxes = boxes_among(names);
             options_.rule.kind == Rule::Kind::boxes && options_.output.empty() && names.size() > 1 && !boxes.empty()) {
    ASSAY_TRY(score_, Score::parse(boxes, names));
  } else {
    size_t index = 0;
    if (!options_.output.empty()) {
      index = place_of(programs_[0]->outputs(), options_.output);
    } else if (names.size() != 1) {
      return Error{Code::bad_decision,
                   "the model has " + std::to_string(names.size()) + " outputs: " + join(names, ", "),
                   options_.rule.text(), "say which is the score: --output NAME, or --score EXPRESSION"};
    }
    if (index == names.size()) {
      const std::string near = did_you_mean(options_.output, names);
      return Error{Code::bad_decision, "no output is called '" + options_.output + "'; there are " + join(names, ", "),
                   "--output", near.empty() ? "name one of them" : "did you mean '" + near + "'?"};
    }
    score_ = Score::of_output(index, names[index]);
  }
  std::vector<ir::ElemType> types;
  for (const size_t i : score_->reads()) {
    types.push_back(programs_[0]->outputs()[i].type.elem);
    if (types.back() == ir::ElemType::string)
      return Error{Code::bad_decision, "output '" + names[i] + "' is text", score_->text(), "choose a numeric output"};
    for (size_t p = 1; p < programs_.size(); ++p)
      if (layout_->outputs(p)[i] == kNoPort)
        return Error{Code::data_missing, "the recording lacks output '" + names[i] + "', which the score reads",
                     programs_[p]->text(), "record it"};
  }
  result_.score = score_->text();
  result_.score_type = score_type(types);
  judge_ = Judge(options_.rule, result_.score_type);
  return {};
}

Status Auditor::check_labels() const {
  if (labels_.empty()) return {};
  if (!options_.rule.decides_class() && options_.rule.kind != Rule::Kind::topk)
    return Error{Code::bad_decision, "labels name a class, which " + options_.rule.text() + " does not decide",
                 "--labels", "leave them out, or use threshold, argmax or topk"};
  if (labels_.size() != layout_->samples())
    return Error{Code::labels_length,
                 std::to_string(labels_.size()) + " labels for " + std::to_string(layout_->samples()) + " samples",
                 "--labels", "give one label per sample, in the same order"};
  for (size_t i = 0; i < labels_.size(); ++i) {
    const bool binary = options_.rule.kind == Rule::Kind::threshold;
    if (labels_[i] < 0 || (binary && labels_[i] > 1))
      return Error{Code::labels_value, "label " + std::to_string(i) + " is " + std::to_string(labels_[i]), "--labels",
                   binary ? "a threshold decides 0 or 1" : "labels are class indices from 0"};
  }
  return {};
}

// Called with the first sample's score; all samples of all programs must have as many values.
Status Auditor::check_classes(size_t count, size_t columns) {
  const std::lock_guard lock(mutex_);
  if (score_values_ == count) return {};
  if (score_values_)
    return Error{
        Code::data_shape,
        "the score has " + std::to_string(*score_values_) + " and " + std::to_string(count) + " values per sample",
        score_->text(), "compare programs with the same output shapes"};
  ASSAY_CHECK(judge_.check(count, columns));
  if (options_.rule.kind != Rule::Kind::threshold) {
    const auto wrong = std::find_if(labels_.begin(), labels_.end(),
                                    [&](int64_t label) { return label >= static_cast<int64_t>(count); });
    if (wrong != labels_.end())
      return Error{Code::labels_value,
                   "label " + std::to_string(wrong - labels_.begin()) + " is " + std::to_string(*wrong) +
                       ", the score has " + std::to_string(count) + " classes",
                   "--labels", "labels are class indices from 0"};
  }
  score_values_ = count;
  return {};
}

ProgramInfo info_of(const Program& program) {
  const profiles::Profile* profile = program.profile();
  ProgramInfo info{program.text(), profile == nullptr ? "" : profile->name, program.identity(), program.emulated(),
                   profile == nullptr ? "" : profiles::identity_of(*profile)};
  if (program.provenance() != nullptr) info.recording = program.provenance()->recording;
  return info;
}

std::string describe_statement(const profiles::Statement& statement) {
  std::vector<std::string> to, settings;
  to.insert(to.end(), statement.match.ops.begin(), statement.match.ops.end());
  to.insert(to.end(), statement.match.classes.begin(), statement.match.classes.end());
  if (!statement.match.declared.empty()) to.push_back("declared " + statement.match.declared);
  if (statement.match.matrix_only) to.emplace_back("matrices only");
  for (const auto& [key, value] : statement.settings) settings.push_back(key + " = " + value);
  return (to.empty() ? std::string("every operation") : join(to, ", ")) + ": " + join(settings, ", ");
}

void add_evidence(const Program& program, CandidateResult& into) {
  const profiles::Profile* profile = program.profile();
  if (profile == nullptr) return;
  std::set<std::pair<std::string, std::string>> seen;
  for (const profiles::Variant& variant : profile->variants) {
    for (const profiles::Statement& s : variant.statements) {
      const std::string what = describe_statement(s);
      if (seen.emplace(what, s.evidence.source).second)
        into.evidence.push_back({what, "", s.evidence.source, s.evidence.certainty});
    }
  }
  for (const profiles::NotModelled& n : profile->not_modelled)
    into.not_modelled.push_back({n.what, n.reason, n.evidence.source, n.evidence.certainty});
}

void Auditor::describe() {
  result_.first_sample = options_.first_sample + static_cast<int64_t>(part_.begin);
  result_.samples = part_.end - part_.begin;
  result_.rule = options_.rule;
  result_.threshold = judge_.threshold();
  result_.labels = !labels_.empty();
  result_.expect = options_.expect;
  result_.reference = info_of(*programs_[0]);
  const bool threshold = options_.rule.kind == Rule::Kind::threshold;
  for (size_t p = 1; p < programs_.size(); ++p) {
    CandidateResult c;
    c.info = info_of(*programs_[p]);
    c.storage = programs_[p]->storage();
    c.forecast.emplace();
    if (prover_) prover_->describe(p - 1, c.forecast->proof);
    add_evidence(*programs_[p], c);
    const auto format = ir::elem_format(c.storage);
    if (threshold && format && score_->picks_outputs() && ir::elem_bits(c.storage) < ir::elem_bits(result_.score_type))
      c.interval = num::rounding_interval(judge_.threshold(),
                                          options_.rule.strict ? num::Comparison::above : num::Comparison::at_least,
                                          num::Rounding{.format = num::format(*format)});
    for (const std::string& name : programs_[p]->variants()) {
      VariantResult v;
      v.name = name;
      for (size_t i = 0; i < programs_[0]->outputs().size(); ++i)
        if (layout_->outputs(p)[i] != kNoPort) v.differences.emplace_back().output = programs_[0]->outputs()[i].name;
      c.variants.push_back(std::move(v));
    }
    result_.candidates.push_back(std::move(c));
  }
}

std::unique_ptr<Partial> Auditor::take_partial() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Partial>(Partial{{}, result_.candidates});
  auto partial = std::move(idle_.back());
  idle_.pop_back();
  return partial;
}

void Auditor::give_back(std::unique_ptr<Partial> partial, size_t count) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(partial));
  done_ += count;
  if (options_.progress) options_.progress(part_.begin + done_, layout_->samples());
}

Status Auditor::judge_samples(size_t program, Ran& ran, size_t count) {
  std::vector<Layout::Cut> cuts(programs_[0]->outputs().size());
  const auto& map = layout_->outputs(program);
  for (const size_t i : score_->reads()) {
    ASSAY_TRY(cuts[i], layout_->cut(ran.outputs[map[i]], count, programs_[0]->outputs()[i].name));
  }
  std::vector<SampleValue> values(cuts.size());
  for (size_t s = 0; s < count; ++s) {
    for (const size_t i : score_->reads()) {
      values[i] = sample_of(ran.outputs[map[i]], cuts[i], static_cast<int64_t>(s));
    }
    ASSAY_TRY(SampleValue score, score_->evaluate(values));
    round_to(result_.score_type, score.values);
    ASSAY_CHECK(check_classes(score.values.size(), columns_of(score)));
    ran.judged.push_back(judge_.judge(score.values, columns_of(score)));
  }
  return {};
}

void Auditor::tally(Tally& into, const Ran& ran, size_t program, size_t first, size_t count) const {
  const Rule::Kind kind = options_.rule.kind;
  for (size_t s = 0; s < count; ++s) {
    const Judged& judged = ran.judged[s];
    const Decision& d = judged.decision;
    if (options_.rule.decides_class() || d.undefined()) ++into.decisions[d.value];
    if (labels_.empty()) continue;
    const int64_t label = labels_[first + s];
    if (kind != Rule::Kind::topk) {
      ++into.cells[{label, d.value}];
    } else {
      const bool hit = std::binary_search(d.top.begin(), d.top.end(), label);
      ++into.cells[{1, d.undefined() ? Decision::kUndefined : hit ? 1 : 0}];
    }
    if (kind == Rule::Kind::threshold) into.buckets.add(judged.score, result_.score_type, label == 1);
  }
  const auto& map = layout_->outputs(program);
  for (size_t s = 0; s < count; ++s) {
    bool finite = true;
    for (const size_t o : map) {
      if (o == kNoPort) continue;
      const int64_t each = ran.outputs[o].size() / static_cast<int64_t>(count);
      finite = finite && finite_part(ran.outputs[o], static_cast<int64_t>(s) * each, each);
    }
    if (!finite) ++into.non_finite;
  }
}

Status Auditor::differences(size_t c, const Ran& reference, const Ran& candidate, size_t first, size_t count,
                            VariantResult& into) const {
  const auto n = static_cast<int64_t>(count);
  size_t d = 0;
  for (size_t i = 0; i < reference.outputs.size(); ++i) {
    const size_t o = layout_->outputs(c + 1)[i];
    if (o == kNoPort) continue;
    const Tensor &a = reference.outputs[i], &b = candidate.outputs[o];
    if (a.size() != b.size() || a.size() % n != 0)
      return Error{Code::data_shape,
                   "output '" + programs_[0]->outputs()[i].name + "' is " + ir::to_string(a.dims()) +
                       " in the reference and " + ir::to_string(b.dims()) + " here",
                   programs_[c + 1]->text(), "compare programs with the same output shapes"};
    const int64_t each = a.size() / n;
    for (int64_t s = 0; s < n; ++s)
      into.differences[d].add(a, b, s * each, s * each, each, options_.first_sample + static_cast<int64_t>(first) + s);
    add_lattice(into.lattice, b);
    ++d;
  }
  return {};
}

Result<bool> Auditor::rounding_explains(const Ran& reference, size_t sample, size_t count, ir::ElemType storage,
                                        const Decision& decision) const {
  std::vector<SampleValue> values(reference.outputs.size());
  for (const size_t i : score_->reads()) {
    ASSAY_TRY(const Layout::Cut cut, layout_->cut(reference.outputs[i], count, programs_[0]->outputs()[i].name));
    values[i] = sample_of(reference.outputs[i], cut, static_cast<int64_t>(sample));
    round_to(storage, values[i].values);
  }
  ASSAY_TRY(SampleValue score, score_->evaluate(values));
  round_to(result_.score_type, score.values);
  return judge_.same(judge_.judge(score.values, columns_of(score)).decision, decision);
}

void add_margin(Margins& margins, const Decision& decision, double margin, bool one_side) {
  if (decision.undefined()) {
    ++margins.undefined;
    return;
  }
  const bool negative = !one_side && decision.value == 0;
  if (margin == 0) {
    ++(negative ? margins.zero_negative : margins.zero_positive);
  } else {
    (negative ? margins.negative : margins.positive).add(std::isinf(margin) ? Histogram::kHigh : exponent_of(margin));
  }
}

Status Auditor::classify(const Ran& reference, const std::vector<Ran>& variants, size_t first, size_t count,
                         CandidateResult& into) {
  const bool one_side = options_.rule.kind != Rule::Kind::threshold;
  for (size_t s = 0; s < count; ++s) {
    const Judged &r = reference.judged[s], &p = variants[0].judged[s];
    const double margin = judge_.margin_ulp(r, r.decision, into.storage);
    add_margin(into.margins, r.decision, margin, one_side);
    add_sample(*into.forecast, judge_, r, p, !judge_.same(p.decision, r.decision), into.storage);
    Case found;
    const Decision* other = nullptr;
    for (size_t v = 0; v < variants.size(); ++v) {
      const Decision& d = variants[v].judged[s].decision;
      if (judge_.same(d, r.decision)) continue;
      if (other == nullptr) other = &d;
      ++into.variants[v].differs;
      found.variants.push_back(into.variants[v].name);
    }
    if (other == nullptr) {
      ++into.safe;
      continue;
    }
    found.sample = options_.first_sample + static_cast<int64_t>(first + s);
    if (!labels_.empty()) found.label = labels_[first + s];
    found.reference_score = r.score;
    found.candidate_score = p.score;
    found.reference_decision = r.decision;
    found.candidate_decision = p.decision;
    found.margin_ulp = margin;
    found.candidate_margin_ulp = judge_.margin_ulp(p, r.decision, into.storage);
    found.change = judge_.change(r.decision, *other);
    if (options_.rule.kind == Rule::Kind::tolerance) {
      const size_t worst = found.change.counts.back().second;
      found.reference_score = r.values[worst];
      found.candidate_score = p.values[worst];
      found.candidate_decision.value = judge_.same(p.decision, r.decision) ? 0 : 1;
    }
    found.reference_decision.values.clear();
    found.candidate_decision.values.clear();
    ASSAY_TRY(found.explained_by_output_rounding, rounding_explains(reference, s, count, into.storage, *other));
    (found.variants.size() == variants.size() ? into.flips : into.at_risk).push_back(std::move(found));
  }
  return {};
}

Status Auditor::judge_candidate(size_t c, const Ran& reference, size_t first, size_t count, Shared& shared,
                                CandidateResult& into) {
  std::vector<Ran> variants(into.variants.size());
  for (size_t v = 0; v < variants.size(); ++v) {
    Ran& ran = variants[v];
    ASSAY_TRY(ran.outputs, outputs_of({c + 1, v}, first, count, shared));
    ASSAY_CHECK(differences(c, reference, ran, first, count, into.variants[v]));
    ASSAY_CHECK(judge_samples(c + 1, ran, count));
    tally(into.variants[v].tally, ran, c + 1, first, count);
    ran.outputs.clear();
  }
  if (prover_) ASSAY_CHECK(prover_->prove(c, first, count, reference.judged, into.forecast->proof));
  return classify(reference, variants, first, count, into);
}

// Variants that resolve to the same program of the same model ("float32" of one profile, "fused-ascending" of another)
// run once.
void Auditor::find_twins() {
  std::map<std::pair<std::string, std::string>, Source> firsts;
  for (size_t p = 0; p < programs_.size(); ++p) {
    const size_t variants = p == 0 ? 1 : programs_[p]->variants().size();  // a reference runs its primary
    const std::string& model = p == 0 ? result_.reference.identity : result_.candidates[p - 1].info.identity;
    for (size_t v = 0; v < variants; ++v) {
      const auto graph = programs_[p]->resolved(v);
      if (!graph) continue;
      const auto [first, added] = firsts.try_emplace({model, ir::print(*graph)}, p, v);
      if (!added) twins_[{p, v}] = first->second;
    }
  }
  for (const auto& [twin, first] : twins_) shared_.insert(first);
}

Result<std::vector<Tensor>> Auditor::outputs_of(Source wanted, size_t first, size_t count, Shared& shared) const {
  if (const auto known = shared.find(wanted); known != shared.end()) return known->second;
  const auto twin = twins_.find(wanted);
  if (twin != twins_.end()) return shared.at(twin->second);
  ASSAY_TRY(std::vector<Tensor> outputs,
            layout_->run(wanted.first, wanted.second, first, count, static_cast<size_t>(options_.first_sample)));
  if (shared_.contains(wanted)) shared[wanted] = outputs;
  return outputs;
}

Status Auditor::start_trace() {
  if (!options_.trace) return {};
  TraceOptions wanted = *options_.trace;
  wanted.first_sample = options_.first_sample;
  if (static_cast<uint64_t>(result_.first_sample) >= wanted.exact_samples) wanted.exact_samples = 0;
  ASSAY_TRY(tracer_, Tracer::create(*programs_[0], std::span(programs_).subspan(1), wanted, options_.threads));
  tracer_->set_concurrent(layout_->runs_beside(options_.threads.get(), part_));
  return {};
}

// The first samples of the whole data set: parts of it that hold none compare none.
Status Auditor::compare_models() {
  const auto before = static_cast<uint64_t>(result_.first_sample);
  conversions_.resize(result_.candidates.size());
  for (size_t c = 0; c < result_.candidates.size(); ++c) {
    if (!is_conversion(*programs_[0], *programs_[c + 1])) continue;
    Conversion& conversion = conversions_[c].emplace();
    if (before >= options_.conversion_samples) continue;
    const size_t count = options_.conversion_samples - before;
    const Layout::Part part{part_.begin, std::min<uint64_t>(part_.end, part_.begin + count)};
    ASSAY_TRY(conversion,
              compare_conversion(*layout_, programs_, 0, c + 1, part, options_.first_sample, options_.threads));
  }
  return {};
}

Status Auditor::run_traced(size_t first, size_t count, Shared& shared) {
  ASSAY_TRY(const auto inputs, layout_->inputs(0, first, count));
  ASSAY_TRY(auto outputs, tracer_->run(inputs, first, count));
  shared[{0, 0}] = std::move(outputs[0]);
  for (size_t c = 0; c + 1 < programs_.size(); ++c)
    if (tracer_->traces(c)) shared[{c + 1, 0}] = std::move(outputs[c + 1]);
  return {};
}

Status Auditor::chunk(size_t first, size_t count) {
  Ran reference;
  Shared shared;
  if (tracer_) ASSAY_CHECK(run_traced(first, count, shared));
  ASSAY_TRY(reference.outputs, outputs_of({0, 0}, first, count, shared));
  ASSAY_CHECK(judge_samples(0, reference, count));
  auto partial = take_partial();
  tally(partial->reference, reference, 0, first, count);
  for (size_t c = 0; c < partial->candidates.size(); ++c)
    ASSAY_CHECK(judge_candidate(c, reference, first, count, shared, partial->candidates[c]));
  give_back(std::move(partial), count);
  return {};
}

Result<AuditResult> Auditor::finish() {
  for (size_t c = 0; c < conversions_.size(); ++c) result_.candidates[c].conversion = std::move(conversions_[c]);
  if (tracer_) {
    auto traces = tracer_->finish();
    for (size_t c = 0; c < traces.size(); ++c) result_.candidates[c].trace = std::move(traces[c]);
  }
  const Rule::Kind kind = options_.rule.kind;
  result_.classes = kind == Rule::Kind::threshold ? 2 : static_cast<int64_t>(score_values_.value_or(0));
  for (const auto& partial : idle_) {
    result_.reference_tally.merge(partial->reference);
    for (size_t c = 0; c < result_.candidates.size(); ++c)
      add_counts(result_.candidates[c], std::move(partial->candidates[c]));
  }
  for (CandidateResult& c : result_.candidates) {
    const auto by_sample = [](const Case& a, const Case& b) { return a.sample < b.sample; };
    std::sort(c.flips.begin(), c.flips.end(), by_sample);
    std::sort(c.at_risk.begin(), c.at_risk.end(), by_sample);
  }
  return std::move(result_);
}
}  // namespace

Result<AuditResult> run_audit(Program& reference, std::span<Program* const> candidates, const Arrays& data,
                              std::span<const int64_t> labels, const AuditOptions& options, Warnings& warnings) {
  if (options.first_sample < 0 || options.first_sample > kMostSamples)
    return Error{Code::usage, "--first-sample is too large", "", "count samples from 0"};
  return Auditor(reference, candidates, labels, options).run(data, warnings);
}

bool fails(const AuditResult& result, FailOn condition) {
  if (condition == FailOn::none) return false;
  return std::any_of(result.candidates.begin(), result.candidates.end(), [&](const CandidateResult& c) {
    return !c.flips.empty() || (condition == FailOn::at_risk && !c.at_risk.empty());
  });
}

}  // namespace assay::audit

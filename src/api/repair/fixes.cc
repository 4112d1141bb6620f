#include "api/repair/fixes.h"

#include <algorithm>
#include <numeric>

#include "api/repair/rescaled.h"
#include "audit/repair/threshold.h"
#include "base/text.h"
#include "profiles/provider.h"

namespace assay::api {
namespace {
using audit::FreeFix;

constexpr std::string_view kNetwork = "coreml-nn-", kWide = "coreml-mlprogram-f32-", kNarrow = "coreml-mlprogram-f16-";

/// A program to try in the candidate's place.
struct Idea {
  std::string kind, what, program;
};

std::string words_of(const profiles::Provider& provider) {
  std::vector<std::string> options;
  options.reserve(provider.options.size());
  for (const auto& [key, value] : provider.options) options.push_back(key + "=" + value);
  return options.empty() ? provider.name : std::string(provider.name).append(":").append(join(options, ","));
}

void add_typed(const std::string& spec, const std::string& profile, std::vector<Idea>& ideas) {
  if (!profile.starts_with(kNetwork)) return;
  const std::string file = file_of(spec), name = spec.substr(file.size());
  if (profiles::names_provider(name)) {
    auto provider = profiles::parse_provider(name);
    if (!provider.ok()) return;
    provider->options["ModelFormat"] = "MLProgram";
    ideas.push_back({"typed-format", "the typed format: ModelFormat=MLProgram", file + words_of(*provider)});
    return;
  }
  ideas.push_back({"typed-format", "the typed format: an ML Program instead of a NeuralNetwork",
                   file + std::string(kWide) + core_ml_unit(profile)});
}

void add_units(const std::string& spec, const std::string& profile, std::vector<Idea>& ideas) {
  const std::string file = file_of(spec), own = core_ml_unit(profile);
  if (own.empty()) {
    ideas.push_back({"compute-unit", "the CPU in float32", file + "cpu-f32"});
    return;
  }
  for (const std::string_view format : {kNetwork, kWide, kNarrow}) {
    if (!profile.starts_with(format)) continue;
    for (const char* unit : {"cpu", "gpu", "ane"})
      if (own != unit)
        ideas.push_back(
            {"compute-unit", std::string("another compute unit: ") + unit, file + std::string(format) + unit});
  }
}

FreeFix shifted(const audit::Shift& shift, const Parts& parts, const audit::Answers& answers,
                const audit::Question& question, const std::string& program) {
  FreeFix fix;
  fix.kind = "threshold";
  fix.what = "a threshold of " + shortest(shift.threshold) +
             (shift.everywhere ? ", everywhere: no score of the reference lies between" : ", for this candidate alone");
  fix.program = program;
  fix.searched = audit::standing_under(shift.threshold, answers, parts.searched, question);
  fix.held = audit::standing_under(shift.threshold, answers, parts.held, question);
  return fix;
}

/// The candidate on the model with its overflowing layers rescaled.
Result<std::optional<FreeFix>> try_rescaled(AuditJob& job, const audit::Question& question, const Parts& parts,
                                            const audit::Answers& as_it_is, const audit::TrialOptions& options) {
  backends::Program& candidate = *job.candidates.front();
  ASSAY_TRY(const auto rescaled, rescaled_model(job, candidate, parts.searched));
  if (!rescaled) return std::optional<FreeFix>();
  Warnings told;
  const std::string name = candidate.text().substr(file_of(candidate.text()).size());
  ASSAY_TRY(const auto program, job.loader->open(name, rescaled->file(), told));
  ASSAY_TRY(const auto answers, audit::answers_of(*job.reference, *program, job.data, question, options, &as_it_is));
  FreeFix fix;
  fix.kind = "rescale";
  fix.what = "layers rescaled (--rescale): " + join(rescaled->layers, ", ");
  fix.program = candidate.text();
  fix.searched = standing_of(answers, parts.searched);
  fix.held = standing_of(answers, parts.held);
  return std::optional<FreeFix>(std::move(fix));
}

bool meets(const audit::Goal& goal, const FreeFix& fix) {
  audit::Standing all = fix.searched;
  all.add(fix.held);
  return goal.met(all);
}

}  // namespace

std::string file_of(const std::string& program) {
  const size_t at = program.rfind('@');
  return at == std::string::npos ? "" : program.substr(0, at + 1);
}

std::string core_ml_unit(const std::string& profile) {
  for (const std::string_view format : {kNetwork, kWide, kNarrow}) {
    if (!profile.starts_with(format)) continue;
    const std::string rest = profile.substr(format.size());
    return rest.substr(0, rest.find('-'));
  }
  return {};
}

audit::Standing standing_of(const audit::Answers& answers, const std::vector<size_t>& samples) {
  audit::Standing standing{.samples = samples.size()};
  for (const size_t s : samples) {
    bool same = true;
    for (const auto& variant : answers) {
      same = same && variant[s].outcome.same;
      standing.error = std::max(standing.error, variant[s].outcome.error);
    }
    if (!same) ++standing.flips;
  }
  return standing;
}

audit::Standing standing_of(const audit::Answers& answers) {
  std::vector<size_t> all(answers.at(0).size());
  std::iota(all.begin(), all.end(), size_t{0});
  return standing_of(answers, all);
}

Result<std::vector<FreeFix>> try_fixes(AuditJob& job, const audit::Goal& goal, const audit::Question& question,
                                       const Parts& parts, const audit::Answers& as_it_is,
                                       const audit::TrialOptions& options) {
  const backends::Program& candidate = *job.candidates.front();
  std::vector<Idea> ideas;
  const std::string profile = candidate.profile() == nullptr ? "" : candidate.profile()->name;
  add_typed(candidate.text(), profile, ideas);
  add_units(candidate.text(), profile, ideas);
  std::vector<FreeFix> fixes;
  for (const Idea& idea : ideas) {
    Warnings told;  // of programs that nobody asked for
    ASSAY_TRY(const auto program, job.loader->open(idea.program, job.request->model, told));
    ASSAY_TRY(const auto answers, audit::answers_of(*job.reference, *program, job.data, question, options, &as_it_is));
    fixes.push_back({.kind = idea.kind,
                     .what = idea.what,
                     .program = idea.program,
                     .searched = standing_of(answers, parts.searched),
                     .held = standing_of(answers, parts.held)});
  }
  ASSAY_TRY(auto rescaled, try_rescaled(job, question, parts, as_it_is, options));
  if (rescaled) fixes.push_back(*std::move(rescaled));
  const bool threshold = question.rule.kind == audit::Rule::Kind::threshold && goal.kind == audit::Goal::Kind::flips;
  const bool flips = standing_of(as_it_is, parts.searched).flips + standing_of(as_it_is, parts.held).flips > 0;
  if (threshold && flips)
    if (const auto shift = audit::shifted_threshold(as_it_is, parts.searched, question))
      fixes.push_back(shifted(*shift, parts, as_it_is, question, candidate.text()));
  for (FreeFix& fix : fixes) fix.meets = meets(goal, fix);
  return fixes;
}

}  // namespace assay::api

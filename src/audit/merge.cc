// Parts of an audit put together. Everything in them is counts, maxima and lists by sample, so the result is that of
// one audit over all samples.
#include <algorithm>

#include "audit/audit.h"

namespace assay::audit {
namespace {
Error mismatch(std::string message, std::string where, std::string fix) {
  return Error{Code::merge_mismatch, std::move(message), std::move(where), std::move(fix)};
}

std::string range_of(const AuditResult& part) {
  return std::to_string(part.first_sample) + " to " +
         std::to_string(part.first_sample + static_cast<int64_t>(part.samples) - 1);
}

Status same_program(const ProgramInfo& a, const ProgramInfo& b, const std::string& what) {
  const std::string fix = "merge parts of one audit";
  if (a.program != b.program) return mismatch(what + "s differ: " + a.program + " and " + b.program, a.program, fix);
  if (a.profile != b.profile)
    return mismatch(what + " profiles differ: " + a.profile + " and " + b.profile, a.program, fix);
  const std::string one_version = "use one version of the profile";
  if (a.profile_identity != b.profile_identity)
    return mismatch(what + " profile " + a.profile + " stores or computes otherwise in one part than in another",
                    a.program, one_version);
  if (a.recording.has_value() != b.recording.has_value() || (a.recording && !same_but_time(*a.recording, *b.recording)))
    return mismatch("the " + what + " was recorded elsewhere, or of another model, in one part than in another",
                    a.program, fix);
  if (a.identity != b.identity) return mismatch("the " + what + " ran different models", a.program, fix);
  return {};
}

bool same_variants(const CandidateResult& a, const CandidateResult& b) {
  const auto same_output = [](const Differences& x, const Differences& y) { return x.output == y.output; };
  return a.storage == b.storage &&
         std::equal(a.variants.begin(), a.variants.end(), b.variants.begin(), b.variants.end(),
                    [&](const VariantResult& x, const VariantResult& y) {
                      return x.name == y.name && std::equal(x.differences.begin(), x.differences.end(),
                                                            y.differences.begin(), y.differences.end(), same_output);
                    });
}

bool alike(const std::optional<TraceResult>& a, const std::optional<TraceResult>& b) {
  const auto same_op = [](const TraceOp& x, const TraceOp& y) { return x.id == y.id && x.name == y.name; };
  return a.has_value() == b.has_value() && (!a || (a->variant == b->variant && a->noise_order == b->noise_order &&
                                                   std::ranges::equal(a->ops, b->ops, same_op)));
}

Status same_blame(const CandidateResult& a, const CandidateResult& b) {
  const bool alike = a.blame.has_value() == b.blame.has_value() &&
                     (!a.blame || (a.blame->ops == b.blame->ops && a.blame->limit == b.blame->limit &&
                                   a.blame->budget == b.blame->budget));
  if (alike) return {};
  return mismatch("one part was searched for blame otherwise than another", a.info.program,
                  "give --blame, --blame-runs and --blame-samples to all parts alike");
}

Status same_question(const AuditResult& a, const AuditResult& b) {
  if (!(a.rule == b.rule))
    return mismatch("the rules differ: " + a.rule.text() + " and " + b.rule.text(), "", "use one rule");
  if (a.score != b.score || a.score_type != b.score_type || a.classes != b.classes)
    return mismatch("the scores differ: " + a.score + " and " + b.score, "", "use one score");
  if (a.expect != b.expect)
    return mismatch("the parts foretell other numbers of samples", "--expect", "give one --expect to all or none");
  if (a.labels != b.labels) return mismatch("one part has labels, another has none", "", "give labels to all or none");
  ASSAY_CHECK(same_program(a.reference, b.reference, "reference"));
  if (a.candidates.size() != b.candidates.size())
    return mismatch("the numbers of candidates differ", "", "merge parts of one audit");
  for (size_t c = 0; c < a.candidates.size(); ++c) {
    ASSAY_CHECK(same_program(a.candidates[c].info, b.candidates[c].info, "candidate"));
    if (a.candidates[c].forecast.has_value() != b.candidates[c].forecast.has_value() ||
        (a.candidates[c].forecast &&
         a.candidates[c].forecast->proof.method.empty() != b.candidates[c].forecast->proof.method.empty()))
      return mismatch("one part has margins or proofs that another lacks", a.candidates[c].info.program,
                      "audit all parts alike");
    ASSAY_CHECK(same_blame(a.candidates[c], b.candidates[c]));
    if (!alike(a.candidates[c].trace, b.candidates[c].trace))
      return mismatch("one part was traced otherwise than another", a.candidates[c].info.program,
                      "give --trace and what goes with it to all parts alike");
    if (!same_variants(a.candidates[c], b.candidates[c]))
      return mismatch("the candidate's variants or outputs differ", a.candidates[c].info.program,
                      "use one version of Assay");
    if (a.candidates[c].evidence != b.candidates[c].evidence ||
        a.candidates[c].not_modelled != b.candidates[c].not_modelled)
      return mismatch("the candidate's profile states other things in one part than in another",
                      a.candidates[c].info.program, "use one version of the profile");
  }
  return {};
}

Status adjoin(const AuditResult& a, const AuditResult& b) {
  const int64_t next = a.first_sample + static_cast<int64_t>(a.samples);
  if (b.first_sample == next) return {};
  if (b.first_sample < next)
    return mismatch("samples overlap: " + range_of(a) + " and " + range_of(b), "", "merge each part once");
  return mismatch("samples " + std::to_string(next) + " to " + std::to_string(b.first_sample - 1) + " are missing", "",
                  "merge all parts, audited with --first-sample");
}
}  // namespace

void Margins::merge(const Margins& other) {
  negative.merge(other.negative);
  positive.merge(other.positive);
  zero_negative += other.zero_negative;
  zero_positive += other.zero_positive;
  undefined += other.undefined;
}

void add_counts(CandidateResult& into, CandidateResult&& part) {
  into.safe += part.safe;
  std::move(part.flips.begin(), part.flips.end(), std::back_inserter(into.flips));
  std::move(part.at_risk.begin(), part.at_risk.end(), std::back_inserter(into.at_risk));
  into.margins.merge(part.margins);
  if (into.trace && part.trace) into.trace->merge(*part.trace);
  if (into.conversion && part.conversion) into.conversion->merge(*part.conversion);
  if (into.blame && part.blame) into.blame->merge(*part.blame);
  if (into.forecast && part.forecast) into.forecast->merge(*part.forecast);
  for (size_t v = 0; v < into.variants.size(); ++v) {
    VariantResult &a = into.variants[v], &b = part.variants[v];
    a.differs += b.differs;
    a.tally.merge(b.tally);
    a.lattice.merge(b.lattice);
    for (size_t d = 0; d < a.differences.size(); ++d) a.differences[d].merge(b.differences[d]);
  }
}

Result<AuditResult> merge(std::vector<AuditResult> parts) {
  if (parts.empty()) return mismatch("there is nothing to merge", "", "name the JSON files of at least one audit");
  std::stable_sort(parts.begin(), parts.end(),
                   [](const AuditResult& a, const AuditResult& b) { return a.first_sample < b.first_sample; });
  for (size_t i = 1; i < parts.size(); ++i) {
    ASSAY_CHECK(same_question(parts[0], parts[i]));
    ASSAY_CHECK(adjoin(parts[i - 1], parts[i]));
  }
  AuditResult whole = std::move(parts[0]);
  for (size_t i = 1; i < parts.size(); ++i) {
    whole.samples += parts[i].samples;
    whole.reference_tally.merge(parts[i].reference_tally);
    for (size_t c = 0; c < whole.candidates.size(); ++c)
      add_counts(whole.candidates[c], std::move(parts[i].candidates[c]));
  }
  return whole;
}

}  // namespace assay::audit

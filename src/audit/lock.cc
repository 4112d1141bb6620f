#include "audit/lock.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace assay::audit {
namespace {
constexpr size_t kMostNamed = 10;  // samples in one sentence
using Samples = std::vector<int64_t>;

std::string named(const Samples& samples) {
  std::vector<std::string> out;
  for (size_t i = 0; i < samples.size() && i < kMostNamed; ++i) out.push_back(std::to_string(samples[i]));
  const std::string more = samples.size() > kMostNamed ? fmt::format(" and {} more", samples.size() - kMostNamed) : "";
  return std::string(samples.size() == 1 ? "sample " : "samples ") + join(out, ", ") + more;
}

Samples samples_of(const std::vector<Case>& cases) {
  Samples out;
  for (const Case& one : cases) out.push_back(one.sample);
  return out;
}

// Those of `a` that are not in `b`; both ascending.
Samples without(const Samples& a, const Samples& b) {
  Samples out;
  std::ranges::set_difference(a, b, std::back_inserter(out));
  return out;
}

std::string hashes(const LockedFile& before, const LockedFile& now) {
  return fmt::format("{}: its SHA-256 was {}... and is {}...", before.file, before.sha256.substr(0, 12),
                     now.sha256.substr(0, 12));
}

void check_model(const Lock& lock, const Lock& files, const AuditResult& now, std::vector<Finding>& out) {
  const bool same = lock.model_identity == now.reference.identity;
  if (lock.model.sha256 != files.model.sha256)
    out.push_back(
        {"model-changed", hashes(lock.model, files.model) + (same ? "; its operations and constants are the same"
                                                                  : "; its operations or constants are others")});
  for (const LockedFile& beside : lock.external) {
    const auto found = std::ranges::find(files.external, beside.file, &LockedFile::file);
    if (found == files.external.end())
      out.push_back({"model-changed", beside.file + ": the model no longer keeps tensors in it"});
    else if (found->sha256 != beside.sha256)
      out.push_back({"model-changed", hashes(beside, *found)});
  }
  for (const LockedFile& beside : files.external)
    if (std::ranges::find(lock.external, beside.file, &LockedFile::file) == lock.external.end())
      out.push_back({"model-changed", beside.file + ": the model keeps tensors in it, the contract does not know it"});
  if (!same && out.empty())  // the same files, read otherwise
    out.push_back({"model-changed", lock.model.file + ": this version of Assay reads other operations in it"});
}

bool has(const std::vector<LockedFile>& files, const std::string& name) {
  return std::ranges::find(files, name, &LockedFile::file) != files.end();
}

void check_files(const Lock& lock, const Lock& files, std::vector<Finding>& out) {
  for (const LockedFile& before : lock.files) {
    const auto found = std::ranges::find(files.files, before.file, &LockedFile::file);
    if (found == files.files.end())
      out.push_back({"file-changed", before.file + ": no program reads it any longer"});
    else if (found->sha256 != before.sha256)
      out.push_back({"file-changed", hashes(before, *found)});
  }
  // A profile file that this check alone was given is none of the contract's: identities tell what it changes.
  for (const LockedFile& now : files.files)
    if (!has(lock.files, now.file) && std::ranges::find(files.profile_files, now.file) == files.profile_files.end())
      out.push_back({"file-changed", now.file + ": a program reads it, and the contract does not know it"});
}

void check_data(const Lock& lock, const Lock& files, const AuditResult& now, std::vector<Finding>& out) {
  for (const auto& [before, after] : {std::pair(&lock.data, &files.data), {&lock.labels, &files.labels}})
    if (before->sha256 != after->sha256) out.push_back({"data-changed", hashes(*before, *after)});
  if (lock.samples != now.samples)
    out.push_back({"data-changed", fmt::format("there were {} samples and are {}", lock.samples, now.samples)});
}

void check_decisions(const LockedCandidate& before, const CandidateResult& now, const std::string& fail_on,
                     std::vector<Finding>& out, std::vector<std::string>& notes) {
  const Samples flips = samples_of(now.flips), at_risk = samples_of(now.at_risk);
  if (const Samples fresh = without(flips, before.flips); fail_on != "none" && !fresh.empty())
    out.push_back({"decision-flips",
                   fmt::format("{}: decisions that flip and are not allowed to: {}", before.program, named(fresh))});
  Samples known;  // what may flip may be at risk
  std::ranges::set_union(before.flips, before.at_risk, std::back_inserter(known));
  if (const Samples fresh = without(at_risk, known); fail_on == "at-risk" && !fresh.empty())
    out.push_back({"decision-at-risk", fmt::format("{}: decisions that are at risk and not allowed to be: {}",
                                                   before.program, named(fresh))});
  if (const Samples gone = without(before.flips, flips); !gone.empty())
    notes.push_back(fmt::format("{}: allowed flips that are none now: {}", before.program, named(gone)));
}

// Numbers that are NaN on one side only, which no count of ULPs tells. Texts that differ are decisions, if anything.
uint64_t nan_in(const CandidateResult& candidate) {
  uint64_t sum = 0;
  for (const Differences& d : candidate.primary().differences)
    if (d.ulp_type != ir::ElemType::undefined) sum += d.nan_mismatches;
  return sum;
}

void check_tolerances(const LockedCandidate& before, const CandidateResult& now, std::vector<Finding>& out) {
  const uint64_t ulp = together(now.primary().differences).max_ulp, nan = nan_in(now);
  if (ulp > before.max_ulp)
    out.push_back({"tolerance-exceeded", fmt::format("{}: outputs differ by up to {} ULPs, {} are allowed",
                                                     before.program, ulp, before.max_ulp)});
  if (nan > before.max_nan)
    out.push_back(
        {"tolerance-exceeded", fmt::format("{}: NaN on one side only in {} numbers of the outputs, {} {} "
                                           "allowed",
                                           before.program, nan, before.max_nan, before.max_nan == 1 ? "is" : "are")});
}

void check_candidate(const LockedCandidate& before, const CandidateResult& now, const std::string& fail_on,
                     std::vector<Finding>& out, std::vector<std::string>& notes) {
  if (before.profile_identity != now.info.profile_identity)
    out.push_back({"profile-changed", fmt::format("{}: the profile {} stores or computes otherwise than when the "
                                                  "contract was written",
                                                  before.program, now.info.profile)});
  check_decisions(before, now, fail_on, out, notes);
  check_tolerances(before, now, out);
}
}  // namespace

std::vector<Finding> broken(const Lock& lock, const Lock& files, const AuditResult& now,
                            std::vector<std::string>& notes) {
  std::vector<Finding> out;
  check_model(lock, files, now, out);
  check_files(lock, files, out);
  check_data(lock, files, now, out);
  if (lock.reference_identity != now.reference.profile_identity)
    out.push_back({"profile-changed", fmt::format("{}: the reference stores or computes otherwise than when the "
                                                  "contract was written",
                                                  lock.reference)});
  for (size_t c = 0; c < lock.candidates.size() && c < now.candidates.size(); ++c)
    check_candidate(lock.candidates[c], now.candidates[c], lock.fail_on, out, notes);
  if (lock.assay != files.assay) notes.push_back("written by Assay " + lock.assay + ", this is " + files.assay);
  return out;
}

void fill(Lock& lock, const AuditResult& result) {
  lock.model_identity = result.reference.identity;
  lock.reference_identity = result.reference.profile_identity;
  lock.samples = result.samples;
  lock.candidates.resize(result.candidates.size());
  for (size_t c = 0; c < result.candidates.size(); ++c) {
    const CandidateResult& now = result.candidates[c];
    LockedCandidate& one = lock.candidates[c];
    one.profile = now.info.profile;
    one.profile_identity = now.info.profile_identity;
    one.flips = samples_of(now.flips);
    one.at_risk = samples_of(now.at_risk);
    one.max_ulp = together(now.primary().differences).max_ulp;
    one.max_nan = nan_in(now);
  }
}

}  // namespace assay::audit

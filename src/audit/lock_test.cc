#include "audit/lock.h"

#include <gtest/gtest.h>

namespace assay::audit {
namespace {

Lock full() {
  Lock lock;
  lock.assay = "1.2.3";
  lock.model = {"dir/\"m\"\\\n.onnx", "aa"};
  lock.model_identity = "id";
  lock.external = {{"m.bin", "bb"}, {"n.bin", "cc"}};
  lock.files = {{"r.npz", "dd"}};
  lock.data = {"x.npz", "ee"};
  lock.labels = {"y.csv", "ff"};
  lock.labels_column = "label";
  lock.samples = 1000;
  lock.first_sample = 500;
  lock.decision = "threshold:>0.5";
  lock.score = "index(y, 0)";
  lock.reference = "strict-f32";
  lock.reference_identity = "ref";
  lock.fail_on = "at-risk";
  lock.primary_only = true;
  lock.float32 = {"a", "b#c"};
  lock.profile_files = {"p.toml"};
  LockedCandidate c{.program = "coreml-nn-gpu", .profile = "coreml-nn-gpu", .profile_identity = "pid"};
  for (int64_t i = 0; i < 400; ++i) c.flips.push_back(i * 1'000'003);
  c.at_risk = {7};
  c.max_ulp = 123;
  c.max_nan = 4;
  lock.candidates = {c, {.program = "recorded:r.npz"}};
  return lock;
}

AuditResult as_locked(const Lock& lock) {
  AuditResult a;
  a.samples = lock.samples;
  a.reference.identity = lock.model_identity;
  a.reference.profile_identity = lock.reference_identity;
  for (const LockedCandidate& one : lock.candidates) {
    CandidateResult c;
    c.info.profile_identity = one.profile_identity;
    Differences& d = c.variants.emplace_back().differences.emplace_back();
    d.max_ulp = one.max_ulp;
    d.nan_mismatches = one.max_nan;
    for (const int64_t sample : one.flips) c.flips.emplace_back().sample = sample;
    for (const int64_t sample : one.at_risk) c.at_risk.emplace_back().sample = sample;
    a.candidates.push_back(std::move(c));
  }
  return a;
}

std::vector<std::string> rules(const Lock& lock, const Lock& files, const AuditResult& now) {
  std::vector<std::string> notes, out;
  for (const Finding& finding : broken(lock, files, now, notes)) out.push_back(finding.rule);
  for (const std::string& note : notes) out.push_back("note: " + note);
  return out;
}
using Rules = std::vector<std::string>;

TEST(Lock, IsReadBackAsItWasWritten) {
  const std::string text = to_toml(full());
  const auto again = parse_lock(text, "a.lock");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(to_toml(*again), text);
  EXPECT_EQ(again->model, full().model);
  EXPECT_EQ(again->candidates[0].flips, full().candidates[0].flips);
  EXPECT_EQ(again->float32, full().float32);
  EXPECT_EQ(again->first_sample, 500U);
  EXPECT_EQ(again->candidates[0].max_nan, 4U);
  EXPECT_TRUE(again->primary_only);
  for (size_t begin = 0, end; begin < text.size(); begin = end + 1) {
    end = text.find('\n', begin);
    EXPECT_LE(end - begin, 120U) << text.substr(begin, end - begin);
  }
}

TEST(Lock, HoldsForWhatItWasWrittenOf) { EXPECT_EQ(rules(full(), full(), as_locked(full())), Rules()); }

TEST(Lock, NamesWhatIsBroken) {
  const Lock lock = full();
  const AuditResult same = as_locked(lock);
  Lock files = lock;
  files.model.sha256 = "00";
  files.external.pop_back();
  files.external.push_back({"o.bin", "00"});
  files.files[0].sha256 = "00";
  files.labels.sha256 = "00";
  files.assay = "2.0.0";
  EXPECT_EQ(rules(lock, files, same), (Rules{"model-changed", "model-changed", "model-changed", "file-changed",
                                             "data-changed", "note: written by Assay 1.2.3, this is 2.0.0"}));
  AuditResult now = same;
  now.reference.profile_identity = "other";
  now.candidates[0].info.profile_identity = "other";
  now.candidates[1].variants[0].differences[0].max_ulp = 1;
  EXPECT_EQ(rules(lock, lock, now), (Rules{"profile-changed", "profile-changed", "tolerance-exceeded"}));
  now = same;
  now.reference.identity = "other";  // the same bytes, read otherwise
  now.samples = 999;
  EXPECT_EQ(rules(lock, lock, now), (Rules{"model-changed", "data-changed"}));
}

TEST(Lock, NamesFilesThatComeAndGo) {
  const Lock lock = full();
  Lock files = lock;
  files.files = {{"b.bin", "00"}, {"extra.toml", "00"}};
  files.profile_files = {"p.toml", "extra.toml"};  // of this check alone
  EXPECT_EQ(rules(lock, files, as_locked(lock)), (Rules{"file-changed", "file-changed"}));
}

TEST(Lock, AllowsWhatIsListed) {
  const Lock lock = full();
  AuditResult now = as_locked(lock);
  std::swap(now.candidates[0].flips, now.candidates[0].at_risk);  // 7 flips, the others are at risk
  EXPECT_EQ(rules(lock, lock, now).front(), "decision-flips");
  EXPECT_EQ(rules(lock, lock, now).size(), 2U);  // and a note of those that no longer flip
  now = as_locked(lock);
  now.candidates[1].at_risk.emplace_back().sample = 3;
  EXPECT_EQ(rules(lock, lock, now), Rules{"decision-at-risk"});
  Lock lenient = lock;
  lenient.fail_on = "flips";
  EXPECT_EQ(rules(lenient, lenient, now), Rules());
  now.candidates[1].flips.emplace_back().sample = 3;
  EXPECT_EQ(rules(lenient, lenient, now), Rules{"decision-flips"});
  lenient.fail_on = "none";
  EXPECT_EQ(rules(lenient, lenient, now), Rules());
}

TEST(Lock, NanIsBeyondAnyTolerance) {
  Lock lock = full();
  lock.candidates[1].max_ulp = ~uint64_t{0};
  AuditResult now = as_locked(lock);
  Differences& d = now.candidates[1].variants[0].differences[0];
  d.nan_mismatches = 1;
  EXPECT_EQ(rules(lock, lock, now), Rules{"tolerance-exceeded"});
  now.candidates[0].variants[0].differences[0].nan_mismatches = 5;  // 4 are allowed
  EXPECT_EQ(rules(lock, lock, now), (Rules{"tolerance-exceeded", "tolerance-exceeded"}));
  fill(lock, now);
  EXPECT_EQ(lock.candidates[0].max_nan, 5U);
  EXPECT_EQ(rules(lock, lock, now), Rules());
  d.ulp_type = ir::ElemType::undefined;  // texts that differ are counted there too, and are no NaN
  lock.candidates[1].max_nan = 0;
  EXPECT_EQ(rules(lock, lock, now), Rules());
}

}  // namespace
}  // namespace assay::audit

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "audit/fingerprint/vocabulary.h"
#include "audit/probe/read.h"
#include "base/text.h"
#include "profiles/write.h"

namespace assay::audit {
namespace {

const std::shared_ptr<const Threads>& threads() {
  static const auto two = std::make_shared<const Threads>(2);
  return two;
}

std::vector<FitCase> blank_cases(std::span<const std::string> groups = {}) {
  std::vector<FitCase> cases;
  const auto probes = make_probes(groups);
  EXPECT_TRUE(probes.ok()) << probes.error().message;
  for (const Probe& probe : *probes)
    cases.push_back({.name = probe.name,
                     .group = probe.group,
                     .model = model_of(*probe.graph),
                     .inputs = probe.inputs,
                     .observed = {{"y", ir::Tensor::allocate(ir::ElemType::float32, {0})}}});
  return cases;
}

/// What a device that computes by the policy would record.
std::vector<FitCase> recorded_by(const profiles::Variant& policy, std::span<const std::string> groups = {}) {
  std::vector<FitCase> cases = blank_cases(groups);
  profiles::Profile profile;
  profile.storage = policy.storage.type;
  profile.variants.push_back(policy);
  for (FitCase& one : cases) {
    auto program = backends::EngineProgram::create("device", one.model, {{&profile, 0, "only"}}, threads());
    EXPECT_TRUE(program.ok());
    std::vector<ir::Tensor> inputs;
    for (const NamedArray& input : one.inputs) inputs.push_back(input.tensor);
    auto outputs = (*program)->run(0, inputs, {});
    EXPECT_TRUE(outputs.ok()) << one.name << ": " << outputs.error().message;
    one.observed = {{"y", outputs->front()}};
  }
  return cases;
}

std::vector<const profiles::Profile*> all_profiles() {
  std::vector<const profiles::Profile*> all;
  for (const profiles::Profile& profile : profiles::built_in_profiles()) all.push_back(&profile);
  return all;
}

const profiles::Variant& variant(const char* profile, size_t index = 0) {
  return profiles::built_in_profile(profile)->variants[index];
}

TEST(Allowance, SmallValuesHaveABoundOfTheirOwn) {
  std::vector<float> given, seen;
  for (int e = -20; e < 20; ++e)
    for (int i = 0; i < 64; ++i) given.push_back(std::ldexp(1.0F + static_cast<float>(i) / 64, e));
  seen = given;
  seen[3] += std::ldexp(1.0F, -23);  // of 2^-20, and the largest is 2^20
  const auto tensor = [](const std::vector<float>& values) {
    return ir::Tensor::of<float>(ir::ElemType::float32, {static_cast<int64_t>(values.size())}, values);
  };
  const std::vector<double> spread(given.size(), 0);
  EXPECT_LE(allowance_of(tensor(seen), tensor(given), spread, Noise::whole).used, 1);
  EXPECT_GT(allowance_of(tensor(seen), tensor(given), spread, Noise::by_magnitude).used, 1);
  EXPECT_EQ(allowance_of(tensor(given), tensor(given), spread, Noise::by_magnitude).used, 0);
}

TEST(Vocabulary, EveryChangeSaysSomething) {
  const profiles::Variant plain = variant("strict-f32");
  for (const PolicyChange& change : vocabulary())
    EXPECT_GT(changed(plain, change).statements.size(), plain.statements.size()) << change.label;
}

/// ncnn flushes float32 subnormals, which no value stored in float16 becomes (docs/probe.md).
constexpr std::string_view kAlike = "ncnn-f16/storage-only";

TEST(Probes, TellEveryBuiltInPolicyFromEveryOther) {
  struct Known {
    std::string label;
    uint64_t program;
  };
  std::map<uint64_t, std::vector<Known>> same;
  for (const Hypothesis& h : hypotheses_of(all_profiles())) {
    Evaluator evaluator(recorded_by(h.policy), threads());
    const auto fit = evaluator.evaluate(h.policy);
    ASSERT_TRUE(fit.ok());
    EXPECT_TRUE(fit->exact()) << h.label();
    same[fit->signature].push_back({h.label(), fit->program});
  }
  for (const auto& [signature, known] : same)
    for (const Known& one : known)
      EXPECT_TRUE(one.program == known[0].program || one.label == kAlike)
          << one.label << " gives the bits of " << known[0].label;
}

/// The fake device is found again from its outputs, and the profile that is written gives these outputs.
std::vector<std::string> expect_recovered(const profiles::Variant& device, const std::vector<Hypothesis>& named,
                                          size_t combinations, std::span<const std::string> groups = {}) {
  const auto cases = recorded_by(device, groups);
  auto verdict = judge_probes({.name = "", .cases = cases}, named, threads(), {.combinations = combinations});
  if (!verdict.ok()) return {verdict.error().message};
  const FitGroup& best = verdict->fit.groups.front();
  EXPECT_TRUE(best.fit.exact()) << best.fit.equal << " of " << best.fit.elements << " as "
                                << best.members.front().label();
  const std::string text = profiles::to_toml(profile_of(*verdict, "found", "a test"));
  const auto profile = profiles::parse_profile(text, "found.toml");
  EXPECT_TRUE(profile.ok()) << text;
  if (!profile.ok()) return {};
  Evaluator again(cases, threads());
  const auto fit = again.evaluate(profile->variants.front());
  EXPECT_TRUE(fit.ok() && fit->exact()) << text;
  std::vector<std::string> labels;
  labels.reserve(best.members.size());
  for (const Hypothesis& h : best.members) labels.push_back(h.label());
  return labels;
}

TEST(Probes, FindDevicesByName) {
  const auto named = hypotheses_of(all_profiles());
  for (const char* name : {"coreml-nn-ane", "cuda-tf32-hopper", "openvino-bf16"}) {
    const auto labels = expect_recovered(variant(name), named, 0);
    const std::string label = std::string(name) + "/" + variant(name).name;
    EXPECT_TRUE(std::ranges::find(labels, label) != labels.end()) << label << " came out as " << join(labels, ", ");
  }
}

/// Every tenth variant through the whole search; that all give outputs of their own is tested above.
TEST(Probes, FindVariantsByName) {
  const auto named = hypotheses_of(all_profiles());
  for (size_t i = 0; i < named.size(); i += 10) {
    const auto labels = expect_recovered(named[i].policy, named, 0);
    EXPECT_TRUE(std::ranges::find(labels, named[i].label()) != labels.end())
        << named[i].label() << " came out as " << join(labels, ", ");
  }
}

TEST(Probes, FindDevicesWithoutAName) {
  const profiles::Profile* plain = profiles::built_in_profile("strict-f32");
  const auto named = hypotheses_of({&plain, 1});
  const std::vector<std::string> groups = {"matmul", "gemm", "sum", "mul"};
  for (const char* name : {"coreml-nn-gpu-lowacc", "tpu-bf16"}) {
    SCOPED_TRACE(name);
    expect_recovered(variant(name), named, 1000, groups);
  }
}

}  // namespace
}  // namespace assay::audit

#include "profiles/provider.h"

#include <gtest/gtest.h>

namespace assay::profiles {
namespace {

Result<std::shared_ptr<const Profile>> open(const std::string& text, bool float16 = false) {
  const auto provider = parse_provider(text);
  if (!provider.ok()) return provider.error();
  return provider_profile(*provider, float16);
}

std::string name(const std::string& options, bool float16 = false) {
  const auto profile = open("CoreMLExecutionProvider" + options, float16);
  return profile.ok() ? (*profile)->name + " " + std::to_string((*profile)->variants.size()) : profile.error().message;
}

std::string variants_of(const char* profile) {
  return std::string(profile) + " " + std::to_string(built_in_profile(profile)->variants.size());
}

TEST(Provider, CoreMlOptionsChooseTheProfile) {
  EXPECT_EQ(name(":MLComputeUnits=CPUOnly"), variants_of("coreml-nn-cpu"));
  EXPECT_EQ(name(":MLComputeUnits=CPUAndGPU"), variants_of("coreml-nn-gpu"));
  EXPECT_EQ(name(":MLComputeUnits=CPUAndGPU,AllowLowPrecisionAccumulationOnGPU=1"),
            variants_of("coreml-nn-gpu-lowacc"));
  EXPECT_EQ(name(":MLComputeUnits=CPUAndNeuralEngine"), variants_of("coreml-nn-ane"));
  EXPECT_EQ(name(":ModelFormat=MLProgram,MLComputeUnits=CPUAndGPU"), variants_of("coreml-mlprogram-f32-gpu"));
  EXPECT_EQ(name(":ModelFormat=MLProgram,MLComputeUnits=CPUAndGPU", true), variants_of("coreml-mlprogram-f16-gpu"));
  EXPECT_EQ(name(":ModelFormat=MLProgram,MLComputeUnits=CPUAndNeuralEngine", true),
            variants_of("coreml-mlprogram-f16-ane"));
}

TEST(Provider, TheDefaultHasTheVariantsOfBothUnits) {
  const auto all = open("CoreMLExecutionProvider");
  ASSERT_TRUE(all.ok());
  const auto& gpu = *built_in_profile("coreml-nn-gpu");
  const auto& ane = *built_in_profile("coreml-nn-ane");
  EXPECT_EQ((*all)->name, "coreml-nn-gpu");
  ASSERT_EQ((*all)->variants.size(), gpu.variants.size() + ane.variants.size());
  EXPECT_LE((*all)->variants.size(), kMaxVariants);
  EXPECT_EQ((*all)->variants[0].name, gpu.variants[0].name);
  EXPECT_EQ((*all)->variants[gpu.variants.size()].name, "coreml-nn-ane/" + ane.variants[0].name);
  const OpQuery conv{"", "Conv", "contraction", ir::ElemType::float32};
  EXPECT_EQ(policy_for(**all, gpu.variants.size(), conv), policy_for(ane, 0, conv));
  for (const char* more : {":ModelFormat=MLProgram", ":AllowLowPrecisionAccumulationOnGPU=1"})
    EXPECT_LE((*open(std::string("CoreMLExecutionProvider") + more))->variants.size(), kMaxVariants);
}

TEST(Provider, CpuIsAnyCorrectRuntime) {
  EXPECT_EQ((*open("CPUExecutionProvider"))->name, "cpu-f32");
  EXPECT_FALSE(open("CPUExecutionProvider:x=1").ok());
}

TEST(Provider, RefusesWithRemedies) {
  const auto error = [](const std::string& text) {
    const auto profile = open(text);
    return profile.ok() ? Error{} : profile.error();
  };
  EXPECT_EQ(error("CUDAExecutionProvider").code, Code::unknown_provider);
  EXPECT_NE(error("CUDAExecutionProvider").fix.find("cuda-tf32-ampere"), std::string::npos);
  EXPECT_EQ(error("CoreMLExecutionProvidr").fix, "did you mean 'CoreMLExecutionProvider'?");
  EXPECT_EQ(error("CoreMLExecutionProvider:ModelFormt=MLProgram").code, Code::usage);
  EXPECT_EQ(error("CoreMLExecutionProvider:ModelFormt=MLProgram").fix, "did you mean 'ModelFormat'?");
  EXPECT_EQ(error("CoreMLExecutionProvider:ModelFormat=MLProgam").fix, "did you mean 'MLProgram'?");
  EXPECT_EQ(error("CoreMLExecutionProvider:ModelFormat").code, Code::usage);
  EXPECT_EQ(error("CoreMLExecutionProvider:").code, Code::usage);
  EXPECT_EQ(error("CoreMLExecutionProvider:ModelFormat=MLProgram,ModelFormat=MLProgram").code, Code::usage);
}

TEST(Provider, NamesAreRecognised) {
  EXPECT_TRUE(names_provider("CoreMLExecutionProvider:ModelFormat=MLProgram"));
  EXPECT_FALSE(names_provider("coreml-nn-gpu"));
  EXPECT_FALSE(names_provider("recorded:CoreMLExecutionProvider"));
}

/// Every profile that a refusal offers exists.
TEST(Provider, OffersOnlyWhatThereIs) {
  for (const char* provider :
       {"CUDAExecutionProvider", "TensorrtExecutionProvider", "NvTensorRTRTXExecutionProvider",
        "OpenVINOExecutionProvider", "DnnlExecutionProvider", "QNNExecutionProvider", "XnnpackExecutionProvider",
        "ACLExecutionProvider", "ROCMExecutionProvider", "MIGraphXExecutionProvider", "NnapiExecutionProvider",
        "DmlExecutionProvider", "WebGpuExecutionProvider"}) {
    const std::string fix = open(provider).error().fix;
    std::string list = fix.substr(fix.find(": ") + 2);
    for (size_t at = 0; at < list.size();) {
      const size_t end = std::min(list.find(", ", at), list.size());
      EXPECT_NE(built_in_profile(list.substr(at, end - at)), nullptr) << provider << " offers " << list;
      at = end + 2;
    }
  }
}

}  // namespace
}  // namespace assay::profiles

#include "assay/coreml_provider.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace assay {
namespace {
namespace fs = std::filesystem;

const std::string kMlp = std::string(ASSAY_TEST_DATA) + "/../../examples/article/mlp.onnx";
const std::string kProvider = "CoreMLExecutionProvider";

struct Folder {
  fs::path path = fs::path(testing::TempDir()) / ("provider_" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

TEST(CoreMlProviderApi, SaysWhatIsTaken) {
  const auto report = coreml_provider(kMlp, kProvider);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->model_format, "NeuralNetwork");
  EXPECT_EQ(report->profile, "coreml-nn-gpu");
  EXPECT_EQ(report->partitions, 1);
  ASSERT_EQ(report->nodes.size(), 1U);
  EXPECT_EQ(report->nodes[0].op, "MatMul");
  EXPECT_TRUE(report->nodes[0].taken);
  const auto program = coreml_provider(kMlp, kProvider + ":ModelFormat=MLProgram,MLComputeUnits=CPUOnly");
  ASSERT_TRUE(program.ok());
  EXPECT_EQ(program->model_format, "MLProgram");
  EXPECT_EQ(program->profile, "coreml-mlprogram-f32-cpu");
}

TEST(CoreMlProviderApi, RefusesOthers) {
  EXPECT_EQ(coreml_provider(kMlp, "CPUExecutionProvider").error().code, Code::usage);
  EXPECT_EQ(write_coreml_provider(kMlp, "cpu-f32").error().code, Code::usage);
  EXPECT_EQ(coreml_provider("nothing.onnx", kProvider).error().code, Code::file_missing);
}

TEST(CoreMlProviderApi, WritesWhereOnnxRuntimeDoes) {
  const Folder folder;
  const auto network = write_coreml_provider(kMlp, kProvider, {}, folder.path.string());
  ASSERT_TRUE(network.ok()) << network.error().message;
  ASSERT_EQ(network->paths.size(), 1U);
  EXPECT_FALSE(network->cached);
  EXPECT_TRUE(fs::is_regular_file(network->paths[0]));
  EXPECT_TRUE(network->paths[0].ends_with(".model.mlmodel"));
  EXPECT_TRUE(fs::path(network->paths[0]).filename().string().starts_with("onnxruntime-"));
  const auto program = write_coreml_provider(kMlp, kProvider + ":ModelFormat=MLProgram", {}, folder.path.string());
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_TRUE(fs::exists(program->paths.at(0) + "/Data/com.microsoft.OnnxRuntime/weights/weight.bin"));
}

TEST(CoreMlProviderApi, CachesByTheModel) {
  const Folder folder;
  const std::string cache = ":ModelCacheDirectory=" + folder.path.string();
  const auto first = write_coreml_provider(kMlp, kProvider + cache);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_TRUE(first->cached);
  EXPECT_TRUE(first->paths.at(0).ends_with("/0_dynamic_nn/model.mlmodel"));
  const auto again = write_coreml_provider(kMlp, kProvider + cache + ",ModelFormat=MLProgram");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_TRUE(again->paths.at(0).ends_with("/0_dynamic_mlprogram/model"));
  const fs::path key = fs::path(again->paths[0]).parent_path().parent_path();
  EXPECT_EQ(key, fs::path(first->paths[0]).parent_path().parent_path());
  EXPECT_TRUE(fs::exists(key / "model.txt"));
}

/// On failure the message is the table to put there.
TEST(CoreMlProviderApi, TheDocumentHasTheTable) {
  std::ifstream file(std::string(ASSAY_TEST_DATA) + "/../../docs/coreml-provider.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(text.find(coreml_provider_table()), std::string::npos) << coreml_provider_table();
}

}  // namespace
}  // namespace assay

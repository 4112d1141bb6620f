// The public API with arrays in memory and functions of the caller's.
#include "assay/program.h"

#include <gtest/gtest.h>

#include <array>

namespace assay {
namespace {

const std::string kModel = std::string(ASSAY_TEST_DATA) + "/../../examples/article/mlp.onnx";
constexpr std::array<float, 4> kInput = {-2.695711135864258F, -0.6399051547050476F, 3.681105375289917F,
                                         -0.2332591712474823F};
constexpr std::array<float, 3> kGpu = {0.6484375F, -0.34033203F, 1.4326172F};

Array input_of(const std::string& name, int64_t rows = 1) { return {name, "float32", {rows, 4}, kInput.data()}; }

std::vector<float> values_of(const Array& array) {
  const auto* data = static_cast<const float*>(array.data);
  size_t count = 1;
  for (const int64_t dim : array.shape) count *= static_cast<size_t>(dim);
  return {data, data + count};
}

/// Says the GPU's numbers whatever it is asked.
Callable device() {
  return {"device", [](const std::vector<Array>& inputs) -> Result<std::vector<Array>> {
            auto numbers = std::make_shared<std::vector<float>>();
            for (int64_t i = 0; i < inputs.at(0).shape[0]; ++i)
              numbers->insert(numbers->end(), kGpu.begin(), kGpu.end());
            return std::vector<Array>{{.type = "float32",
                                       .shape = {inputs[0].shape[0], 3},
                                       .data = numbers->data(),
                                       .owner = std::shared_ptr<const void>(numbers, numbers->data())}};
          }};
}

TEST(Program, RunsUnderAProfile) {
  const auto program = Program::open(kModel, "coreml-nn-gpu");
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_EQ(program->profile(), "coreml-nn-gpu");
  ASSERT_EQ(program->inputs().size(), 1U);
  const auto outputs = program->run({input_of(program->inputs()[0].name)});
  ASSERT_TRUE(outputs.ok()) << outputs.error().message;
  EXPECT_EQ(values_of(outputs->at(0)), std::vector<float>(kGpu.begin(), kGpu.end()));
}

TEST(Program, NamesWhatIsMissing) {
  const auto program = Program::open(kModel);
  ASSERT_TRUE(program.ok());
  EXPECT_EQ(program->run({input_of("other")}).error().code, Code::data_missing);
  Array negative = input_of(program->inputs()[0].name);
  negative.shape = {-1, 4};
  EXPECT_EQ(program->run({negative}).error().code, Code::data_shape);
  negative.type = "float99";
  EXPECT_EQ(program->run({negative}).error().code, Code::data_type);
}

TEST(Program, RefusesWordsBeforeFiles) {
  EXPECT_EQ(Program::open("nothing.onnx", "coreml-nn-gpo").error().code, Code::unknown_profile);
  EXPECT_EQ(Program::open("nothing.onnx").error().code, Code::file_missing);
}

TEST(Callable, IsComparedWithAProfile) {
  commands::CompareRequest request{.model = kModel, .programs = {"coreml-nn-gpu", "callable:device"}, .max_abs = 0};
  request.settings.callables = {device()};
  request.arrays = {input_of(Program::open(kModel)->inputs()[0].name)};
  const auto report = commands::compare(request);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->passed) << report->text;
  request.programs[0] = "strict-f32";
  EXPECT_FALSE(commands::compare(request)->passed);
}

TEST(Callable, NeedsNoModel) {
  commands::AuditRequest request{
      .decision = "argmax", .reference = "callable:device", .candidates = {"callable:device"}};
  request.settings.callables = {device()};
  std::vector<float> rows;
  for (int i = 0; i < 5; ++i) rows.insert(rows.end(), kInput.begin(), kInput.end());
  request.arrays = {{"x", "float32", {5, 4}, rows.data()}};
  request.label_values = {2, 2, 2, 2, 2};
  const auto report = commands::audit(request);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->passed);
  EXPECT_NE(report->json.find("\"samples\":5"), std::string::npos) << report->json;
  request.label_values.pop_back();
  EXPECT_EQ(commands::audit(request).error().code, Code::labels_length);
}

TEST(Callable, SaysWhatItFailedWith) {
  commands::CompareRequest request{.model = kModel, .programs = {"strict-f32", "callable:device"}};
  request.arrays = {input_of(Program::open(kModel)->inputs()[0].name)};
  EXPECT_EQ(commands::compare(request).error().code, Code::usage);  // none of this name
  request.settings.callables = {{"device", [](const std::vector<Array>&) -> Result<std::vector<Array>> {
                                   return Error{Code::backend_failed, "no power"};
                                 }}};
  EXPECT_EQ(commands::compare(request).error().message, "no power");
  request.settings.callables[0].run = [](const std::vector<Array>& inputs) { return Result(inputs); };
  EXPECT_EQ(commands::compare(request).error().code, Code::backend_failed);  // it returns an array of another name
}

}  // namespace
}  // namespace assay

// A program of somebody else: the article's network under two profiles, and an audit of it, through the public API.
//   consumer mlp.onnx input.npz
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "assay/commands.h"
#include "assay/program.h"

namespace {

using Row = std::array<float, 3>;

int failures = 0;

void expect(bool holds, const char* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  if (!holds) ++failures;
}

assay::Result<Row> run(const assay::Program& program, const std::array<float, 4>& values) {
  const assay::PortInfo& port = program.inputs().front();
  auto outputs = program.run({{.name = port.name, .type = port.type, .shape = {1, 4}, .data = values.data()}});
  if (!outputs.ok()) return outputs.error();
  const auto* y = static_cast<const float*>(outputs->front().data);
  return Row{y[0], y[1], y[2]};
}

void run_profiles(const std::string& model) {
  const std::array<float, 4> values = {0.1F, 0.2F, 0.3F, 0.4F};
  Row rows[2];
  const char* profiles[] = {"strict-f32", "coreml-nn-gpu"};
  for (int i = 0; i < 2; ++i) {
    auto program = assay::Program::open(model, profiles[i], {.settings = {.threads = 1}});
    expect(program.ok(), profiles[i]);
    if (!program.ok()) return;
    expect(program->emulated() == (i == 1), "emulation is said, and only that");
    auto row = run(*program, values);
    expect(row.ok(), "runs");
    if (!row.ok()) return;
    rows[i] = *row;
    std::printf("  %.8g %.8g %.8g\n", rows[i][0], rows[i][1], rows[i][2]);
  }
  for (int k = 0; k < 3; ++k) {
    expect(rows[0][k] != rows[1][k], "float16 on the way shows");
    expect(rows[0][k] - rows[1][k] < 0x1p-9F && rows[1][k] - rows[0][k] < 0x1p-9F, "by no more than that");
  }
}

// The article's input gives 0.6480752 in float32 and 0.6484375 on the GPU: a threshold between them flips.
bool passes(const std::string& model, const std::string& data, const std::string& threshold) {
  const auto report = assay::commands::audit({.model = model,
                                              .data = data,
                                              .decision = "threshold:" + threshold,
                                              .score = "index(output, 0)",
                                              .candidates = {"coreml-nn-gpu"}});
  if (!report.ok()) {
    std::printf("%s\n", report.error().message.c_str());
    return false;
  }
  std::printf("%s", report->text.c_str());
  return report->passed;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  run_profiles(argv[1]);
  expect(!passes(argv[1], argv[2], "0.6484"), "a decision at 0.6484 flips");
  expect(passes(argv[1], argv[2], "0.5"), "a decision at 0.5 does not");
  const auto unknown = assay::Program::open(argv[1], "no-such-profile");
  expect(!unknown.ok() && unknown.error().code == assay::Code::unknown_profile, "errors are values");
  return failures == 0 ? 0 : 1;
}

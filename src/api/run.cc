#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/inputs.h"
#include "api/timing.h"
#include "audit/compare.h"
#include "backends/program.h"
#include "base/output_file.h"
#include "base/text.h"

namespace assay::commands {
namespace {
using nlohmann::ordered_json;

constexpr int64_t kPrinted = 8;  // values of an output that the text shows

std::string preview(const ir::Tensor& t) {
  std::vector<std::string> parts;
  for (int64_t i = 0; i < std::min(kPrinted, t.size()); ++i) {
    if (t.elem() == ir::ElemType::string)
      parts.push_back("'" + t.strings()[static_cast<size_t>(i)] + "'");
    else if (t.elem() == ir::ElemType::float64)
      parts.push_back(shortest(t.float_at(i)));
    else if (ir::is_float(t.elem()))
      parts.push_back(shortest(static_cast<float>(t.float_at(i))));
    else
      parts.push_back(std::to_string(t.int_at(i)));
  }
  return join(parts, " ") + (t.size() > kPrinted ? " ..." : "");
}

ordered_json json_of(const audit::NamedArray& array) {
  return {{"name", array.name},
          {"type", ir::elem_name(array.tensor.elem())},
          {"shape", array.tensor.dims()},
          {"values", preview(array.tensor)}};
}

struct Opened {
  std::unique_ptr<api::Context> context;
  std::unique_ptr<api::InputData> data;
  std::unique_ptr<backends::ProgramLoader> loader;
  std::unique_ptr<backends::Program> program;
  audit::Arrays inputs;
};

Result<Opened> open(const RunRequest& request, Warnings& warnings) {
  Opened opened;
  ASSAY_TRY(opened.context, api::Context::make(request.settings));
  opened.data = std::make_unique<api::InputData>(request.input, request.arrays);
  backends::ProgramOptions options = api::program_options(*opened.context, request.settings, *opened.data, true);
  options.intermediates = request.intermediates;
  opened.loader = std::make_unique<backends::ProgramLoader>(std::move(options));
  ASSAY_TRY(opened.program, opened.loader->open(request.program, request.model, warnings));
  ASSAY_TRY(opened.inputs, api::inputs_for(*opened.data, request.random, request.shapes, opened.program->inputs()));
  return opened;
}

}  // namespace

Result<Report> run(const RunRequest& request) {
  Report report;
  if (!request.output.empty()) ASSAY_CHECK(OutputFile::check(request.output));
  ASSAY_TRY(Opened opened, open(request, report.warnings));
  opened.program->keep_states(true);  // samples are steps of one session
  ASSAY_TRY(const audit::Arrays outputs, audit::run_program(*opened.program, 0, opened.inputs, report.warnings));
  if (!request.output.empty()) ASSAY_CHECK(audit::write_npz(request.output, outputs));
  ordered_json list = ordered_json::array();
  for (const audit::NamedArray& array : outputs) {
    list.push_back(json_of(array));
    report.text += fmt::format("{}: {}{}\n  {}\n", array.name, ir::elem_name(array.tensor.elem()),
                               ir::to_string(array.tensor.dims()), preview(array.tensor));
  }
  ordered_json memory = nullptr;
  if (const auto used = opened.program->memory(0)) {
    memory = {{"intermediate_bytes", used->arena_bytes},
              {"intermediate_lower_bound_bytes", used->lower_bound_bytes},
              {"constant_bytes", used->constant_bytes}};
    report.text +=
        fmt::format("memory of intermediates: {} bytes, of at least {}\n", used->arena_bytes, used->lower_bound_bytes);
  }
  const ordered_json result = {{"program", opened.program->text()},
                               {"emulated", opened.program->emulated()},
                               {"variant", opened.program->variants().front()},
                               {"outputs", list},
                               {"memory", memory},
                               {"written", request.output}};
  report.json = result.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  report.arrays = api::arrays_of(outputs);
  return report;
}

Result<Report> bench_run(const BenchRunRequest& request) {
  Report report;
  ASSAY_TRY(Opened opened, open(request.run, report.warnings));
  audit::warn_of_unused(opened.inputs, opened.program->inputs(), opened.program->text(), report.warnings);
  ASSAY_TRY(const audit::Samples samples, audit::Samples::create(opened.inputs, opened.program->inputs()));
  const size_t count = samples.batch() ? samples.batch() : samples.count();
  ASSAY_TRY(const std::vector<ir::Tensor> inputs, samples.slice(0, count));
  const backends::SampleRange range{.first = 0, .count = count, .total = count};
  std::vector<double> wall, cpu;
  for (int i = 0; i <= request.repeat; ++i) {
    const double wall_begin = api::wall_seconds(), cpu_begin = api::cpu_seconds();
    ASSAY_TRY(const auto outputs, opened.program->run(0, inputs, range));
    if (i == 0) continue;  // plans, packs and warms caches
    wall.push_back((api::wall_seconds() - wall_begin) * 1e3);
    cpu.push_back((api::cpu_seconds() - cpu_begin) * 1e3);
    if (request.run.settings.progress)
      request.run.settings.progress("runs", static_cast<uint64_t>(i), static_cast<uint64_t>(request.repeat));
  }
  const auto [least, most] = std::ranges::minmax(wall);
  report.text = fmt::format("{}: median {:.4g} ms of {} runs (min {:.4g}, max {:.4g})\n", opened.program->text(),
                            api::median(wall), wall.size(), least, most);
  report.json = ordered_json{{"program", opened.program->text()}, {"wall_ms", wall}, {"cpu_ms", cpu}}.dump();
  return report;
}

}  // namespace assay::commands

#include "audit/compare.h"

#include "api/context.h"
#include "api/inputs.h"
#include "api/trace_words.h"
#include "assay/commands.h"
#include "audit/recordings.h"
#include "audit/trace/tracer.h"
#include "backends/program.h"
#include "report/json.h"
#include "report/text.h"

namespace assay::commands {

Result<Report> compare(const CompareRequest& request) {
  if (request.programs.size() < 2)
    return Error{Code::usage, "compare needs at least two programs", "", "give --program twice or more"};
  ASSAY_CHECK(api::check_trace(request.trace));
  Report report;
  ASSAY_TRY(const auto context, api::Context::make(request.settings));
  api::InputData data(request.input, request.arrays, api::Held::in_file);
  backends::ProgramLoader loader(api::program_options(*context, request.settings, data, true));
  std::vector<std::unique_ptr<backends::Program>> owned;
  std::vector<backends::Program*> programs;
  for (const std::string& spec : request.programs) {
    ASSAY_TRY(auto program, loader.open(spec, request.model, report.warnings));
    programs.push_back(program.get());
    owned.push_back(std::move(program));
  }
  ASSAY_TRY(const auto ports, loader.ports(request.model, report.warnings));
  ASSAY_TRY(const audit::Arrays inputs, api::inputs_for(data, request.random, request.shapes, ports));
  const auto files = loader.files();
  ASSAY_CHECK(
      audit::check_recordings(programs, {.files = files, .data = &inputs}, context->threads.get(), report.warnings));
  audit::CompareOptions options;
  options.max_abs = request.max_abs;
  options.max_rel = request.max_rel;
  options.threads = context->threads;
  if (request.trace.wanted) {
    for (size_t i = 1; i < programs.size(); ++i)
      if (auto passed_over = audit::untraced(*programs[0], *programs[i]))
        report.warnings.push_back(*std::move(passed_over));
    options.trace = audit::TraceOptions{.introduced = request.trace.introduced, .exact_samples = request.trace.exact};
    options.conversion_samples = request.trace.exact;
  }
  if (request.max_ulp)
    options.max_ulp = *request.max_ulp < 0x1p63 ? static_cast<uint64_t>(*request.max_ulp) : UINT64_MAX;
  if (request.settings.progress)
    options.progress = [&](size_t done, size_t total) { request.settings.progress("samples", done, total); };
  ASSAY_TRY(const audit::CompareResult result, audit::compare(programs, inputs, options, report.warnings));
  report.json = report::to_json(result);
  report.text = report::to_text(result);
  report.coloured = report::to_text(result, {.colour = true});
  report.passed = result.within_limits;
  return report;
}

}  // namespace assay::commands

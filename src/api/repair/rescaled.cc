#include "api/repair/rescaled.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "api/repair/fixes.h"
#include "audit/layout.h"
#include "audit/repair/rescale.h"
#include "audit/search/watched.h"
#include "onnx/export.h"

namespace assay::api {
namespace {

/// Magnitude from which on results of the program overflow.
double limit_of(const backends::Program& program) {
  const auto id = ir::elem_format(program.storage());
  if (!id) return HUGE_VAL;
  const num::Format& format = num::format(*id);
  double limit = std::ldexp(2 - std::ldexp(1, -format.significand_bits), format.bias);
  if (const auto graph = program.resolved(0))
    for (const ir::Op& op : graph->ops)
      if (op.policy.result && op.policy.result->limit > 0) limit = std::min(limit, op.policy.result->limit);
  return limit;
}

/// Of the model in float32, whatever the reference is.
Result<std::vector<double>> largest_of(AuditJob& job, const backends::Program& program,
                                       const std::vector<size_t>& samples) {
  Warnings told;
  ASSAY_TRY(const auto wide, job.loader->open(file_of(program.text()) + "strict-f32", job.request->model, told));
  backends::Program* const programs[] = {wide.get()};
  ASSAY_TRY(const auto layout, audit::Layout::create(programs, job.data, audit::Samples::Whole::refused, told));
  const ir::Graph& model = *program.model();
  ASSAY_TRY(auto watched, audit::Watched::create(*wide->resolved(0), model, job.context->threads));
  std::vector<double> largest(model.values.size());
  for (const size_t s : samples) {
    ASSAY_TRY(const auto inputs, layout.inputs_of(0, s));
    ASSAY_TRY(const auto tensors, watched.run(inputs));
    for (size_t t = 0; t < tensors.size(); ++t) {
      double& most = largest[watched.values()[t]];
      for (int64_t e = 0; e < tensors[t].size(); ++e) {
        const double magnitude = std::fabs(tensors[t].float_at(e));
        if (magnitude > most) most = magnitude;
      }
    }
  }
  return largest;
}

}  // namespace

Result<std::optional<RescaledModel>> rescaled_model(AuditJob& job, const backends::Program& program,
                                                    const std::vector<size_t>& samples) {
  const auto model = program.model();
  if (model == nullptr) return std::optional<RescaledModel>();
  ASSAY_TRY(const auto largest, largest_of(job, program, samples));
  audit::Rescaled rescaled = audit::rescale(*model, largest, limit_of(program));
  if (rescaled.layers.empty()) return std::optional<RescaledModel>();
  const auto target = std::filesystem::temp_directory_path() / "rescaled.onnx";
  ASSAY_TRY(auto folder, Beside::create(target.string()));
  std::vector<std::string> layers;
  layers.reserve(rescaled.layers.size());
  for (const auto& [op, exponent] : rescaled.layers)
    layers.push_back(model->describe(model->ops[op]) + " by 2^" + std::to_string(exponent));
  if (!onnx::export_model(rescaled.graph, folder.file()).ok()) return std::optional<RescaledModel>();
  return std::optional<RescaledModel>(RescaledModel{std::move(folder), std::move(layers)});
}

}  // namespace assay::api

// What a repair writes, and runs again.
#include <algorithm>
#include <filesystem>

#include "api/repair/files.h"
#include "api/repair/job.h"
#include "audit/repair/configs.h"
#include "base/output_file.h"

namespace assay::api {
namespace {

bool declares(const ir::Graph* graph, ir::ElemType type) {
  return graph != nullptr && std::ranges::any_of(graph->values, [&](const ir::Value& value) {
           return value.type.kind == ir::Type::Kind::tensor && value.type.elem == type;
         });
}

}  // namespace

/// Opened anew, from the file alone, and run over all samples.
Result<audit::WrittenFile> RepairJob::written(const std::string& file, const std::string& spec) {
  InputData input(request_.audit.data, request_.audit.arrays);
  backends::ProgramLoader loader(
      program_options(*job_->context, request_.audit.settings, input, request_.audit.primary_only));
  Warnings told;
  ASSAY_TRY(const auto program, loader.open(spec, file, told));
  ASSAY_TRY(const auto answers,
            audit::answers_of(*job_->reference, *program, job_->data, question_, trial_options(), &answers_));
  std::vector<size_t> all = parts_.searched;
  all.insert(all.end(), parts_.held.begin(), parts_.held.end());
  audit::WrittenFile checked{.path = request_.output, .program = spec, .standing = standing_of(answers, all)};
  checked.meets = goal_.met(checked.standing);
  checked.right = right(answers.at(0), false);
  if (!is_package(request_.output) && declares(program->model().get(), ir::ElemType::bfloat16))
    checked.note =
        "few runtimes have operators in bfloat16: ONNX Runtime's CPU loads such a file only where it has them all";
  return checked;
}

Status RepairJob::write() {
  if (request_.output.empty()) return {};
  const Repaired repaired{
      .source = source(), .model = model_.get(), .kept = units_.spread(kept_), .low = program_->storage()};
  const std::string unit = program_->profile() == nullptr ? "" : core_ml_unit(program_->profile()->name);
  const std::string spec =
      is_package(request_.output) ? "coreml-mlprogram-f16-" + (unit.empty() ? "gpu" : unit) : "strict-f32";
  {
    ASSAY_TRY(const auto beside, Beside::create(request_.output));
    ASSAY_CHECK(write_repaired(repaired, beside.file(), warnings_));
    ASSAY_TRY(auto checked, written(beside.file(), spec));
    result_.files.push_back(std::move(checked));
  }
  if (!result_.files.back().meets) return {};
  Warnings told;  // before, of the same
  return write_repaired(repaired, request_.output, told);
}

Status RepairJob::write_configs() {
  if (request_.configs.empty()) return {};
  std::error_code failed;
  std::filesystem::create_directories(request_.configs, failed);
  if (failed) return Error{Code::write_failed, failed.message(), request_.configs, "name a folder that can be made"};
  for (const auto& [name, text] : audit::config_files(*model_, units_.spread(kept_)))
    ASSAY_CHECK(write_file(request_.configs + "/" + name, text));
  return {};
}

}  // namespace assay::api

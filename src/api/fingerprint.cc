#include "audit/fingerprint.h"

#include <algorithm>

#include "api/context.h"
#include "api/fit.h"
#include "api/inputs.h"
#include "assay/commands.h"
#include "audit/recordings.h"
#include "backends/engine.h"
#include "backends/recorded.h"
#include "base/text.h"
#include "profiles/typed.h"
#include "report/fingerprint.h"

namespace assay::commands {
namespace {

using audit::Arrays;
using audit::FitCase;

struct Recorded {
  Arrays arrays;
  std::optional<backends::Provenance> provenance{};
};

Result<Recorded> read_outputs(const FingerprintRequest& request) {
  Recorded recorded;
  if (request.file.empty()) {
    ASSAY_TRY(recorded.arrays, api::tensors_of(request.arrays));
  } else if (request.file.ends_with(".npy")) {
    ASSAY_TRY(ir::Tensor tensor, audit::read_npy(request.file));
    recorded.arrays.push_back({"array", std::move(tensor)});
  } else {
    ASSAY_TRY(backends::RecordedArrays read, backends::read_recording(request.file));
    recorded.arrays = std::move(read.arrays);
    if (read.provenance) {
      ASSAY_TRY(recorded.provenance, backends::parse_provenance(*read.provenance, request.file));
    }
  }
  return recorded;
}

Status check_words(const FingerprintRequest& request) {
  if (!request.model.empty()) {
    if (request.input.empty() && request.input_arrays.empty())
      return Error{Code::usage, "--model needs the inputs that the outputs were recorded with", "",
                   "give --input FILE"};
    return {};
  }
  if (!request.input.empty() || !request.input_arrays.empty())
    return Error{Code::usage, "--input is for --model", "", "give --model FILE too"};
  const FingerprintRequest usual;
  if (request.combinations != usual.combinations || request.samples != usual.samples)
    return Error{Code::usage, "--combinations and --samples are for --model", "", "give --model FILE and --input FILE"};
  return {};
}

/// The recorded arrays that are outputs of the program; those that are not stay behind, by name.
Arrays outputs_among(const Arrays& arrays, const backends::Program& program, std::vector<std::string>& others) {
  Arrays found;
  for (const audit::NamedArray& array : arrays) {
    if (!ir::is_float(array.tensor.elem())) continue;
    const auto port = std::ranges::find_if(program.outputs(), [&](const auto& p) { return p.is_called(array.name); });
    if (port == program.outputs().end())
      others.push_back(array.name);
    else
      found.push_back({port->name, array.tensor});
  }
  return found;
}

/// As many arrays as outputs, under other names: by order, which is said. An .npy has no name to differ.
void take_in_order(const Arrays& arrays, const backends::Program& program, FitCase& one, Warnings& warnings) {
  Arrays floats;
  for (const audit::NamedArray& array : arrays)
    if (ir::is_float(array.tensor.elem())) floats.push_back(array);
  if (!one.observed.empty() || floats.size() != program.outputs().size()) return;
  std::vector<std::string> pairs;
  for (size_t i = 0; i < floats.size(); ++i) {
    one.observed.push_back({program.outputs()[i].name, floats[i].tensor});
    pairs.push_back(floats[i].name + " for " + program.outputs()[i].name);
  }
  if (floats.size() == 1 && floats[0].name == "array") return;
  warnings.push_back({Code::matched_by_order,
                      "recorded arrays are taken in the order of the outputs: " + join(pairs, ", "), program.text(),
                      "name arrays as the model's outputs"});
}

/// A recording that says where it is from must be of this model and of these inputs.
Status check_provenance(const FingerprintRequest& request, Recorded recorded, const std::vector<std::string>& files,
                        const Arrays& inputs, const Threads* threads, Warnings& warnings) {
  if (!recorded.provenance) {
    warnings.push_back({Code::record_unproven, "nothing shows of which model and inputs the outputs are",
                        request.file.empty() ? "arrays in memory" : request.file,
                        "record with assay-record, which writes their hashes down"});
    return {};
  }
  ASSAY_TRY(const auto program, backends::RecordedProgram::create("recorded:" + request.file,
                                                                  std::move(recorded.arrays), recorded.provenance));
  backends::Program* const programs[] = {program.get()};
  return audit::check_recordings(programs, {.files = files, .data = &inputs}, threads, warnings);
}

/// Leaves the first samples, where arrays have as many along their first axis as the data.
Status first_samples(size_t wanted, FitCase& one) {
  if (wanted == 0) return {};
  ASSAY_TRY(const audit::Samples samples, audit::Samples::create(one.inputs, one.model->inputs));
  if (!samples.has_sample_axis() || samples.count() <= wanted) return {};
  for (Arrays* arrays : {&one.inputs, &one.observed})
    for (audit::NamedArray& array : *arrays)
      if (array.tensor.rank() > 0 && array.tensor.dims()[0] == static_cast<int64_t>(samples.count()))
        array.tensor = backends::slice_samples(array.tensor, 0, wanted, false);
  return {};
}

struct Subject {
  FitCase one;
  bool ml_program = false;
};

Result<Subject> open_subject(const FingerprintRequest& request, const api::Context& context, const Recorded& recorded,
                             Warnings& warnings) {
  Subject subject;
  api::InputData data(request.input, request.input_arrays);
  std::vector<std::string> others;
  enum class Look : uint8_t { at_outputs, inside, in_order };
  for (const Look look : {Look::at_outputs, Look::inside, Look::in_order}) {
    Warnings said;
    backends::ProgramOptions options = api::program_options(context, request.settings, data, true);
    options.intermediates = look == Look::inside;
    backends::ProgramLoader loader(std::move(options));
    ASSAY_TRY(const auto program, loader.open("", request.model, said));
    others.clear();
    subject.one.observed = outputs_among(recorded.arrays, *program, others);
    if (look == Look::at_outputs && !others.empty()) continue;  // perhaps arrays from inside the model
    if (look == Look::inside && subject.one.observed.empty()) continue;
    warnings.insert(warnings.end(), said.begin(), said.end());
    take_in_order(recorded.arrays, *program, subject.one, warnings);
    subject.ml_program = profiles::names_ml_program(program->profile()->name);
    ASSAY_TRY(subject.one.inputs, api::inputs_for(data, std::nullopt, {}, program->inputs()));
    subject.one.model = std::make_shared<backends::Model>(
        backends::Model{subject.ml_program ? backends::ModelFormat::ml_program : backends::ModelFormat::onnx,
                        program->model(), program->inputs(), program->outputs()});
    ASSAY_CHECK(
        check_provenance(request, recorded, loader.files(), subject.one.inputs, context.threads.get(), warnings));
    ASSAY_CHECK(first_samples(request.samples, subject.one));
    break;
  }
  const auto is_float = [](const audit::NamedArray& array) { return ir::is_float(array.tensor.elem()); };
  if (std::ranges::none_of(recorded.arrays, is_float))
    return Error{Code::data_missing,
                 "no recorded array holds floating-point numbers: integers tell nothing of rounding", request.file,
                 "record outputs that are floating-point"};
  if (subject.one.observed.empty())
    return Error{Code::data_missing, "no recorded array is a value of the model; there are: " + join(others, ", "),
                 request.file, "name arrays as the model's outputs"};
  if (!others.empty() && subject.one.observed.size() < recorded.arrays.size())
    warnings.push_back({Code::data_unused, "no value of the model is called " + join(others, ", "), request.file,
                        "name arrays as the model's values"});
  return subject;
}

Result<audit::FitResult> fit_model(const FingerprintRequest& request, const Recorded& recorded, Warnings& warnings) {
  ASSAY_TRY(const auto context, api::Context::make(request.settings));
  ASSAY_TRY(Subject subject, open_subject(request, *context, recorded, warnings));
  const auto named = api::named_policies(*context, subject.ml_program ? subject.one.model->graph.get() : nullptr);
  std::vector<FitCase> cases;
  cases.push_back(std::move(subject.one));
  audit::Evaluator evaluator(std::move(cases), context->threads);
  return audit::fit(evaluator, named, api::fit_options(request.settings, request.combinations));
}

}  // namespace

Result<Report> fingerprint(const FingerprintRequest& request) {
  ASSAY_CHECK(check_words(request));
  Report report;
  ASSAY_TRY(const Recorded recorded, read_outputs(request));
  const auto prints = audit::fingerprint(recorded.arrays);
  if (request.model.empty()) {
    report.json = report::to_json(prints, nullptr);
    report.text = report::to_text(prints, nullptr);
    return report;
  }
  ASSAY_TRY(const audit::FitResult fit, fit_model(request, recorded, report.warnings));
  report.json = report::to_json(prints, &fit);
  report.text = report::to_text(prints, &fit);
  return report;
}

}  // namespace assay::commands

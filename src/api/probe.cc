#include "report/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/fit.h"
#include "assay/commands.h"
#include "audit/probe/read.h"
#include "audit/probe/recorders.h"
#include "base/output_file.h"
#include "base/text.h"
#include "coreml/file.h"
#include "coreml/lower.h"
#include "onnx/export.h"
#include "profiles/write.h"

namespace assay::commands {
namespace {

using audit::Probe;
using nlohmann::ordered_json;
namespace fs = std::filesystem;

Status make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path, error))
    return Error{Code::write_failed, "cannot make the folder: " + error.message(), path.string(), "choose another"};
  return {};
}

/// One format of Core ML; what it cannot say is told, not an error.
Status write_core_ml(const Probe& probe, coreml::Format format, const std::string& path, ordered_json& left_out) {
  Warnings unsaid;  // that a NeuralNetwork has no types is what the probes are for
  const auto lowered = coreml::lower(*probe.graph, {.format = format}, unsaid);
  if (!lowered.ok()) {
    left_out.push_back({{"file", fs::path(path).filename().string()}, {"reason", lowered.error().message}});
    return {};
  }
  return coreml::write_model(*lowered, path);
}

/// Constants of the probe, for runtimes that read no model file.
audit::Arrays weights_of(const ir::Graph& graph) {
  audit::Arrays weights;
  for (const ir::Value& value : graph.values)
    if (value.constant && value.constant->elem() != ir::ElemType::string)
      weights.push_back({value.name, *value.constant});
  return weights;
}

Result<ordered_json> write_probe(const Probe& probe, const fs::path& folder, ordered_json& left_out) {
  const std::string stem = (folder / probe.name).string();
  ASSAY_CHECK(onnx::export_model(*probe.graph, stem + ".onnx"));
  ASSAY_CHECK(write_core_ml(probe, coreml::Format::neural_network, stem + ".mlmodel", left_out));
  ASSAY_CHECK(write_core_ml(probe, coreml::Format::ml_program, stem + ".mlpackage", left_out));
  ASSAY_CHECK(audit::write_npz(stem + ".npz", probe.inputs));
  ASSAY_CHECK(audit::write_npz((folder / "weights" / (probe.name + ".npz")).string(), weights_of(*probe.graph)));
  const ir::Op& op = probe.graph->ops.back();
  ordered_json operands = ordered_json::array();
  for (const ir::ValueId id : op.inputs) operands.push_back(probe.graph->at(id).name);
  return ordered_json{{"name", probe.name}, {"group", probe.group},
                      {"shows", probe.doc}, {"identity", audit::probes_identity({&probe, 1})},
                      {"op", op.type},      {"operands", operands}};
}

/// The profile's name is the file's, in lower case and with "-" for spaces.
std::string profile_name(const std::string& path) {
  std::string name = audit::lower(fs::path(path).stem().string());
  std::ranges::replace(name, ' ', '-');
  return name;
}

/// Before long work: a profile with this name could not be used, or not beside those there are.
Status check_name(const std::string& path, const profiles::ProfileSet& known) {
  const std::string name = profile_name(path);
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool plain = std::ranges::all_of(name, [&](char c) { return letter(c) || c == '-' || c == '_' || c == '.'; });
  if (name.empty() || name.size() > 64 || !plain || !letter(name.front()))
    return Error{Code::usage, "a profile is called as its file, and '" + name + "' is no name of a profile", path,
                 "call it at most 64 of a-z, 0-9, '-', '_' and '.', with a letter or digit first"};
  for (const profiles::Profile* other : known.all())
    if (other->name == name && other->file != path)  // its own file may be written anew
      return Error{Code::usage, "there is a profile '" + name + "' already (" + other->file + ")", path,
                   "a profile is called as its file: give the file another name"};
  return {};
}

/// Writes the profile, once it is sure that it reads back and says the same.
Status write_profile(const audit::ProbeVerdict& verdict, const std::string& device, const std::string& path) {
  const audit::Fit& best = verdict.fit.groups.front().fit;
  if (!audit::fits(verdict))
    return Error{Code::not_modelled,
                 fmt::format("no policy fits that a profile could say: the nearest gives {} of {} values", best.equal,
                             best.elements),
                 path, "leave -o out to see it probe by probe"};
  const profiles::Profile profile = audit::profile_of(verdict, profile_name(path), device);
  const std::string text = "# Written by `assay probe read`.\n" + profiles::to_toml(profile);
  ASSAY_TRY(const profiles::Profile again, profiles::parse_profile(text, path));
  if (profiles::identity_of(again) != profiles::identity_of(profile))
    return Error{Code::internal, "the profile does not read back the same", path};
  return write_file(path, text);
}

/// What to do where a mode is asked for that is not there. A recording without modes has one, of no name.
std::string other_mode(const std::string& asked, const std::vector<std::string>& names) {
  if (names.size() == 1 && names.front().empty()) return "it has none: leave --mode out";
  const std::string meant = did_you_mean(asked, names);
  return meant.empty() ? "it has: " + join(names, ", ") : "did you mean '" + meant + "'?";
}

Status choose_mode(const ProbeReadRequest& request, audit::ProbeRecording& recording) {
  std::vector<std::string> names;
  names.reserve(recording.modes.size());
  for (const audit::ProbeMode& mode : recording.modes) names.push_back(mode.name);
  if (!request.mode.empty()) {
    if (std::ranges::find(names, request.mode) == names.end())
      return Error{Code::usage, "the recording has no mode '" + request.mode + "'", request.recording,
                   other_mode(request.mode, names)};
    std::erase_if(recording.modes, [&](const audit::ProbeMode& mode) { return mode.name != request.mode; });
  }
  if (!request.output.empty() && recording.modes.size() > 1)
    return Error{Code::usage, "a profile is of one mode, and the recording has " + join(names, ", "), request.recording,
                 "choose with --mode NAME"};
  return {};
}

Status check_output(const ProbeReadRequest& request, const api::Context& context) {
  if (request.output.empty()) return {};
  if (!request.output.ends_with(".toml"))
    return Error{Code::usage, "profiles are .toml files, not '" + request.output + "'", "", "end it in .toml"};
  ASSAY_CHECK(check_name(request.output, context.profiles));
  return OutputFile::check(request.output);
}

Status check_without(const ProbeReadRequest& request, const api::Context& context) {
  for (const std::string& name : request.without) ASSAY_CHECK(context.profiles.find(name));
  return {};
}

}  // namespace

Result<Report> probe_make(const ProbeMakeRequest& request) {
  ASSAY_TRY(const std::vector<Probe> probes, audit::make_probes(request.groups));
  const fs::path folder(request.output);
  ASSAY_CHECK(make_folder(folder / "weights"));
  ordered_json list = ordered_json::array(), left_out = ordered_json::array();
  for (const Probe& probe : probes) {
    ASSAY_TRY(ordered_json one, write_probe(probe, folder, left_out));
    list.push_back(std::move(one));
    if (request.settings.progress) request.settings.progress("probes", list.size(), probes.size());
  }
  ordered_json scripts = ordered_json::array();
  for (const audit::Recorder& recorder : audit::recorders()) {
    ASSAY_CHECK(write_file((folder / recorder.file).string(), audit::script_of(recorder)));
    scripts.push_back(recorder.file);
  }
  const ordered_json manifest = {{"assay_probes", 1}, {"probes", list}};
  ASSAY_CHECK(write_file((folder / "probes.json").string(), manifest.dump(1) + "\n"));
  Report report;
  report.json =
      ordered_json{{"folder", request.output}, {"probes", list}, {"left_out", left_out}, {"recorders", scripts}}.dump();
  report.text =
      fmt::format("wrote {} probes to {}, each as ONNX, NeuralNetwork and ML Program\n", probes.size(), request.output);
  for (const ordered_json& one : left_out)
    report.text += fmt::format("  without {}: {}\n", one["file"].get<std::string>(), one["reason"].get<std::string>());
  report.text += "run one of these where the runtime is, then `assay probe read` on what it saves:\n";
  for (const audit::Recorder& recorder : audit::recorders())
    report.text += fmt::format("  {}: {}\n", recorder.runtime, recorder.doc);
  return report;
}

Result<Report> probe_read(const ProbeReadRequest& request) {
  Report report;
  ASSAY_TRY(const auto context, api::Context::make(request.settings));
  ASSAY_CHECK(check_without(request, *context));
  ASSAY_CHECK(check_output(request, *context));
  ASSAY_TRY(const backends::RecordedArrays read, backends::read_recording(request.recording));
  ASSAY_TRY(audit::ProbeRecording recording,
            audit::read_probes(read.arrays, read.provenance.value_or(""), request.recording));
  ASSAY_CHECK(choose_mode(request, recording));
  if (!recording.unused.empty())
    report.warnings.push_back({Code::data_unused, "these arrays are of no probe: " + join(recording.unused, ", "),
                               request.recording, "name arrays PROBE/y"});
  auto named = api::named_policies(*context, nullptr);
  std::erase_if(named, [&](const audit::Hypothesis& h) {
    return std::ranges::find(request.without, h.profile) != request.without.end();
  });
  std::vector<audit::ProbeVerdict> verdicts;
  for (audit::ProbeMode& mode : recording.modes) {
    ASSAY_TRY(audit::ProbeVerdict verdict,
              audit::judge_probes(std::move(mode), named, context->threads,
                                  api::fit_options(request.settings, request.combinations)));
    verdicts.push_back(std::move(verdict));
  }
  if (!request.output.empty()) ASSAY_CHECK(write_profile(verdicts.front(), recording.device, request.output));
  report.json = report::to_json(verdicts, recording.device, request.output);
  report.text = report::to_text(verdicts, recording.device, request.output);
  return report;
}

}  // namespace assay::commands

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "api/context.h"
#include "api/coreml_provider.h"
#include "api/listing/listing.h"
#include "backends/program.h"
#include "base/text.h"
#include "coreml/file.h"
#include "ir/text.h"
#include "onnx/export.h"
#include "onnx/functions.h"

namespace assay::commands {
namespace {
using nlohmann::ordered_json;

std::string dumped(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string counts_text(const std::map<std::string, uint64_t>& counts) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts) parts.push_back(fmt::format("{} {}", count, name));
  return join(parts, ", ");
}

// A policy that Casts cannot say is refused as a whole, naming its first such statement, even where this model would
// not meet it. False: a warning was an error, and nothing is written.
Result<bool> emit(const InspectRequest& request, const ir::Graph& graph, const backends::Program& program,
                  Warnings& warnings) {
  if (program.profile() != nullptr)
    if (const auto statement = profiles::not_expressible(*program.profile(), 0))
      return Error{Code::not_expressible, "ONNX cannot say " + *statement, "profile " + program.profile()->name,
                   "only storage policies (f16-storage, bf16-storage, strict-f32) can be written as plain ONNX"};
  if (auto warning = onnx::warn_undefined(graph, request.emit_onnx)) {
    warnings.push_back(*std::move(warning));
    if (request.strict) return false;
  }
  ASSAY_CHECK(onnx::export_model(graph, request.emit_onnx));
  return true;
}

struct WeightCount {
  uint64_t tensors = 0, bytes = 0;
  bool compressed = false;
};

std::map<std::string, WeightCount> count_weights(const api::Listing& listing) {
  std::map<std::string, WeightCount> by_type;
  std::set<const std::byte*> seen;  // several operations may read one weight
  for (const api::ListedOp& op : listing.ops) {
    for (const api::Weight& weight : op.weights) {
      if (weight.data.view.data() != nullptr && !seen.insert(weight.data.view.data()).second) continue;
      WeightCount& count = by_type[weight.type];
      ++count.tensors;
      count.bytes += weight.bytes;
      count.compressed |= weight.compressed;
    }
  }
  return by_type;
}

ordered_json values_json(const std::vector<api::ListedValue>& values) {
  ordered_json list = ordered_json::array();
  for (const api::ListedValue& v : values) list.push_back({{"name", v.name}, {"type", v.type}});
  return list;
}

ordered_json op_json(const api::ListedOp& op) {
  ordered_json attributes = ordered_json::object(), weights = ordered_json::array(), outputs = ordered_json::array();
  for (const auto& [key, text] : op.attributes) attributes[key] = text;
  for (const api::Weight& w : op.weights)
    weights.push_back({{"name", w.name}, {"type", w.type}, {"shape", w.shape}, {"place", w.place}, {"bytes", w.bytes}});
  for (const api::ListedValue& v : op.outputs)
    outputs.push_back({{"name", v.name}, {"type", v.type.empty() ? ordered_json() : ordered_json(v.type)}});
  return {{"kind", op.kind},          {"name", op.name},    {"depth", op.depth}, {"inputs", op.inputs},
          {"attributes", attributes}, {"weights", weights}, {"outputs", outputs}};
}

ordered_json json_of(const std::string& file, const api::Listing& listing, bool full) {
  ordered_json weights = ordered_json::object(), required = ordered_json::array();
  for (const auto& [type, count] : count_weights(listing))
    weights[type] = {{"tensors", count.tensors}, {"bytes", count.bytes}, {"compressed", count.compressed}};
  for (const mil::Requirement& r : listing.requirements)
    required.push_back({{"version", r.version}, {"feature", r.feature}});
  const std::vector<std::string> unstated = listing.unstated();
  ordered_json out = {
      {"file", file},
      {"format", listing.format},
      {"graph", listing.heading},
      {"specification_version", listing.spec_version == 0 ? ordered_json() : ordered_json(listing.spec_version)},
      {"required_by", required},
      {"metadata", listing.metadata},
      {"inputs", values_json(listing.inputs)},
      {"outputs", values_json(listing.outputs)},
      {"states", values_json(listing.states)},
      {"notes", listing.notes},
      {"operations", listing.ops.size()},
      {"operators", listing.kinds()},
      {"results_stored_as", listing.result_types()},
      {"values", {{"typed", listing.typed_count()}, {"unstated", unstated.size()}}},
      {"unstated_values", unstated},
      {"precision", api::precision_sentence(listing)},
      {"weights", weights}};
  for (size_t i = 0; i < listing.parts.size(); ++i) {
    const api::ListedPart& part = listing.parts[i];
    out["parts"].push_back({{"name", part.heading},
                            {"format", part.format},
                            {"inputs", values_json(part.inputs)},
                            {"outputs", values_json(part.outputs)},
                            {"operations", listing.ops_of(i).size()}});
  }
  if (full) {
    out["program"] = api::print_listing(listing);
    for (const api::ListedOp& op : listing.ops) out["operation_list"].push_back(op_json(op));
  }
  return out;
}

constexpr size_t kNamesShown = 8;

std::string unstated_text(const std::vector<std::string>& names) {
  if (names.empty()) return "";
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + static_cast<int64_t>(std::min(kNamesShown, names.size())));
  return ": " + join(first, ", ") + (names.size() > kNamesShown ? ", ..." : "");
}

std::string text_of(const std::string& file, const api::Listing& listing) {
  std::string out = fmt::format("{}: {}", file, listing.format);
  if (listing.spec_version != 0) {
    out += fmt::format(", specification version {}", listing.spec_version);
    if (!listing.requirements.empty()) out += fmt::format(" ({})", mil::to_string(listing.requirements.front()));
    out += "\n";
  } else {
    out += fmt::format(" graph '{}'\n", listing.heading);
  }
  for (const auto& [key, value] : listing.metadata) out += fmt::format("  {}: {}\n", key, value.substr(0, 200));
  const auto list = [&](const char* word, const std::vector<api::ListedValue>& values) {
    for (const api::ListedValue& v : values) out += fmt::format("  {:<7} {}: {}\n", word, v.name, v.type);
  };
  list("input", listing.inputs);
  list("output", listing.outputs);
  list("state", listing.states);
  for (const std::string& note : listing.notes) out += "  " + note + "\n";
  out += fmt::format("  {}: {}\n", api::counted(listing.ops.size(), "operation"), counts_text(listing.kinds()));
  const std::vector<std::string> unstated = listing.unstated();
  out += fmt::format("  results with a type: {}, without: {}{}\n", listing.typed_count(), unstated.size(),
                     unstated_text(unstated));
  out += fmt::format("  results stored as: {}\n", counts_text(listing.result_types()));
  for (const auto& [type, count] : count_weights(listing))
    out += fmt::format("  weights {}: {}, {} bytes{}\n", type, api::counted(count.tensors, "tensor"), count.bytes,
                       count.compressed ? ", compressed" : "");
  return out + "  computed in: " + api::precision_sentence(listing) + "\n";
}

Result<api::Listing> listing_of(const std::string& path, backends::ProgramLoader& loader, Warnings& warnings) {
  if (coreml::recognise(path) != coreml::Container::none) {
    ASSAY_TRY(const mil::Model model, coreml::read_model(path));
    return api::list_model(model);
  }
  ASSAY_TRY(const auto graph, loader.model(path, warnings));
  return api::list_graph(*graph);
}

/// What differs, one line each; report.passed says whether nothing does.
Status tell_differences(const InspectRequest& request, const api::Listing& listing, const api::Listing& other,
                        Report& report) {
  ASSAY_TRY(const auto differences, api::compare_listings(listing, other));
  ordered_json list = ordered_json::array();
  report.text = fmt::format("A: {}\nB: {}\n", request.model, request.diff);
  for (const api::Difference& d : differences) {
    list.push_back({{"kind", d.kind}, {"where", d.where}, {"a", d.a}, {"b", d.b}});
    report.text += fmt::format("  {}{}{}: {} -> {}\n", d.kind, d.where.empty() ? "" : " ", d.where, d.a, d.b);
  }
  if (differences.empty()) report.text += "  no difference\n";
  report.json = dumped({{"a", request.model}, {"b", request.diff}, {"differences", list}});
  return {};
}

Status inspect_file(const InspectRequest& request, backends::ProgramLoader& loader, Report& report) {
  ASSAY_TRY(const api::Listing listing, listing_of(request.model, loader, report.warnings));
  if (!request.diff.empty()) {
    ASSAY_TRY(const api::Listing other, listing_of(request.diff, loader, report.warnings));
    return tell_differences(request, listing, other, report);
  }
  report.json = dumped(json_of(request.model, listing, request.full));
  report.text = text_of(request.model, listing);
  if (request.full) report.text += "\n" + api::print_listing(listing);
  return {};
}

}  // namespace

Result<Report> inspect(const InspectRequest& request) {
  Report report;
  ASSAY_TRY(const auto context, api::Context::make(request.settings));
  backends::ProgramLoader loader({.profiles = &context->profiles, .threads = context->threads, .primary_only = true});
  if (!request.emit_onnx.empty() && request.program.empty())
    return Error{Code::usage, "--emit-onnx needs --profile", "", "give for example --profile f16-storage"};
  if (!request.diff.empty() && !request.program.empty())
    return Error{Code::usage, "--diff compares files as they are", "", "leave the profile out"};
  if (request.program.empty()) {
    ASSAY_CHECK(inspect_file(request, loader, report));
    return report;
  }
  ASSAY_TRY(const auto program, loader.open(request.program, request.model, report.warnings));
  const auto graph = program->resolved(0);
  if (!graph)
    return Error{Code::usage, "'" + request.program + "' is no program that can be inspected", "", "give a profile"};
  bool wrote = false;
  if (!request.emit_onnx.empty()) {
    ASSAY_TRY(wrote, emit(request, *graph, *program, report.warnings));
  }
  const api::Listing listing = api::list_resolved(*graph);
  ordered_json json = json_of(request.model, listing, false);
  if (request.full) json["program"] = ir::print(*graph);
  const backends::ProviderUse* use = program->provider_use();
  if (use != nullptr) json["provider"] = ordered_json::parse(api::provider_json(*use));
  report.json = dumped(json);
  report.text = text_of(request.model, listing) + "\n" + (use != nullptr ? api::provider_text(*use) + "\n" : "") +
                ir::print(*graph);
  if (wrote) report.text += "wrote " + request.emit_onnx + "\n";
  return report;
}

}  // namespace assay::commands

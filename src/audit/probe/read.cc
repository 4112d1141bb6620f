#include "audit/probe/read.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_place.inc"
#include "base/text.h"

namespace assay::audit {
namespace {

struct Told {
  std::string device;
  std::map<std::string, std::string> identities{};
};

std::string device_of(const Place& told) {
  std::vector<std::string> words;
  if (told.has("runtime")) {
    const Place runtime = told.at("runtime");
    words.push_back(runtime.at("name").text() + " " + runtime.at("version").text());
    for (const Place& option : runtime.at("options").items()) {
      const auto pair = option.tuple(2);
      words.push_back(pair[0].text() + "=" + pair[1].text());
    }
  }
  if (told.has("host")) words.push_back("on " + told.at("host").at("processor").text());
  if (told.has("time")) words.push_back("at " + told.at("time").text());
  return join(words, ", ");
}

Result<Told> parse_told(const std::string& text, const std::string& where) {
  Told told;
  if (text.empty()) return told;
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return Error{Code::data_malformed, "__assay__ holds no JSON", where, "record again"};
  try {
    const Place place(json, "__assay__");
    told.device = device_of(place);
    if (place.has("probes"))
      for (const auto& [name, identity] : json.at("probes").items())
        told.identities[name] = identity.is_string() ? identity.get<std::string>() : std::string();
  } catch (const Malformed& broken) {
    return Error{Code::data_malformed, broken.path + " is not " + broken.wanted, where, "record again"};
  }
  return told;
}

}  // namespace

Result<ProbeRecording> read_probes(const Arrays& arrays, const std::string& provenance, const std::string& where) {
  if (is_torch_recording(arrays)) return read_torch(arrays);
  ASSAY_TRY(const std::vector<Probe> probes, make_probes({}));
  ASSAY_TRY(Told told, parse_told(provenance, where));
  ProbeRecording recording{.modes = {{.name = "", .cases = {}}}, .device = told.device};
  std::vector<std::string> left;
  for (const NamedArray& array : arrays) left.push_back(array.name);
  for (const Probe& probe : probes) {
    const ir::Tensor* y = find(arrays, probe.name + "/y");
    if (y == nullptr) continue;
    std::erase(left, probe.name + "/y");
    const auto identity = told.identities.find(probe.name);
    if (identity != told.identities.end() && identity->second != probes_identity({&probe, 1}))
      return Error{Code::record_mismatch, "the probe " + probe.name + " was another when it was recorded", where,
                   "make the probes again with this version, and record them"};
    recording.modes[0].cases.push_back({.name = probe.name,
                                        .group = probe.group,
                                        .model = model_of(*probe.graph),
                                        .inputs = probe.inputs,
                                        .observed = {{"y", *y}}});
  }
  recording.unused = std::move(left);
  if (recording.modes[0].cases.empty())
    return Error{Code::data_missing, "no array is called PROBE/y", where,
                 "record the probes of `assay probe make` with one of its recorders"};
  return recording;
}

}  // namespace assay::audit

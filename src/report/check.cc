#include "report/check.h"

#include "base/text.h"
#include "report/json.h"
#include "report/words.h"

namespace assay::report {
namespace {

std::string list_json(const std::vector<int64_t>& samples) {
  std::string out = "[";
  for (const int64_t sample : samples) out += (out.size() > 1 ? "," : "") + std::to_string(sample);
  return out + "]";
}

}  // namespace

std::string to_text(const CheckResult& result) {
  std::string out;
  for (const audit::Finding& finding : result.findings) out += finding.rule + ": " + finding.message + "\n";
  for (const std::string& note : result.notes) out += "note: " + note + "\n";
  if (!out.empty()) out += "\n";
  for (const audit::CandidateResult& c : result.audit->candidates)
    out += c.info.program + ": " + verdict_text(c) + " (" + how_many(result.audit->samples, "sample") + ")\n";
  if (result.updated) return out + "wrote " + result.lock + "\n";
  return out + result.lock + (result.findings.empty() ? " holds\n" : " is broken; where this is meant: --update\n");
}

std::string to_json(const CheckResult& result) {
  std::string out = "{\"lock\":" + quote(result.lock) + ",\"holds\":" + (result.findings.empty() ? "true" : "false");
  out += std::string(",\"updated\":") + (result.updated ? "true" : "false");
  out += ",\"fail_on\":" + quote(result.fail_on) + ",\"findings\":[";
  for (size_t i = 0; i < result.findings.size(); ++i)
    out += (i > 0 ? ",{\"rule\":" : "{\"rule\":") + quote(result.findings[i].rule) +
           ",\"message\":" + quote(result.findings[i].message) + "}";
  out += "],\"notes\":[";
  for (size_t i = 0; i < result.notes.size(); ++i) out += (i > 0 ? "," : "") + quote(result.notes[i]);
  out += "],\"allowed\":[";
  for (size_t c = 0; c < result.allowed.size(); ++c) out += (c > 0 ? "," : "") + list_json(result.allowed[c]);
  return out + "],\"audit\":" + to_json(*result.audit) + "}";
}

}  // namespace assay::report

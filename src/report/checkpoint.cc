#include "report/checkpoint.h"

#include "base/json_place.inc"
#include "report/json.h"
#include "report/json_text.h"

namespace assay::report {
namespace {
// The first bytes of a text, never half a character.
std::string head_of(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most) + "...";
}
}  // namespace

std::string first_difference(const Question& before, const Question& now) {
  const auto shown = [](const std::string& text) { return text.empty() ? std::string("nothing") : head_of(text, 200); };
  for (size_t i = 0; i < before.size() && i < now.size(); ++i) {
    if (before[i] == now[i]) continue;
    if (before[i].first != now[i].first) return now[i].first + " is " + shown(now[i].second) + " and was not asked";
    return now[i].first + " was " + shown(before[i].second) + " and is " + shown(now[i].second);
  }
  return before.size() == now.size() ? "" : "other things were asked";
}

std::string to_json(const SavedAudit& saved) {
  std::string out = "{\"assay_checkpoint\":1,\"question\":[";
  for (size_t i = 0; i < saved.question.size(); ++i)
    out += (i > 0 ? ",[" : "[") + quote(saved.question[i].first) + "," + quote(saved.question[i].second) + "]";
  return out + "],\"result\":" + to_json(saved.done) + "}\n";
}

Result<SavedAudit> parse_checkpoint(std::string_view json, const std::string& where) {
  const auto malformed = [&](const std::string& message) {
    return Error{Code::data_malformed, message, where, "name another file, or remove this one to begin anew"};
  };
  SavedAudit saved;
  try {
    const Json value = Json::parse(json, nullptr, true);
    const Place root(value, "");
    if (!root.has("assay_checkpoint")) return malformed("is no checkpoint of an audit");
    if (root.at("assay_checkpoint").integer() != 1) return malformed("is a checkpoint of another version of Assay");
    for (const Place& item : root.at("question").items()) {
      const auto pair = item.tuple(2);
      saved.question.emplace_back(pair[0].text(), pair[1].text());
    }
    ASSAY_TRY(saved.done, parse_audit(value.at("result").dump(), where));
  } catch (const Malformed& m) {
    return malformed("is no checkpoint: at " + head_of(m.path, 300) + " " + m.wanted + " is wanted");
  } catch (const Json::exception& e) {
    return malformed(std::string("is no JSON: ") + json_fault(e.what()));
  }
  return saved;
}

}  // namespace assay::report

#include "report/repair_view.h"

#include "base/json_place.inc"
#include "report/json_text.h"

namespace assay::report {
namespace {

const Json& inside(const Json& value) {
  return value.is_object() && value.contains("result") && value.contains("schema") ? value["result"] : value;
}

RepairView::Standing standing(const Place& place) {
  return {place.at("samples").count(), place.at("flips").count(),
          place.has("max_error") ? place.at("max_error").real() : -1};
}

std::vector<std::string> names(const Place& place) {
  std::vector<std::string> out;
  for (const Place& op : place.items()) {
    const std::string node = op.at("node").text();
    out.push_back(op.at("type").text() + " '" + (node.empty() ? op.at("name").text() : node) + "'");
  }
  return out;
}

std::vector<std::string> chosen(const Place& place, const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const Place& item : place.items()) {
    const uint64_t i = item.count();
    if (i >= names.size()) item.fail("an index into `operations`");
    out.push_back(names[i]);
  }
  return out;
}

RepairView read(const Place& place) {
  RepairView out;
  out.goal = place.at("goal").text();
  out.candidate = place.at("candidate").text();
  out.reference = place.at("reference").text();
  if (place.has("model")) out.model = place.at("model").text_or_empty();
  out.reached = place.at("reached").boolean();
  out.cost_of_float32 = place.at("cost_of_float32").at("total").count();
  out.before_searched = standing(place.at("before").at("searched"));
  out.before_held = standing(place.at("before").at("held_out"));
  for (const Place& fix : place.at("free_fixes").items())
    out.fixes.push_back({fix.at("kind").text(), fix.at("what").text(), fix.at("program").text_or_empty(),
                         standing(fix.at("searched")), standing(fix.at("held_out")), fix.at("meets").boolean()});
  const std::vector<std::string> all = names(place.at("operations"));
  out.kept = chosen(place.at("kept"), all);
  for (const char* field : {"always_float32", "carried_float32"}) {
    if (!place.has(field)) continue;
    const std::vector<std::string> more = names(place.at(field));
    out.others.insert(out.others.end(), more.begin(), more.end());
  }
  out.float32_is_better = place.has("float32_is_better") && place.at("float32_is_better").boolean();
  for (const Place& point : place.at("front").items()) {
    const Place cost = point.at("cost");
    out.front.push_back({chosen(point.at("kept"), all), cost.at("total").count(), cost.at("bytes").count(),
                         cost.at("multiply_adds").count(), cost.at("casts").count(), standing(point.at("searched")),
                         standing(point.at("held_out"))});
  }
  for (const Place& file : place.at("files").items()) out.files.push_back(file.at("path").text());
  return out;
}
}  // namespace

bool is_repair(std::string_view json) {
  if (json.find("\"free_fixes\"") == std::string_view::npos) return false;  // sooner told than by reading it all
  const Json value = Json::parse(json, nullptr, false);
  if (value.is_discarded() || !inside(value).is_object()) return false;
  return inside(value).contains("free_fixes") && inside(value).contains("front");
}

Result<RepairView> parse_repair(std::string_view json, const std::string& where) {
  try {
    const Json value = Json::parse(json, nullptr, true);
    return read(Place(inside(value), ""));
  } catch (const Malformed& m) {
    return Error{Code::data_malformed, "is no repair: at " + m.path.substr(0, 300) + " " + m.wanted + " is wanted",
                 where, "give the JSON that `assay repair --json` printed"};
  } catch (const Json::exception& e) {
    return Error{Code::data_malformed, std::string("is no JSON: ") + json_fault(e.what()), where,
                 "give the JSON that `assay repair --json` printed"};
  }
}

}  // namespace assay::report

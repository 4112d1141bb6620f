#include "report/compare_report.h"

#include "base/text.h"
#include "report/csv.h"
#include "report/json_counts.inc"
#include "report/json_text.h"
#include "report/markdown.h"
#include "report/words.h"

namespace assay::report {
namespace {
constexpr size_t kMostText = 58'000;  // bytes: as of an audit

const Json& inside(const Json& value) {
  return value.is_object() && value.contains("result") && value.contains("schema") ? value["result"] : value;
}

Comparison read(const Place& place) {
  Comparison out;
  out.samples = place.at("samples").count();
  out.within_limits = place.at("within_limits").boolean();
  for (const Place& item : place.at("pairs").items()) {
    ComparedPair& pair = out.pairs.emplace_back();
    pair.a = item.at("a").text();
    pair.b = item.at("b").text();
    pair.within_limits = item.at("within_limits").boolean();
    for (const Place& output : item.at("outputs").items()) {
      pair.outputs.push_back(parse_difference(output));
      pair.outputs.back().output = output.at("output").text();
    }
  }
  return out;
}
}  // namespace

bool is_comparison(std::string_view json) {
  if (json.find("\"within_limits\"") == std::string_view::npos) return false;  // sooner told than by reading it all
  const Json value = Json::parse(json, nullptr, false);
  if (value.is_discarded() || !inside(value).is_object()) return false;
  return inside(value).contains("pairs") && inside(value).contains("within_limits");
}

Result<Comparison> parse_comparison(std::string_view json, const std::string& where) {
  try {
    const Json value = Json::parse(json, nullptr, true);
    return read(Place(inside(value), ""));
  } catch (const Malformed& m) {
    return Error{Code::data_malformed, "is no comparison: at " + m.path.substr(0, 300) + " " + m.wanted + " is wanted",
                 where, "give the JSON that `assay compare --json` printed"};
  } catch (const Json::exception& e) {
    return Error{Code::data_malformed, std::string("is no JSON: ") + json_fault(e.what()), where,
                 "give the JSON that `assay compare --json` printed"};
  }
}

std::string to_markdown(const std::vector<Comparison>& comparisons, const std::string& version) {
  std::string out;
  for (const Comparison& one : comparisons) {
    out += "### Assay: " + markdown_code(one.title) + "\n\n" + (one.within_limits ? "" : "**A limit is exceeded.** ") +
           how_many(one.samples, "sample") + ".\n\n" +
           "| a | b | output | max \\|diff\\| | max rel | max ULP | equal |\n|---|---|---|---:|---:|---:|---:|\n";
    for (const ComparedPair& pair : one.pairs)
      for (const audit::Differences& d : pair.outputs)
        out += "| " + markdown_code(pair.a) + " | " + markdown_code(pair.b) + (pair.within_limits ? "" : " ❌") +
               " | " + markdown_code(d.output) + " | " + short_number(d.max_abs) + " | " + short_number(d.max_rel) +
               " | " + grouped(d.max_ulp) + " | " + grouped(d.equal) + " of " + grouped(d.elements) + " |\n";
    out += "\n";
  }
  if (out.size() > kMostText) {
    out.resize(out.rfind('\n', kMostText));
    out += "\n\n(cut: the JSON has all)\n";
  }
  return out + "<sub>Assay " + version + "</sub>\n";
}

std::vector<std::pair<std::string, std::string>> to_csv(const std::vector<Comparison>& comparisons) {
  std::string text = csv_line({"comparison", "a", "b", "within_limits", "output", "max_abs", "max_rel", "max_ulp",
                               "elements", "equal", "nan_mismatches", "infinite"});
  for (const Comparison& one : comparisons)
    for (const ComparedPair& pair : one.pairs)
      for (const audit::Differences& d : pair.outputs)
        text +=
            csv_line({one.title, pair.a, pair.b, pair.within_limits ? "true" : "false", d.output, shortest(d.max_abs),
                      shortest(d.max_rel), std::to_string(d.max_ulp), std::to_string(d.elements),
                      std::to_string(d.equal), std::to_string(d.nan_mismatches), std::to_string(d.infinite)});
  return {{"pairs.csv", std::move(text)}};
}

}  // namespace assay::report

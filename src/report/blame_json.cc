// The blame of a candidate as JSON and back (docs/blame.md).
#include <algorithm>

#include "report/json_counts.inc"

namespace assay::report {
namespace {
using audit::BlamedOp;
using audit::BlameRank;
using audit::BlameResult;
using audit::SampleBlame;

Json op_json(const BlamedOp& op) { return {{"id", op.id}, {"name", op.name}, {"node", op.node}, {"type", op.type}}; }

Json rank_json(const BlameRank& rank) {
  return {{"op", rank.op},          {"points", rank.points},           {"undoes", rank.undoes},
          {"causes", rank.causes},  {"in_smallest", rank.in_smallest}, {"originates", rank.originates},
          {"tainted", rank.tainted}};
}

Json sample_json(const SampleBlame& one) {
  return {{"sample", one.sample},   {"verdict", one.at_risk ? "at-risk" : "flips"},
          {"variant", one.variant}, {"undo", one.undo},
          {"cause", one.cause},     {"smallest", one.smallest},
          {"origins", one.origins}, {"tainted", one.tainted},
          {"runs", one.runs},       {"complete", one.complete}};
}

std::vector<size_t> parse_ops(const Place& place, size_t count) {
  std::vector<size_t> out;
  for (const Place& item : place.items()) {
    const uint64_t op = item.count();
    if (op >= count || (!out.empty() && out.back() >= op)) item.fail("operations in ascending order");
    out.push_back(op);
  }
  return out;
}

SampleBlame parse_sample(const Place& place, size_t ops) {
  SampleBlame one;
  one.sample = place.at("sample").integer();
  const std::string verdict = place.at("verdict").text();
  if (verdict != "flips" && verdict != "at-risk") place.at("verdict").fail("flips or at-risk");
  one.at_risk = verdict == "at-risk";
  one.variant = place.at("variant").text();
  one.undo = parse_ops(place.at("undo"), ops);
  one.cause = parse_ops(place.at("cause"), ops);
  one.smallest = parse_ops(place.at("smallest"), ops);
  one.origins = parse_ops(place.at("origins"), ops);
  one.tainted = parse_ops(place.at("tainted"), ops);
  one.runs = place.at("runs").count();
  one.complete = place.at("complete").boolean();
  return one;
}

}  // namespace

Json blame_json(const BlameResult& blame) {
  Json out;
  out["ranking"] = Json::array();
  for (const BlameRank& rank : blame.ranking()) out["ranking"].push_back(rank_json(rank));
  out["samples"] = Json::array();
  for (const SampleBlame& one : blame.samples) out["samples"].push_back(sample_json(one));
  out["skipped"] = blame.skipped;
  out["most_samples"] = blame.limit;
  out["most_runs"] = blame.budget;
  out["operations"] = Json::array();
  for (const BlamedOp& op : blame.ops) out["operations"].push_back(op_json(op));
  return out;
}

BlameResult parse_blame(const Place& place) {
  BlameResult blame;
  for (const Place& item : place.at("operations").items())
    blame.ops.push_back(
        {item.at("id").count(), item.at("name").text(), item.at("node").text(), item.at("type").text()});
  for (const Place& item : place.at("samples").items()) {
    blame.samples.push_back(parse_sample(item, blame.ops.size()));
    const auto& list = blame.samples;
    if (list.size() > 1 && list[list.size() - 2].sample >= list.back().sample) item.fail("samples in ascending order");
  }
  blame.skipped = place.at("skipped").count();
  blame.limit = place.at("most_samples").count();
  blame.budget = place.at("most_runs").count();
  return blame;
}

}  // namespace assay::report

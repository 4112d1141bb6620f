#include <nlohmann/json.hpp>

#include "report/json.h"
#include "report/json_text.h"
#include "report/repair.h"

namespace assay::report {
namespace {
using Json = nlohmann::ordered_json;
using audit::BlamedOp;
using audit::RepairResult;

Json standing_json(const audit::Standing& s, const audit::Goal& goal) {
  Json out{{"samples", s.samples}, {"flips", s.flips}};
  if (goal.kind == audit::Goal::Kind::error) out["max_error"] = s.error;
  return out;
}

Json count_or_null(const std::optional<uint64_t>& count) { return count ? Json(*count) : Json(nullptr); }

Json cost_json(const audit::Cost& cost) {
  return {{"total", cost.total()},
          {"bytes", cost.bytes},
          {"multiply_adds", cost.multiply_adds},
          {"casts", cost.casts},
          {"cast_bytes", cost.cast_bytes}};
}

Json ops_json(const std::vector<BlamedOp>& ops) {
  Json out = Json::array();
  for (const BlamedOp& op : ops)
    out.push_back({{"id", op.id}, {"name", op.name}, {"node", op.node}, {"type", op.type}});
  return out;
}

Json fixes_json(const RepairResult& result) {
  Json out = Json::array();
  for (const audit::FreeFix& fix : result.fixes)
    out.push_back({{"kind", fix.kind},
                   {"what", fix.what},
                   {"program", fix.program},
                   {"searched", standing_json(fix.searched, result.goal)},
                   {"held_out", standing_json(fix.held, result.goal)},
                   {"meets", fix.meets}});
  return out;
}

Json front_json(const RepairResult& result) {
  Json out = Json::array();
  for (const audit::FrontPoint& point : result.front)
    out.push_back({{"kept", point.kept},
                   {"cost", cost_json(point.cost)},
                   {"searched", standing_json(point.searched, result.goal)},
                   {"held_out", standing_json(point.held, result.goal)}});
  return out;
}

Json files_json(const RepairResult& result) {
  Json out = Json::array();
  for (const audit::WrittenFile& file : result.files)
    out.push_back({{"path", file.path},
                   {"program", file.program},
                   {"standing", standing_json(file.standing, result.goal)},
                   {"meets", file.meets},
                   {"right", count_or_null(file.right)},
                   {"note", file.note}});
  return out;
}

}  // namespace

std::string to_json(const RepairResult& r) {
  Json out;
  out["goal"] = r.goal.text();
  out["reached"] = r.reached;
  out["reference"] = r.reference;
  out["candidate"] = r.candidate;
  out["searched_program"] = r.searched_program;
  out["model"] = r.model.empty() ? Json(nullptr) : Json(r.model);
  out["samples"] = r.samples;
  out["first_sample"] = r.first_sample;
  out["held_out"] = r.held_out;
  out["moved"] = r.moved;
  out["before"] = {{"searched", standing_json(r.before_searched, r.goal)},
                   {"held_out", standing_json(r.before_held, r.goal)}};
  out["right"] = {{"reference", count_or_null(r.reference_right)}, {"before", count_or_null(r.before_right)}};
  out["rescaled"] = r.rescaled;
  out["unrescaled"] = r.unrescaled ? standing_json(*r.unrescaled, r.goal) : Json(nullptr);
  out["free_fixes"] = fixes_json(r);
  out["found"] = r.found;
  out["minimal"] = r.minimal;
  out["kept"] = r.kept;
  out["kept_operations"] = r.kept_operations;
  out["cost"] = cost_json(r.cost);
  out["cost_of_float32"] = cost_json(r.all_cost);
  out["float32_is_better"] = r.float32_is_better();
  out["searched"] = standing_json(r.searched, r.goal);
  out["validated"] = standing_json(r.held, r.goal);
  out["front"] = front_json(r);
  out["sets"] = r.sets;
  out["most_sets"] = r.budget;
  out["operations"] = ops_json(r.ops);
  out["always_float32"] = ops_json(r.always);
  out["carried_float32"] = ops_json(r.carried);
  out["files"] = files_json(r);
  std::string text;
  dump(out, text);
  return text;
}

}  // namespace assay::report

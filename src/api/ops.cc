#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/coreml_ops.h"
#include "assay/commands.h"
#include "base/result.h"
#include "base/text.h"
#include "ops/def.h"

namespace assay::commands {
namespace {
using nlohmann::ordered_json;
using ops::OpDef;

std::string_view numeric_name(ops::Numeric n) {
  constexpr std::string_view kNames[] = {"exact", "elementwise", "contraction", "reduction", "composite", "convert"};
  return kNames[static_cast<int>(n)];
}

std::string full_name(const OpDef& row) {
  return row.domain.empty() ? std::string(row.name) : std::string(row.domain) + "." + std::string(row.name);
}

std::vector<std::string> type_names(ir::TypeSet set) {
  std::vector<std::string> names;
  for (int i = 1; i < ir::kElemTypeCount; ++i)
    if (set.has(static_cast<ir::ElemType>(i))) names.emplace_back(ir::elem_name(static_cast<ir::ElemType>(i)));
  for (const auto& [kind, name] :
       {std::pair{ops::kSequences, "seq"}, {ops::kOptionals, "optional"}, {ops::kMaps, "map"}})
    if ((set.bits & kind.bits) != 0) names.emplace_back(name);
  return names;
}

/// The types of a set, the usual ones under one name: "float, int, bool".
std::string families(ir::TypeSet set) {
  using ir::ElemType;
  constexpr std::pair<std::string_view, ir::TypeSet> kFamilies[] = {
      {"any", ops::kAnything},
      {"float", ops::kFloats},
      {"int", ops::kSigned},
      {"uint", ops::kUnsigned},
      {"float8", type_set(ElemType::float8e4m3fn) | type_set(ElemType::float8e4m3fnuz) |
                     type_set(ElemType::float8e5m2) | type_set(ElemType::float8e5m2fnuz)},
  };
  std::vector<std::string> names;
  for (const auto& [name, members] : kFamilies)
    if ((set.bits & members.bits) == members.bits) {
      names.emplace_back(name);
      set.bits &= ~members.bits;
    }
  for (std::string& name : type_names(set)) names.push_back(std::move(name));
  return join(names, ", ");
}

/// "A, B: float, int; axes: int64": neighbours of the same types together.
std::string input_types(const OpDef& row) {
  std::string out;
  for (size_t i = 0; i < row.in.size(); ++i) {
    const bool last = i + 1 == row.in.size() || row.in[i + 1].types.bits != row.in[i].types.bits;
    out += row.in[i].name;
    out += last ? ": " + families(row.in[i].types) : ", ";
    if (last && i + 1 < row.in.size()) out += "; ";
  }
  return out;
}

std::vector<std::string> exempt_inputs(const OpDef& row) {
  std::vector<std::string> names;
  for (const ops::In& in : row.in)
    if (in.flags & ops::kExempt) names.emplace_back(in.name);
  return names;
}

std::vector<std::string> functions(const OpDef& row) {
  std::vector<std::string> names;
  for (const num::Function f : row.elementary) names.emplace_back(num::function_row(f).name);
  return names;
}

template <class Context>
ordered_json lowering_json(const ops::Lowering<Context>& lowering) {
  return {{"written", lowering.apply != nullptr}, {"as", lowering.says}};
}

/// "linear; else matmul, add", or "no: " with the reason.
template <class Context>
std::string lowering_text(const ops::Lowering<Context>& lowering) {
  return (lowering.apply == nullptr ? "no: " : "") + std::string(lowering.says);
}

ordered_json json_of(const OpDef& row) {
  ordered_json in = ordered_json::array(), out = ordered_json::array(), attrs = ordered_json::array();
  for (const ops::In& i : row.in)
    in.push_back({{"name", i.name},
                  {"types", type_names(i.types)},
                  {"optional", (i.flags & ops::kOptional) != 0},
                  {"variadic", (i.flags & ops::kVariadic) != 0},
                  {"exempt", (i.flags & ops::kExempt) != 0}});
  for (const ops::Out& o : row.out) out.push_back({{"name", o.name}, {"optional", (o.flags & ops::kOptional) != 0}});
  for (const ops::AttrDoc& a : row.attrs) attrs.push_back({{"name", a.name}, {"default", a.fallback}});
  return {{"domain", row.domain},
          {"name", row.name},
          {"since", row.since},
          {"doc", row.doc},
          {"runs", row.eval != nullptr},
          {"inputs", in},
          {"outputs", out},
          {"attributes", attrs},
          {"numeric", numeric_name(row.numeric)},
          {"accumulates", row.accumulates},
          {"elementary", functions(row)},
          {"ml_program", lowering_json(row.to_mil)},
          {"neural_network", lowering_json(row.to_nn)},
          {"bound_ulp", {{"float32", row.bound.f32}, {"float16", row.bound.f16}, {"bfloat16", row.bound.bf16}}}};
}

std::string text_of(const OpDef& row) {
  const std::string_view domain = row.domain.empty() ? "ai.onnx" : row.domain;
  std::string out = fmt::format("{} ({} {}): {}\n", full_name(row), domain, row.since, row.doc);
  if (!row.eval) return out + "  on import it becomes other operators\n";
  for (const ops::In& in : row.in)
    out +=
        fmt::format("  in   {}{}{}{}: {}\n", in.name, in.flags & ops::kOptional ? " (optional)" : "",
                    in.flags & ops::kVariadic ? " (variadic)" : "",
                    in.flags & ops::kExempt ? " (exempt from storage rounding)" : "", join(type_names(in.types), " "));
  for (const ops::Out& o : row.out)
    out += fmt::format("  out  {}{}\n", o.name, o.flags & ops::kOptional ? " (optional)" : "");
  for (const ops::AttrDoc& a : row.attrs)
    out += fmt::format("  attr {} {}\n", a.name,
                       a.fallback.empty()  ? "required"
                       : a.fallback == "-" ? "optional"
                                           : fmt::format("= {}", a.fallback));
  out += fmt::format("  policy: {}\n", numeric_name(row.numeric));
  if (!row.accumulates.empty()) out += fmt::format("  accumulates: {}\n", row.accumulates);
  if (!row.elementary.empty()) out += fmt::format("  elementary functions: {}\n", join(functions(row), " "));
  out +=
      fmt::format("  as ML Program: {}\n  as NeuralNetwork: {}\n", lowering_text(row.to_mil), lowering_text(row.to_nn));
  return out;
}

std::string conversions() {
  size_t program = 0, network = 0;
  std::string rows;
  for (const OpDef* row : ops::op_table()) {
    if (row->domain == "coreml" || row->domain == "assay") continue;
    program += row->to_mil.apply != nullptr ? 1 : 0;
    network += row->to_nn.apply != nullptr ? 1 : 0;
    rows += fmt::format("| {} | {} | {} |\n", full_name(*row), lowering_text(row->to_mil), lowering_text(row->to_nn));
  }
  return fmt::format(
             "\n## As Core ML\n\nWhat `assay convert` writes for each operator: the operations of an ML Program ({} "
             "operators) and the layers of a NeuralNetwork ({} operators). \"no\" is followed by the reason. Forms of "
             "an "
             "operator that a format cannot say with the same float32 meaning are refused when they occur, with the "
             "reason.\n\n| operator | ML Program | NeuralNetwork |\n|---|---|---|\n",
             program, network) +
         rows;
}

std::string markdown() {
  std::string out = fmt::format(
      "# Operators\n\nGenerated by `assay ops --markdown`; do not edit. {} rows. Models of older operator sets are "
      "upgraded on import to the meaning given here.\n\n- *policy*: `exact` (nothing is rounded inside), `elementwise` "
      "(each step), `contraction` (products under the accumulator), `reduction` (sums), `composite` (several of these "
      "inside one operator: one rounding at its end under storage policies), `convert` (rounds by its own rule).\n- "
      "*exempt*: inputs that storage policies never round (docs/semantics.md, section 2).\n- *types*: `float` is "
      "float16, "
      "bfloat16, float32, float64; `int` and `uint` are those of 8 to 64 bits; `float8` the four with a mantissa; "
      "`any` "
      "whatever a tensor may hold.\n\n"
      "| operator | since | what it does | policy | sums | elementary functions | exempt inputs | types of inputs |\n"
      "|---|---|---|---|---|---|---|---|\n",
      ops::op_table().size());
  for (const OpDef* row : ops::op_table())
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", full_name(*row), row->since, row->doc,
                       row->eval ? numeric_name(row->numeric) : "upgraded", row->accumulates,
                       join(functions(*row), ", "), join(exempt_inputs(*row), ", "), input_types(*row));
  return out + conversions();
}

Result<const OpDef*> find(const std::string& name) {
  std::vector<std::string> names;
  for (const OpDef* row : ops::op_table()) {
    if (full_name(*row) == name) return row;
    names.push_back(full_name(*row));
  }
  const std::string near = did_you_mean(name, names);
  return Error{Code::usage, "there is no operator '" + name + "'", "",
               near.empty() ? "`assay ops` lists what there is" : "did you mean " + near + "?"};
}

}  // namespace

Result<Report> ops(const OpsRequest& request) {
  Report report;
  if (request.core_ml) {
    if (!request.name.empty())
      return Error{Code::usage, "--coreml lists everything that is read", "", "leave the name out"};
    report.json = api::core_ml_json();
    report.text = api::core_ml_text(request.markdown);
    return report;
  }
  if (!request.name.empty()) {
    ASSAY_TRY(const OpDef* row, find(request.name));
    report.json = json_of(*row).dump();
    report.text = text_of(*row);
    return report;
  }
  ordered_json list = ordered_json::array();
  for (const OpDef* row : ops::op_table()) {
    list.push_back(json_of(*row));
    report.text += fmt::format("{:<32} {}\n", full_name(*row), row->doc);
  }
  report.json = list.dump();
  if (request.markdown) report.text = markdown();
  return report;
}

}  // namespace assay::commands

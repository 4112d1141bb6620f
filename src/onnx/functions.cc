#include "onnx/functions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace assay::onnx {
namespace {
using ir::ElemType;
using pb::Writer;
using Kind = Setting::Kind;

constexpr std::string_view kDomain = "coreml";

bool is_narrow(ElemType e) { return e == ElemType::float16 || e == ElemType::bfloat16; }

ElemType elem_of(const ir::Graph& g, ir::ValueId v) {
  return v == ir::kNoValue ? ElemType::undefined : g.at(v).type.elem;
}

/// Whether the operands are the row's: as many, of its types, and of one type where they are numbers.
bool fits(const FunctionRow& row, const ir::Graph& g, const ir::Op& op) {
  if (row.type != op.type || row.in.size() != op.inputs.size()) return false;
  const ElemType first = elem_of(g, op.inputs[0]);
  for (size_t i = 0; i < row.in.size(); ++i) {
    const ElemType elem = elem_of(g, op.inputs[i]);
    if (elem == ElemType::undefined || !row.in[i].types.has(elem)) return false;
    if (elem != first && elem != ElemType::boolean) return false;
  }
  return true;
}

/// AttributeProto's type of a setting.
int proto_type(Kind kind) {
  constexpr int kTypes[] = {0, 1, 2, 3, 7};
  return kTypes[static_cast<int>(kind)];
}

Writer attribute_proto(const Setting& s) {
  Writer a;
  a.text(1, s.name);
  const bool refers = s.kind != Kind::text && !s.from.empty();
  if (!refers && s.kind == Kind::real) a.float32(2, static_cast<float>(s.number));
  if (!refers && s.kind == Kind::integer) a.int64(3, static_cast<int64_t>(s.number));
  if (s.kind == Kind::text) a.text(4, s.from);
  if (s.kind == Kind::integers) a.int64(8, static_cast<int64_t>(s.number));
  a.int64(20, proto_type(s.kind));
  if (refers) a.text(21, s.from);
  return a;
}

void node(const Step& step, Writer& f) {
  Writer n;
  if (!step.in.empty())
    for (const std::string& name : split(step.in, ' ')) n.text(1, name);
  n.text(2, step.out);
  n.text(4, step.op);
  if (step.setting.kind != Kind::none) n.message(5, attribute_proto(step.setting));
  f.message(7, std::move(n));
}

void cast(std::string_view from, std::string_view to, ElemType elem, Writer& f) {
  node({"Cast", from, to, {"to", Kind::integer, static_cast<double>(elem)}}, f);
}

/// The type that constants of the body have to become: those of ONNX are float32 and int64.
ElemType constants_of(ElemType elem) { return is_narrow(elem) ? ElemType::float32 : elem; }

void write_step(const Step& step, ElemType elem, Writer& f) {
  const bool real = step.setting.name == "value_float", whole = step.setting.name == "value_int";
  const ElemType made = real ? ElemType::float32 : ElemType::int64, wanted = constants_of(elem);
  if ((!real && !whole) || made == wanted) return node(step, f);
  const std::string constant = std::string(step.out) + "_constant";
  Step first = step;
  first.out = constant;
  node(first, f);
  cast(constant, step.out, wanted, f);
}

}  // namespace

std::optional<Function> function_of(const ir::Graph& graph, const ir::Op& op) {
  if (op.domain != kDomain) return std::nullopt;
  const auto rows = function_rows();
  const auto row = std::ranges::find_if(rows, [&](const FunctionRow& r) { return fits(r, graph, op); });
  if (row == rows.end()) return std::nullopt;
  Function f{.row = &*row, .elem = elem_of(graph, op.inputs[0])};
  f.overload = row->variant;
  if (f.elem != ElemType::float32) f.overload += (f.overload.empty() ? "" : "_") + std::string(ir::elem_name(f.elem));
  return f;
}

pb::Writer function_proto(const Function& function, int opset) {
  const FunctionRow& row = *function.row;
  const bool narrow = is_narrow(function.elem);
  const auto given = [&](const FunctionInput& in) {
    const bool casts = narrow && in.types.has(ElemType::float32);
    return std::string(in.name) + (casts ? "_given" : "");
  };
  Writer f;
  f.text(1, row.type);
  for (const FunctionInput& in : row.in) f.text(4, given(in));
  const std::string out = std::string(row.out) + (narrow ? "_rounded" : "");
  f.text(5, out);
  for (const FunctionInput& in : row.in)
    if (given(in) != in.name) cast(given(in), in.name, ElemType::float32, f);
  for (const Step& step : row.steps) write_step(step, function.elem, f);
  if (narrow) cast(row.out, out, function.elem, f);
  Writer import;
  import.text(1, "");
  import.int64(2, opset);
  f.message(9, std::move(import));
  f.text(10, kDomain);
  for (const Setting& s : row.defaults) f.message(11, attribute_proto(s));
  if (!function.overload.empty()) f.text(13, function.overload);
  return f;
}

std::map<std::string, size_t> undefined_operators(const ir::Graph& graph) {
  std::map<std::string, size_t> counts;
  ir::for_each_op(graph, [&](const ir::Graph& around, const ir::Op& op) {
    if (op.domain == kDomain && !function_of(around, op)) ++counts[op.domain + "." + op.type];
  });
  return counts;
}

std::optional<Warning> warn_undefined(const ir::Graph& graph, const std::string& path) {
  std::vector<std::string> parts;
  for (const auto& [name, n] : undefined_operators(graph)) parts.push_back(fmt::format("{} {}", n, name));
  if (parts.empty()) return std::nullopt;
  return Warning{Code::assay_only,
                 "ONNX's operators do not compose these with the same numbers, so that only Assay runs the file: " +
                     join(parts, ", "),
                 path, "for other runtimes replace them in the source model"};
}

}  // namespace assay::onnx

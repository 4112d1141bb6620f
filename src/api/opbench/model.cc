#include "api/opbench/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "api/opbench/data.h"
#include "ir/text.h"
#include "onnx/export.h"
#include "ops/def.h"

namespace assay::api::opbench {
namespace {

struct Operand {
  std::string name, type, values;  ///< the type's text; "= {...}" or how to draw
  bool absent = false, constant = false;
  bool given() const { return values.starts_with('='); }
};

std::vector<Operand> operands_of(std::string_view text) {
  constexpr std::string_view kConst = "const ";
  std::vector<Operand> all;
  while (!text.empty()) {
    const size_t end = text.find("; ");
    std::string_view one = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 2);
    Operand operand{.name = std::string(1, static_cast<char>('a' + all.size())), .type = {}, .values = {}};
    operand.absent = one == "_";
    operand.constant = one.starts_with(kConst);
    if (operand.constant) one.remove_prefix(kConst.size());
    if (!operand.absent) {
      const size_t type_end = one.find(']') + 1;
      operand.type = one.substr(0, type_end);
      const size_t values = one.find_first_not_of(' ', type_end);
      if (values != std::string_view::npos) operand.values = one.substr(values);
    }
    all.push_back(std::move(operand));
  }
  return all;
}

/// Replaces `word(...)` by a list that `make` writes from what stands in the brackets.
template <class Make>
std::string replaced(std::string text, std::string_view word, Make make) {
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at)) {
    const size_t end = text.find(')', at);
    const std::string list = make(text.substr(at + word.size(), end - at - word.size()));
    text.replace(at, end + 1 - at, list);
    at += list.size();
  }
  return text;
}

std::string random_list(std::string_view range) {
  const size_t first = range.find(", "), second = range.find(", ", first + 1);
  const auto count = static_cast<int64_t>(number(range.substr(0, first)).value_or(0));
  const double low = number(range.substr(first + 2, second - first - 2)).value_or(0);
  const double high = number(range.substr(second + 2)).value_or(0);
  Random random(7);
  std::string list = "floats[";
  for (int64_t i = 0; i < count; ++i) list += fmt::format("{}{:.5f}", i == 0 ? "" : ", ", random.uniform(low, high));
  return list + "]";
}

std::string counted_list(std::string_view count) {
  std::string list = "ints[";
  for (int64_t i = 0; i < static_cast<int64_t>(number(count).value_or(0)); ++i)
    list += (i == 0 ? "" : ", ") + std::to_string(i);
  return list + "]";
}

std::string expanded(const std::string& attributes) {
  return replaced(replaced(attributes, "random(", random_list), "count(", counted_list);
}

std::string call_of(const Case& c, const std::vector<Operand>& operands) {
  std::string results, given;
  for (int i = 0; i < c.outputs; ++i) results += fmt::format("{}%y{}: undefined[...]", i == 0 ? "" : ", ", i);
  for (const Operand& operand : operands)
    given += (given.empty() ? "" : ", ") + (operand.absent ? "_" : "%" + operand.name);
  const std::string attributes = c.attributes.empty() ? "" : " {" + expanded(c.attributes) + "}";
  return results + " = " + c.op + "(" + given + ")" + attributes;
}

std::string text_of(const Case& c, const std::vector<Operand>& operands) {
  std::string text = "graph \"bench\" {\n";
  for (const Operand& operand : operands) {
    if (!operand.absent)
      text += fmt::format("const %{}: {} {}\n", operand.name, operand.type,
                          operand.given() ? operand.values : std::string("= #blob"));
  }
  text += (c.nodes.empty() ? call_of(c, operands) : expanded(c.nodes)) + "\nreturn ";
  for (int i = 0; i < c.outputs; ++i) text += fmt::format("{}%y{}", i == 0 ? "" : ", ", i);
  return text + "\n}";
}

}  // namespace

Result<Model> make_model(const Case& c) {
  const std::vector<Operand> operands = operands_of(c.operands);
  std::map<std::string, Draw, std::less<>> draws;
  for (const Operand& operand : operands) {
    if (operand.given()) continue;
    ASSAY_TRY(draws[operand.name], parse_draw(operand.values));
  }
  Random random(1);
  ASSAY_TRY(ir::Graph graph, ir::parse(text_of(c, operands), [&](std::string_view name, const ir::Type& type) {
              return draw(type.elem, type.dims(), draws.find(name)->second, random);
            }));
  Model model;
  for (const Operand& operand : operands) {
    if (operand.absent || operand.constant) continue;
    const ir::ValueId id = *graph.find(operand.name);
    model.inputs.push_back(*graph.at(id).constant);
    graph.at(id).constant.reset();
    graph.inputs.push_back(id);
  }
  ops::set_rows(graph);
  ASSAY_TRY(model.onnx, onnx::model_bytes(graph, c.opset));
  return model;
}

std::string name_of(const Case& c) {
  std::string name = c.op;
  if (const size_t colons = name.find("::"); colons != std::string::npos) name.replace(colons, 2, ".");
  return c.label.empty() ? name : name + " (" + c.label + ")";
}

}  // namespace assay::api::opbench

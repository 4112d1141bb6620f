#include "coreml/lower/refusals.h"

#include <algorithm>
#include <cstdint>

namespace assay::coreml {
namespace {
/// Of what is known.
bool counts_beyond_int32(const ir::Type& type) {
  int64_t elements = 1;
  for (const ir::Dim& d : *type.shape)
    if (d.known() && d.value > 0 && (__builtin_mul_overflow(elements, d.value, &elements) || elements > INT32_MAX))
      return true;
  return false;
}
}  // namespace

Status check_results(const ir::Graph& graph, const ir::Op& op) {
  for (const ir::ValueId id : op.outputs) {
    if (id == ir::kNoValue || !graph.at(id).type.ranked()) continue;
    const ir::Type& type = graph.at(id).type;
    if (type.shape->size() > kMostAxes)
      return Error{Code::not_convertible,
                   "a result has " + std::to_string(type.shape->size()) + " axes, and Core ML tensors at most 5"};
    if (counts_beyond_int32(type))
      return Error{Code::not_convertible, "a result has 2^31 elements or more, which Core ML does not count"};
    if (std::ranges::any_of(*type.shape, [](const ir::Dim& d) { return d.value == 0; }))
      return Error{Code::not_convertible, "a result has no elements, which Core ML does not take"};
  }
  return {};
}

bool Unknowns::covers(const ir::Graph& graph, const ir::Op& op) {
  const auto unknown = [&](ir::ValueId id) { return values_.contains({&graph, id}); };
  bool found = op.def == nullptr || std::ranges::any_of(op.inputs, unknown);
  if (!found && ir::has_nested(op)) {
    found = std::ranges::any_of(ir::captured_by(op), unknown);
    ir::for_each_nested(op, [&](const ir::Graph& inner) {
      ir::for_each_op(inner, [&](const ir::Graph&, const ir::Op& held) { found |= held.def == nullptr; });
    });
  }
  if (found)
    for (const ir::ValueId id : op.outputs) values_.insert({&graph, id});
  return found;
}

void Refusals::add_certain(const ir::Graph& graph, const ir::Op& op, std::string (*impossible)(const ir::Op& op)) {
  if (const std::string why = impossible(op); !why.empty()) add(graph, op, why);
  ir::for_each_nested(op, [&](const ir::Graph& inner) {
    ir::for_each_op(inner, [&](const ir::Graph& holder, const ir::Op& held) {
      if (const std::string why = impossible(held); !why.empty()) add(holder, held, why);
    });
  });
}

void Refusals::add(const ir::Graph& graph, const ir::Op& op, const std::string& reason) {
  const std::string name = op.domain.empty() ? op.type : op.domain + "." + op.type;
  const auto found =
      std::ranges::find_if(rows_, [&](const Row& row) { return row.op == name && row.reason == reason; });
  if (found != rows_.end())
    ++found->count;
  else
    rows_.push_back({name, reason, graph.describe(op), 1});
}

Error Refusals::error(std::string_view format) const {
  if (rows_.empty() && inputs_.size() == 1) return inputs_.front().error;
  const char* const what = rows_.empty() ? "inputs" : inputs_.empty() ? "operations" : "inputs and operations";
  std::string message = std::string("these ") + what + " cannot be written as " + std::string(format) + ":";
  for (const auto& [id, error] : inputs_) message += "\n  input " + error.where + ": " + error.message;
  for (const Row& row : rows_)
    message += "\n  " + row.op + " (" + std::to_string(row.count) + ", first " + row.first + "): " + row.reason;
  return Error{Code::not_convertible, std::move(message), "", "docs/ops.md shows what each format takes"};
}

}  // namespace assay::coreml

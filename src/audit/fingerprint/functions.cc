// Functions of other libraries: polynomials and rational approximations whose error is absolute.
#include <algorithm>
#include <array>

#include "audit/fingerprint/fit.h"
#include "ops/def.h"

namespace assay::audit {
namespace {

constexpr std::array<std::string_view, 14> kOfOrderOne = {"Sigmoid",  "Tanh",  "Erf", "Softmax", "LogSoftmax",
                                                          "Softplus", "Gelu",  "Elu", "Selu",    "Celu",
                                                          "Mish",     "Swish", "Sin", "Cos"};
constexpr float kStep = 0x1p-23F;  // of float32 at 1

bool is_of_order_one(const ir::Graph& graph, const ir::Op& op) {
  return std::ranges::find(kOfOrderOne, op.type) != kOfOrderOne.end() && op.outputs.size() == 1 &&
         op.outputs[0] != ir::kNoValue && graph.at(op.outputs[0]).type.elem == ir::ElemType::float32;
}

}  // namespace

std::shared_ptr<const backends::Model> with_other_functions(const backends::Model& model) {
  auto graph = std::make_shared<ir::Graph>(*model.graph);
  std::vector<ir::Op> ops;
  std::optional<ir::ValueId> step;
  for (ir::Op& op : graph->ops) {
    ops.push_back(std::move(op));
    if (!is_of_order_one(*graph, ops.back())) continue;
    if (!step) {
      step = graph->add_constant(graph->fresh_name("step"), ir::Tensor::scalar(kStep));
      graph->at(*step).parameter = true;
    }
    const ir::ValueId result = ops.back().outputs[0];
    ir::Value own = graph->at(result);
    own.name = graph->fresh_name(own.name);
    own.file_name.clear();
    graph->values.push_back(std::move(own));
    const auto before = static_cast<ir::ValueId>(graph->values.size() - 1);
    ir::Op moved{.domain = "", .type = "Add", .name = ops.back().name, .origin = ops.back().origin};
    ops.back().outputs[0] = before;
    moved.inputs = {before, *step};
    moved.outputs = {result};
    moved.def = ops::find_op("", "Add");
    ops.push_back(std::move(moved));
  }
  if (!step) return nullptr;
  graph->ops = std::move(ops);
  graph->relink();
  auto other = std::make_shared<backends::Model>(model);
  other->graph = std::move(graph);
  return other;
}

}  // namespace assay::audit

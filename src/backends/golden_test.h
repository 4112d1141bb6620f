// One node through resolve and the engine under a shipped profile: for the golden tests of this folder.
#pragma once
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "exec/session.h"
#include "ops/def.h"
#include "passes/infer_shapes.h"
#include "passes/resolve.h"
#include "profiles/profile.h"

namespace assay {

using Floats = std::vector<float>;

struct Operand {
  ir::Dims dims;
  Floats values;
  bool weight = false;
};

/// One node's float32 output under a profile's variant (empty: the primary).
inline Floats run(const char* type, const std::vector<Operand>& operands, const char* profile,
                  const std::string& variant = "", const std::vector<ir::Attr>& attrs = {}) {
  ir::Graph graph;
  std::vector<ir::Tensor> inputs;
  ir::Op op;
  op.type = type;
  op.attrs = attrs;
  op.def = ops::find_op("", type);
  if (op.def == nullptr) {
    ADD_FAILURE() << "no operator " << type;
    return {};
  }
  for (const Operand& operand : operands) {
    ir::Tensor tensor = ir::Tensor::of<float>(ir::ElemType::float32, operand.dims, operand.values);
    const std::string name = "x" + std::to_string(op.inputs.size());
    if (operand.weight) {
      op.inputs.push_back(graph.add_constant(name, std::move(tensor)));
      continue;
    }
    op.inputs.push_back(graph.add_value(name, ir::Type::of(ir::ElemType::float32, operand.dims)));
    graph.inputs.push_back(op.inputs.back());
    inputs.push_back(std::move(tensor));
  }
  op.outputs = {graph.add_value("y", {})};
  graph.outputs = op.outputs;
  graph.add_op(std::move(op));
  const Status inferred = passes::infer_shapes(graph);
  EXPECT_TRUE(inferred.ok()) << inferred.error().message;
  const profiles::Profile& p = *profiles::built_in_profile(profile);
  size_t index = 0;
  while (!variant.empty() && p.variants.at(index).name != variant) ++index;
  auto resolved = passes::resolve(graph, p, index);
  EXPECT_TRUE(resolved.ok());
  auto session = exec::Session::create(std::make_shared<const ir::Graph>(*std::move(resolved)),
                                       std::make_shared<const Threads>(1));
  if (!session.ok()) {
    ADD_FAILURE() << session.error().message;
    return {};
  }
  auto outputs = session->run(inputs);
  if (!outputs.ok()) {
    ADD_FAILURE() << outputs.error().message;
    return {};
  }
  const ir::Tensor& y = outputs->front();
  EXPECT_EQ(y.elem(), ir::ElemType::float32);
  return {y.values<float>().begin(), y.values<float>().end()};
}

}  // namespace assay

#include "ops/microsoft/activation.h"

#include <optional>
#include <string>

namespace assay::ops {
namespace {

struct Parameter {
  std::string_view name;
  float fallback = 0;
};
struct Row {
  std::string_view name;
  std::vector<Parameter> parameters;
  bool has_axis = false;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      {"Celu", {{"alpha", 1.0f}}},
      {"Elu", {{"alpha", 1.0f}}},
      {"Gelu", {}},
      {"HardSigmoid", {{"alpha", 0.2f}, {"beta", 0.5f}}},
      {"HardSwish", {}},
      {"LeakyRelu", {{"alpha", 0.01f}}},
      {"LogSoftmax", {}, true},
      {"Relu", {}},
      {"Selu", {{"alpha", 1.67326319217681884765625f}, {"gamma", 1.05070102214813232421875f}}},
      {"Sigmoid", {}},
      {"Softmax", {}, true},
      {"Softplus", {}},
      {"Softsign", {}},
      {"Tanh", {}},
      {"ThresholdedRelu", {{"alpha", 1.0f}}},
  };
  return table;
}

const Row* find(std::string_view name) {
  for (const Row& row : rows())
    if (row.name == name) return &row;
  return nullptr;
}

Result<Compose::Id> clip(Compose& c, Compose::Id x, const std::vector<float>& params) {
  if (params.size() != 2) return c.fail("activation Clip has " + std::to_string(params.size()) + " parameters, not 2");
  return c.op("Clip", {x, c.number(params[0], x), c.number(params[1], x)});
}

Error unknown(const Compose& c, std::string_view name) {
  return c.refuse("activation '" + std::string(name) + "' is not known",
                  "save the model with a lower level of graph optimisation");
}

}  // namespace

Result<Compose::Id> activate(Compose& c, Compose::Id x, std::string_view name, const std::vector<float>& params) {
  if (name.empty()) return x;
  if (name == "Clip") return clip(c, x, params);
  const Row* row = find(name);
  if (!row || row->has_axis) return unknown(c, name);
  if (params.size() > row->parameters.size())
    return c.fail("activation " + std::string(name) + " has " + std::to_string(params.size()) +
                  " parameters, at most " + std::to_string(row->parameters.size()) + " are allowed");
  std::vector<ir::Attr> attrs;
  for (size_t i = 0; i < row->parameters.size(); ++i) {
    const auto& [key, fallback] = row->parameters[i];
    attrs.push_back({std::string(key), i < params.size() ? params[i] : fallback});
  }
  return c.op(name, {x}, std::move(attrs));
}

Result<Compose::Id> activate(Compose& c, Compose::Id x, std::string_view name) {
  if (name.empty()) return x;
  const Row* row = find(name);
  if (!row) return unknown(c, name);
  std::vector<ir::Attr> attrs;
  for (const auto& [key, fallback] : row->parameters)
    attrs.push_back({std::string(key), c.node().attr_float("activation_" + std::string(key), fallback)});
  if (row->has_axis) attrs.push_back({"axis", c.node().attr_int("activation_axis", -1)});
  return c.op(name, {x}, std::move(attrs));
}

}  // namespace assay::ops

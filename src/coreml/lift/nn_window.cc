#include "coreml/lift/nn_window.h"

#include "coreml/lift/nn_axes.h"

namespace assay::coreml {

ir::Dims border(NnLift& c, const mil::Message& amounts) {
  const auto edges = amounts.messages("borderAmounts");
  if (edges.empty()) return {};
  if (edges.size() != 2) {
    c.bad(std::to_string(edges.size()) + " border amounts, not 2");
    return {};
  }
  ir::Dims pads;
  for (const char* side : {"startEdgeSize", "endEdgeSize"})
    for (const mil::Message& edge : edges) pads.push_back(edge.integer(side));
  return pads;
}

std::vector<ir::Attr> window_padding(NnLift& c) {
  constexpr int64_t kTopLeftHeavy = 1;
  const mil::Message& p = c.params();
  if (p.has("same")) {
    const bool top_left = p.message("same").integer("asymmetryMode") == kTopLeftHeavy;
    return {{"auto_pad", std::string(top_left ? "SAME_LOWER" : "SAME_UPPER")}};
  }
  const ir::Dims pads = border(c, p.message("valid").message("paddingAmounts"));
  if (pads.empty()) return {};
  return {{"pads", pads}};
}

std::vector<ir::Attr> window_padding_3d(NnLift& c) {
  enum : int64_t { kCustom, kValid, kSame };
  const mil::Message& p = c.params();
  const int64_t type = p.integer("paddingType");
  if (type == kSame) return {{"auto_pad", std::string("SAME_UPPER")}};
  if (type == kValid) return {};
  ir::Dims pads;
  for (const char* side : {"Front", "Top", "Left", "Back", "Bottom", "Right"})
    pads.push_back(p.integer("customPadding" + std::string(side)));
  return {{"pads", pads}};
}

ir::Dims steps_3d(NnLift& c, std::string_view stem) {
  ir::Dims steps;
  for (const char* axis : {"Depth", "Height", "Width"})
    steps.push_back(unless_zero(c.params().integer(std::string(stem) + axis), 1));
  return steps;
}

}  // namespace assay::coreml

#include "coreml/lift/nn_blobs.h"

#include <algorithm>

namespace assay::coreml {
namespace {

constexpr std::string_view kNested[] = {"ifBranch", "elseBranch", "conditionNetwork", "bodyNetwork"};

bool is(const mil::Layer& layer, std::string_view kind) { return layer.kind != nullptr && layer.kind->name == kind; }

/// Calls `use` with each network among the parameters of branches and loops.
template <class Use>
void for_each_nested(const mil::Layer& layer, Use use) {
  if (!is(layer, "branch") && !is(layer, "loop")) return;
  for (const std::string_view field : kNested) use(nested_layers(layer, field));
}

}  // namespace

std::span<const mil::Layer> nested_layers(const mil::Layer& layer, std::string_view field) {
  const auto network = layer.params.network(field);
  return network ? std::span<const mil::Layer>(network->layers) : std::span<const mil::Layer>();
}

void add_reads(std::span<const mil::Layer> layers, BlobNames& names) {
  for (const mil::Layer& layer : layers) {
    names.insert(layer.inputs.begin(), layer.inputs.end());
    for_each_nested(layer, [&](auto nested) { add_reads(nested, names); });
    if (is(layer, "loop") && !layer.params.text("conditionVar").empty())
      names.emplace(layer.params.text("conditionVar"));
  }
}

void add_writes(std::span<const mil::Layer> layers, BlobNames& names) {
  for (const mil::Layer& layer : layers) {
    names.insert(layer.outputs.begin(), layer.outputs.end());
    for_each_nested(layer, [&](auto nested) { add_writes(nested, names); });
    if (!may_leave(layer)) continue;
    names.insert(kLeft);
    if (may_break({&layer, 1})) names.insert(kBroken);
  }
}

bool may_leave(const mil::Layer& layer) {
  if (is(layer, "loopBreak") || is(layer, "loopContinue")) return true;
  if (!is(layer, "branch")) return false;
  bool may = false;
  for_each_nested(layer, [&](auto nested) { may = may || std::ranges::any_of(nested, may_leave); });
  return may;
}

bool may_break(std::span<const mil::Layer> layers) {
  return std::ranges::any_of(layers, [](const mil::Layer& layer) {
    bool may = is(layer, "loopBreak");
    if (is(layer, "branch")) for_each_nested(layer, [&](auto nested) { may = may || may_break(nested); });
    return may;
  });
}

}  // namespace assay::coreml

#include "coreml/lower/image_edges.h"

#include <algorithm>

#include "coreml/lower/edges.h"

namespace assay::coreml {
namespace {

using ir::ElemType;
using Ops = std::vector<ir::Op*>;

bool is_only(const ir::Graph& graph, ir::ValueId id, int64_t wanted) {
  const ir::Tensor* known = graph.at(id).constant.get();
  return known != nullptr && known->size() == 1 && known->int_at(0) == wanted;
}

bool reverses_channels(const ir::Graph& graph, const ir::Op& op) {
  return op.domain.empty() && op.type == "Slice" && op.inputs.size() == 5 && is_only(graph, op.inputs[1], -1) &&
         is_only(graph, op.inputs[3], 1) && is_only(graph, op.inputs[4], -1) && graph.at(op.inputs[2]).constant &&
         graph.at(op.inputs[2]).constant->int_at(0) < -3;
}

bool is_cast_to_single(const ir::Op& op) {
  return op.domain.empty() && op.type == "Cast" && op.attr_int("to", 0) == static_cast<int64_t>(ElemType::float32);
}

/// Those that read the value; nullopt where it is an output or one of them is not `wanted`.
template <class Wanted>
std::optional<Ops> readers(ir::Graph& graph, ir::ValueId id, Wanted wanted) {
  Ops found;
  if (std::ranges::count(graph.outputs, id) > 0) return std::nullopt;
  for (ir::Op& op : graph.ops) {
    if (!reads(op, id)) continue;
    if (!wanted(op)) return std::nullopt;
    found.push_back(&op);
  }
  return found;
}

/// The first steps from an image of pixels go; false where others than they read it.
bool take_input(ir::Graph& graph, ir::ValueId id, mil::ImageFeature& image) {
  if (graph.at(id).type.elem == ElemType::float16) return image.color == mil::ColorSpace::grayscale_float16;
  const auto casts = readers(graph, id, is_cast_to_single);
  if (graph.at(id).type.elem != ElemType::uint8 || !casts) return false;
  Ops reversals;
  bool reversed = image.color == mil::ColorSpace::bgr;
  for (size_t i = 0; reversed && i < casts->size(); ++i) {
    const auto next =
        readers(graph, (*casts)[i]->outputs[0], [&](const ir::Op& op) { return reverses_channels(graph, op); });
    reversed = next.has_value();
    if (next) reversals.insert(reversals.end(), next->begin(), next->end());
  }
  // Models in a pipeline may want another order than the pipeline's image has: Core ML gives either.
  if (!reversed && image.color == mil::ColorSpace::bgr) image.color = mil::ColorSpace::rgb;
  graph.at(id).type.elem = ElemType::float32;
  for (ir::Op* op : *casts) make_identity(*op);
  if (reversed) std::ranges::for_each(reversals, [](ir::Op* op) { make_identity(*op); });
  return true;
}

bool take_output(ir::Graph& graph, ir::ValueId id, mil::ImageFeature& image) {
  const ir::Type& type = graph.at(id).type;
  const ElemType wanted = image.color == mil::ColorSpace::grayscale_float16 ? ElemType::float16 : ElemType::float32;
  if (type.elem != wanted || !type.ranked() || type.shape->size() != 4) return false;
  if (image.color != mil::ColorSpace::bgr) return true;
  const auto writer =
      std::ranges::find_if(graph.ops, [&](const ir::Op& op) { return std::ranges::count(op.outputs, id) > 0; });
  const bool alone = std::ranges::none_of(graph.ops, [&](const ir::Op& op) { return reads(op, id); });
  if (alone && writer != graph.ops.end() && reverses_channels(graph, *writer))
    make_identity(*writer);
  else
    image.color = mil::ColorSpace::rgb;
  return true;
}

using Take = bool (*)(ir::Graph&, ir::ValueId, mil::ImageFeature&);

void take(ir::Graph& graph, const std::vector<ir::ValueId>& ports, const std::vector<mil::Feature>& features, Take one,
          std::map<std::string, mil::ImageFeature>& images) {
  for (const mil::Feature& feature : features) {
    if (feature.kind != mil::Feature::Kind::image) continue;
    for (const ir::ValueId id : ports) {
      const ir::Value& value = graph.at(id);
      if (!is_called(value, feature.name)) continue;
      mil::ImageFeature image = feature.image;
      if (one(graph, id, image)) images.emplace(value.name, std::move(image));
    }
  }
}

}  // namespace

std::map<std::string, mil::ImageFeature> make_edges_images(ir::Graph& graph,
                                                           const mil::FunctionDescription& interface) {
  std::map<std::string, mil::ImageFeature> images;
  take(graph, graph.inputs, interface.inputs, take_input, images);
  take(graph, graph.outputs, interface.outputs, take_output, images);
  return images;
}

}  // namespace assay::coreml

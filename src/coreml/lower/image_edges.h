// Inputs and outputs of a graph that are images in the Core ML file that it comes from.
#pragma once
#include <map>
#include <string>

#include "ir/graph.h"
#include "mil/model.h"

namespace assay::coreml {

/// Graphs take images as uint8 and give them as numbers, red first (lift/images.h). Core ML's functions take them as
/// floating-point numbers in the order of the image's channels: inputs become float32, and reversals of channels at the
/// edges of BGR images go, so that what is written has image features again. Returns these by the values' names.
std::map<std::string, mil::ImageFeature> make_edges_images(ir::Graph& graph, const mil::FunctionDescription& interface);

}  // namespace assay::coreml

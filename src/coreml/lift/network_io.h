// A network's features as blobs, and back: element types, axes, images, preprocessing, classes.
#pragma once
#include <span>
#include <string>

#include "coreml/lift/nn.h"
#include "coreml/lift/program.h"
#include "mil/model.h"

namespace assay::coreml {

/// Defines the network's inputs as blobs. Features that `features` lacks become inputs of the graph, or constants where
/// they are optional and not among `given`.
Status lift_inputs(const mil::NetworkModel& model, const mil::FunctionDescription& description,
                   std::span<const std::string> given, FeatureValues& features, NnLift& lift);
/// Adds the network's outputs to `features`.
Status lift_outputs(const mil::NetworkModel& model, const mil::FunctionDescription& description,
                    FeatureValues& features, NnLift& lift);

/// The element type of an array; nullopt when it has none that is known.
std::optional<ir::ElemType> elem_of(mil::ArrayType type);
/// The axes of an array: unknown where its shape is flexible.
std::vector<ir::Dim> shape_of(const mil::ArrayFeature& array);
/// Whether the default of an optional array has a shape.
bool has_default_shape(const mil::ArrayFeature& array);
/// What an optional array is when nobody gives it: its default value, or zeros. Needs a default shape.
ir::Tensor default_array(const mil::ArrayFeature& array, ir::ElemType elem);
/// How layers see an image [1, C, H, W]: float32, channels in the model's order, preprocessed.
Status image_input(const mil::Network& network, const mil::Feature& feature, bool first, ValueId id, NnLift& lift);

}  // namespace assay::coreml

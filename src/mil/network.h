// NeuralNetworks (NeuralNetwork.proto) as data: layers between values that have no types.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "mil/message.h"

namespace assay::mil {

/// A member of NeuralNetworkLayer's oneof.
struct LayerRow {
  std::string_view name;  ///< "innerProduct"
  uint32_t number;        ///< its field number in NeuralNetworkLayer
  int since;              ///< first specification version that has it
  const MessageRow* params;
};
std::span<const LayerRow> layer_table();  ///< ascending by number
const LayerRow* find_layer(std::string_view name);
const LayerRow* find_layer(uint32_t number);

struct TensorNote {  ///< NeuralNetworkLayer.Tensor: rank and dimensions (-1: unknown) of an input or output
  uint32_t rank = 0;
  Dims dims{};
};
struct Layer {
  std::string name;
  std::vector<std::string> inputs{}, outputs{};
  std::vector<TensorNote> input_notes{}, output_notes{};
  bool updatable = false;
  const LayerRow* kind = nullptr;  ///< null: a layer that this build does not know, kept in `extra`
  Message params{};
  std::string extra{};
};

struct Preprocessing {
  std::string feature;  ///< empty: the first image input
  bool scaler = false;  ///< else a mean image
  float channel_scale = 0, blue_bias = 0, green_bias = 0, red_bias = 0, gray_bias = 0;
  std::vector<float> mean_image{};  ///< C, H, W
  std::string extra{};
};

struct Network {
  std::vector<Layer> layers{};
  std::vector<Preprocessing> preprocessing{};
  bool exact_arrays = false;  ///< arrayInputShapeMapping is EXACT_ARRAY_MAPPING, else RANK5
  bool rank4_images = false;  ///< imageInputShapeMapping is RANK4_IMAGE_MAPPING, else RANK5
  // NeuralNetworkClassifier alone:
  std::vector<std::string> string_labels{};
  std::vector<int64_t> int_labels{};
  bool has_string_labels = false, has_int_labels = false;
  std::string label_probability_layer{};
  std::string extra{};
};

}  // namespace assay::mil

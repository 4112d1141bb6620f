// The tables of lifted NeuralNetwork layers, one a family; each stands in the file named after it.
#pragma once
#include <span>

#include "coreml/lift/nn.h"

namespace assay::coreml {

std::span<const NnRow> nn_activation_rows();
std::span<const NnRow> nn_control_rows();
std::span<const NnRow> nn_convolution_rows();
std::span<const NnRow> nn_elementwise_rows();
std::span<const NnRow> nn_fill_rows();
std::span<const NnRow> nn_index_rows();
std::span<const NnRow> nn_linear_rows();
std::span<const NnRow> nn_move_rows();
std::span<const NnRow> nn_normalisation_rows();
std::span<const NnRow> nn_pooling_rows();
std::span<const NnRow> nn_recurrent_rows();
std::span<const NnRow> nn_reduction_rows();
std::span<const NnRow> nn_resize_rows();
std::span<const NnRow> nn_shape_rows();
std::span<const NnRow> nn_slice_rows();

/// All of them; nn_rows() sorts what they hold.
inline constexpr std::span<const NnRow> (*kNnTables[])() = {
    nn_activation_rows, nn_control_rows,   nn_convolution_rows, nn_elementwise_rows,   nn_fill_rows,
    nn_index_rows,      nn_linear_rows,    nn_move_rows,        nn_normalisation_rows, nn_pooling_rows,
    nn_recurrent_rows,  nn_reduction_rows, nn_resize_rows,      nn_shape_rows,         nn_slice_rows,
};

}  // namespace assay::coreml

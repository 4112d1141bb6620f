// The tables of lifted NeuralNetwork layers, one a family; each stands in the file named after it.
#pragma once
#include <span>

#include "coreml/lift/nn.h"

namespace assay::coreml {

std::span<const NnRow> nn_activation_rows();
std::span<const NnRow> nn_linear_rows();

/// All of them; nn_rows() sorts what they hold.
inline constexpr std::span<const NnRow> (*kNnTables[])() = {
    nn_activation_rows,
    nn_linear_rows,
};

}  // namespace assay::coreml

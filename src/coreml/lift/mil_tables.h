// The tables of lifted ML Program operations, one a family; each stands in the file named after it.
#pragma once
#include <span>

#include "coreml/lift/mil.h"

namespace assay::coreml {

std::span<const MilRow> mil_activation_rows();
std::span<const MilRow> mil_attention_rows();
std::span<const MilRow> mil_constexpr_rows();
std::span<const MilRow> mil_conv_rows();
std::span<const MilRow> mil_elementwise_rows();
std::span<const MilRow> mil_image_rows();
std::span<const MilRow> mil_linear_rows();
std::span<const MilRow> mil_normalization_rows();
std::span<const MilRow> mil_pool_rows();
std::span<const MilRow> mil_quantization_rows();
std::span<const MilRow> mil_recurrent_rows();

/// All of them; mil_rows() sorts what they hold.
inline constexpr std::span<const MilRow> (*kMilTables[])() = {
    mil_activation_rows,  mil_attention_rows,    mil_constexpr_rows, mil_conv_rows,
    mil_elementwise_rows, mil_image_rows,        mil_linear_rows,    mil_normalization_rows,
    mil_pool_rows,        mil_quantization_rows, mil_recurrent_rows,
};

}  // namespace assay::coreml

// The tables of lifted ML Program operations, one a family; each stands in the file named after it.
#pragma once
#include <span>

#include "coreml/lift/mil.h"

namespace assay::coreml {

std::span<const MilRow> mil_activation_rows();
std::span<const MilRow> mil_attention_rows();
std::span<const MilRow> mil_blocks_rows();
std::span<const MilRow> mil_boxes_rows();
std::span<const MilRow> mil_classify_rows();
std::span<const MilRow> mil_constexpr_rows();
std::span<const MilRow> mil_control_rows();
std::span<const MilRow> mil_conv_rows();
std::span<const MilRow> mil_elementwise_rows();
std::span<const MilRow> mil_gather_rows();
std::span<const MilRow> mil_image_rows();
std::span<const MilRow> mil_join_rows();
std::span<const MilRow> mil_linear_rows();
std::span<const MilRow> mil_list_rows();
std::span<const MilRow> mil_normalization_rows();
std::span<const MilRow> mil_pool_rows();
std::span<const MilRow> mil_quantization_rows();
std::span<const MilRow> mil_recurrent_rows();
std::span<const MilRow> mil_reduction_rows();
std::span<const MilRow> mil_refused_rows();
std::span<const MilRow> mil_shape_rows();
std::span<const MilRow> mil_slice_rows();
std::span<const MilRow> mil_state_rows();
std::span<const MilRow> mil_tensor_rows();

/// All of them; mil_rows() sorts what they hold.
inline constexpr std::span<const MilRow> (*kMilTables[])() = {
    mil_activation_rows, mil_attention_rows,    mil_blocks_rows,    mil_boxes_rows,       mil_classify_rows,
    mil_constexpr_rows,  mil_control_rows,      mil_conv_rows,      mil_elementwise_rows, mil_gather_rows,
    mil_image_rows,      mil_join_rows,         mil_linear_rows,    mil_list_rows,        mil_normalization_rows,
    mil_pool_rows,       mil_quantization_rows, mil_recurrent_rows, mil_reduction_rows,   mil_refused_rows,
    mil_shape_rows,      mil_slice_rows,        mil_state_rows,     mil_tensor_rows,
};

}  // namespace assay::coreml

// Lowerings that are too long to stand beside their rows.
#pragma once
#include "base/result.h"

namespace assay::ops {

class MilContext;
class NnContext;

// Convolutions and poolings.
Status conv_to_mil(MilContext& c);
Status conv_to_nn(NnContext& c);
Status conv_transpose_to_mil(MilContext& c);
Status conv_transpose_to_nn(NnContext& c);
Status average_pool_to_mil(MilContext& c);
Status average_pool_to_nn(NnContext& c);
Status max_pool_to_mil(MilContext& c);
Status max_pool_to_nn(NnContext& c);
Status lp_pool_to_mil(MilContext& c);
Status lp_pool_to_nn(NnContext& c);

// Products.
Status matmul_to_mil(MilContext& c);
Status matmul_to_nn(NnContext& c);
Status einsum_to_mil(MilContext& c);
Status einsum_to_nn(NnContext& c);

// Normalisations.
Status batch_norm_to_mil(MilContext& c);
Status batch_norm_to_nn(NnContext& c);
Status instance_norm_to_mil(MilContext& c);
Status instance_norm_to_nn(NnContext& c);
Status group_norm_to_mil(MilContext& c);
Status group_norm_to_nn(NnContext& c);
Status layer_norm_to_mil(MilContext& c);
Status layer_norm_to_nn(NnContext& c);
Status rms_norm_to_mil(MilContext& c);
Status rms_norm_to_nn(NnContext& c);
Status lp_norm_to_mil(MilContext& c);
Status lp_norm_to_nn(NnContext& c);
Status mean_variance_norm_to_mil(MilContext& c);
Status mean_variance_norm_to_nn(NnContext& c);
Status local_response_norm_to_mil(MilContext& c);
Status local_response_norm_to_nn(NnContext& c);

// Recurrent networks.
Status rnn_to_mil(MilContext& c);
Status rnn_to_nn(NnContext& c);
Status gru_to_mil(MilContext& c);
Status gru_to_nn(NnContext& c);
Status lstm_to_mil(MilContext& c);
Status lstm_to_nn(NnContext& c);

// Products and operators of codes.
Status matmul_integer_to_mil(MilContext& c);
Status matmul_integer_to_nn(NnContext& c);
Status qlinear_matmul_to_mil(MilContext& c);
Status qlinear_matmul_to_nn(NnContext& c);
Status qgemm_to_mil(MilContext& c);
Status qgemm_to_nn(NnContext& c);
Status matmul_integer_to_float_to_mil(MilContext& c);
Status matmul_integer_to_float_to_nn(NnContext& c);
Status conv_integer_to_mil(MilContext& c);
Status conv_integer_to_nn(NnContext& c);
Status qlinear_conv_to_mil(MilContext& c);
Status qlinear_conv_to_nn(NnContext& c);
Status qlinear_reduce_mean_to_mil(MilContext& c);
Status qlinear_reduce_mean_to_nn(NnContext& c);
Status qlinear_where_to_mil(MilContext& c);
Status qlinear_where_to_nn(NnContext& c);
Status qlinear_add_to_mil(MilContext& c);
Status qlinear_add_to_nn(NnContext& c);
Status qlinear_mul_to_mil(MilContext& c);
Status qlinear_mul_to_nn(NnContext& c);
Status qlinear_sigmoid_to_mil(MilContext& c);
Status qlinear_sigmoid_to_nn(NnContext& c);
Status qlinear_leaky_relu_to_mil(MilContext& c);
Status qlinear_leaky_relu_to_nn(NnContext& c);
Status qlinear_softmax_to_mil(MilContext& c);
Status qlinear_softmax_to_nn(NnContext& c);
Status qlinear_concat_to_mil(MilContext& c);
Status qlinear_concat_to_nn(NnContext& c);
Status qlinear_average_pool_to_mil(MilContext& c);
Status qlinear_average_pool_to_nn(NnContext& c);
Status qlinear_global_average_pool_to_mil(MilContext& c);
Status qlinear_global_average_pool_to_nn(NnContext& c);

// Nested graphs.
Status if_to_mil(MilContext& c);
Status if_to_nn(NnContext& c);
Status loop_to_mil(MilContext& c);
Status loop_to_nn(NnContext& c);

// Images.
Status resize_to_mil(MilContext& c);
Status resize_to_nn(NnContext& c);
Status center_crop_pad_to_mil(MilContext& c);
Status center_crop_pad_to_nn(NnContext& c);

}  // namespace assay::ops

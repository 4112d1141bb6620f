// What an Attention operator's inputs and attributes must agree on.
#pragma once
#include "ops/attention.h"
#include "ops/shapes.h"

namespace assay::ops {

namespace attention {
inline constexpr size_t kQ = 0, kK = 1, kV = 2, kMask = 3, kPastKey = 4, kPastValue = 5, kNonpad = 6;
}

struct AttentionShapes {
  bool packed = false;  ///< rank 3: heads lie behind each other in the last axis
  ir::Dim batches, q_heads, kv_heads, queries, keys, past, width, value_width;
  ir::Dim total() const { return dim_sum(past, keys); }  ///< past and incoming keys
};

/// Checks everything that shapes and attributes say; nullopt when not even the rank of Q is known.
Result<std::optional<AttentionShapes>> attention_shapes(const InputShapes& in);

}  // namespace assay::ops

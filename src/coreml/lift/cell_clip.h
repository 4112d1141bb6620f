// When the clip of an LSTM's cell cannot act: the layer is ONNX's LSTM then.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ir/tensor.h"

namespace assay::coreml {

/// An LSTM as far as it bounds its cell. `functions` are ONNX's names: of the gates, of the cell's input, ...
struct CellGrowth {
  std::vector<std::string> functions;
  bool coupled = false;                         ///< the forget gate is 1 - the input gate
  int64_t steps = -1;                           ///< -1: unknown
  std::vector<const ir::Tensor*> initial = {};  ///< of each direction; null: unknown. None: zeros
};

/// c' = f c + i g with |f|, |i| and |g| up to 1 grows by at most 1 a step. Half of the limit is left for rounding,
/// which never doubles such a sum, in float16 and bfloat16 neither.
bool never_clips(const CellGrowth& cell, double limit);

}  // namespace assay::coreml

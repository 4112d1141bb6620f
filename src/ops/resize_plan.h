// Resize, the part that does not depend on data: extents, coordinates, taps and weights of each axis.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "ir/tensor.h"

namespace assay::ops {

struct ResizeAxis {
  int64_t in = 0, out = 0;
  float scale = 1;
  float roi_begin = 0, roi_end = 1;
  bool kept = true;  ///< the axis stays as it is
};

/// Operands that are absent are null; an empty tensor counts as absent. The message of the error is what is wrong.
Result<std::vector<ResizeAxis>> resize_axes(const ir::Op& op, const ir::Dims& in, const ir::Tensor* roi,
                                            const ir::Tensor* scales, const ir::Tensor* sizes);

/// Which inputs each output of an axis is made of. Tap t of output o: index[t * out + o], weight[t * out + o]; taps
/// ascend; one of weight zero does not enter.
template <class T>
struct ResizeTaps {
  size_t count = 0;
  std::vector<int64_t> index;
  std::vector<T> weight;
  std::vector<bool> outside;  ///< tf_crop_and_resize: the output is the extrapolation value
};

template <class T>
Result<ResizeTaps<T>> resize_taps(const ir::Op& op, const ResizeAxis& axis);
extern template Result<ResizeTaps<float>> resize_taps(const ir::Op&, const ResizeAxis&);
extern template Result<ResizeTaps<double>> resize_taps(const ir::Op&, const ResizeAxis&);

}  // namespace assay::ops

#include "ops/lower/half_range.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace assay::ops {

HalfRange half_range(const ir::Tensor& tensor) {
  std::array<float, 4096> piece;  // sources may lie at any byte
  HalfRange range;
  for (int64_t at = 0; at < tensor.size(); at += static_cast<int64_t>(piece.size())) {
    const auto n = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(piece.size()), tensor.size() - at));
    std::memcpy(piece.data(), tensor.bytes() + at * 4, n * 4);
    for (size_t i = 0; i < n; ++i) {
      const float size = std::abs(piece[i]);
      range.vanishing += size > 0 && size <= kHalfVanishes ? 1 : 0;
      if (!(size >= kHalfOverflows) || std::isinf(size)) continue;
      ++range.infinite;
      if (size > std::abs(range.largest)) range.largest = piece[i];
    }
  }
  return range;
}

}  // namespace assay::ops

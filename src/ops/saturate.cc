#include "ops/saturate.h"

#include <algorithm>
#include <cmath>

namespace assay::ops {

int64_t saturated(double x, ir::ElemType type) {
  if (std::isnan(x)) return 0;
  const int bits = ir::elem_bits(type);
  if (type == ir::ElemType::uint64) {
    if (x >= 0x1p64) return -1;
    return x <= 0 ? 0 : static_cast<int64_t>(static_cast<uint64_t>(x));
  }
  const int64_t wide = x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : static_cast<int64_t>(x);
  if (bits < 8 || bits == 64) return wide;
  if (!ir::is_signed_integer(type)) return std::clamp<int64_t>(wide, 0, (int64_t{1} << bits) - 1);
  return std::clamp<int64_t>(wide, -(int64_t{1} << (bits - 1)), (int64_t{1} << (bits - 1)) - 1);
}

}  // namespace assay::ops

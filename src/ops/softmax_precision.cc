#include "ops/softmax_precision.h"

#include <algorithm>

namespace assay::ops {
// float32, and float16 and bfloat16 behind their rounding, are computed as everything is: in float32, or in the float64
// that a policy puts in its place.
template <class T>
PreciseSoftmax<T>::PreciseSoftmax(const num::Policy& policy, std::optional<int64_t> precision) : arith_(policy) {
  if (!precision) return;
  const auto type = static_cast<ir::ElemType>(*precision);
  const bool wide = type == ir::ElemType::float64 || policy.compute == num::FormatId::float64;
  if (wide != (sizeof(T) == 8)) other_.emplace(policy);
  if (type == ir::ElemType::float16) narrow_ = num::Rounding{.format = num::format(num::FormatId::float16)};
  if (type == ir::ElemType::bfloat16) narrow_ = num::Rounding{.format = num::format(num::FormatId::bfloat16)};
}

template <class T>
void PreciseSoftmax<T>::run(T* y, size_t n) const {
  if (narrow_) num::round_in_place(y, n, *narrow_);
  if (other_) {
    std::vector<Other> there(y, y + n);
    softmax_in_place(*other_, there.data(), n);
    std::transform(there.begin(), there.end(), y, [](Other v) { return static_cast<T>(v); });
  } else {
    softmax_in_place(arith_, y, n);
  }
  if (narrow_) num::round_in_place(y, n, *narrow_);
}

template class PreciseSoftmax<float>;
template class PreciseSoftmax<double>;

}  // namespace assay::ops

// The softmax of attention operators, whose attribute softmax_precision may name another type than its scores have.
#pragma once
#include <optional>
#include <vector>

#include "ops/attention.h"
#include "ops/kernel.h"

namespace assay::ops {

template <class T>
class PreciseSoftmax {
 public:
  /// `precision` is a number of TensorProto.DataType, or nothing.
  PreciseSoftmax(const num::Policy& policy, std::optional<int64_t> precision);
  /// y = softmax(y): cast to the type, computed there, cast back.
  void run(T* y, size_t n) const;

 private:
  using Other = std::conditional_t<sizeof(T) == 4, double, float>;
  num::Arith<T> arith_;
  std::optional<num::Arith<Other>> other_;  ///< computes there instead
  std::optional<num::Rounding> narrow_;     ///< scores and weights are rounded to it
};

}  // namespace assay::ops

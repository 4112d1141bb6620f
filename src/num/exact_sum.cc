#include "num/exact_sum.h"

#include <bit>
#include <cmath>
#include <limits>

#include "num/exact.h"

namespace assay::num {
namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
}  // namespace

void ExactSum::note_zero(bool negative) {
  empty_ = false;
  if (!negative) all_negative_zero_ = false;
}

void ExactSum::add_scaled(Uint128 significand, int exponent, bool negative) {
  note_zero(false);
  const auto position = static_cast<size_t>(exponent - kLowest);
  const size_t shift = position % 64;
  const uint64_t parts[3] = {
      static_cast<uint64_t>(significand << shift),
      static_cast<uint64_t>((significand << shift) >> 64),
      shift == 0 ? 0 : static_cast<uint64_t>(significand >> (128 - shift)),
  };
  bool carry = false;
  for (size_t i = position / 64, k = 0; i < kLimbs && (k < 3 || carry); ++i, ++k) {
    const uint64_t part = (k < 3 ? parts[k] : 0);
    uint64_t result;
    if (negative) {
      const bool first = __builtin_sub_overflow(limbs_[i], part, &result);
      carry = __builtin_sub_overflow(result, uint64_t{carry}, &limbs_[i]) || first;
    } else {
      const bool first = __builtin_add_overflow(limbs_[i], part, &result);
      carry = __builtin_add_overflow(result, uint64_t{carry}, &limbs_[i]) || first;
    }
  }
}

void ExactSum::add(double value) { add_product(value, 1.0); }

void ExactSum::add_product(double a, double b) {
  const bool negative = std::signbit(a) != std::signbit(b);
  if (std::isnan(a) || std::isnan(b) || (std::isinf(a) && b == 0) || (a == 0 && std::isinf(b))) {
    nan_ = true;
  } else if (std::isinf(a) || std::isinf(b)) {
    (negative ? negative_infinity_ : positive_infinity_) = true;
  } else if (a == 0 || b == 0) {
    note_zero(negative);
  } else {
    // 53 significant bits each, so that the lowest bit of the product is not below the fixed point's.
    const Exact x = unpack(a), y = unpack(b);
    const int down_x = std::countr_zero(x.significand), down_y = std::countr_zero(y.significand);
    const auto product = static_cast<Uint128>(x.significand >> down_x) * (y.significand >> down_y);
    add_scaled(product, x.exponent + down_x + y.exponent + down_y, negative);
  }
}

double ExactSum::rounded(const Rounding& rounding) const {
  if (nan_ || (positive_infinity_ && negative_infinity_)) return kNan;
  if (positive_infinity_) return round(kInfinity, rounding);
  if (negative_infinity_) return round(-kInfinity, rounding);
  auto size = limbs_;
  const bool negative = (size.back() >> 63) != 0;
  if (negative) {
    bool carry = true;
    for (uint64_t& limb : size) {
      limb = ~limb + (carry ? 1 : 0);
      carry = carry && limb == 0;
    }
  }
  size_t top = kLimbs;
  while (top > 0 && size[top - 1] == 0) --top;
  if (top == 0) return round(!empty_ && all_negative_zero_ ? -0.0 : 0.0, rounding);
  --top;
  const int zeros = std::countl_zero(size[top]);
  Exact exact{negative, size[top] << zeros, kLowest + static_cast<int>(top) * 64 - zeros, false};
  if (top > 0) {
    if (zeros > 0) exact.significand |= size[top - 1] >> (64 - zeros);
    exact.sticky = (size[top - 1] << zeros) != 0;
    for (size_t i = 0; i + 1 < top; ++i) exact.sticky = exact.sticky || size[i] != 0;
  }
  return round_exact(exact, rounding);
}

}  // namespace assay::num

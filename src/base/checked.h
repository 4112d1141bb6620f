// Integer arithmetic on numbers that a file gave us: no silent wrap.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

namespace assay {

template <class T>
std::optional<T> checked_add(T a, T b) {
  T r;
  return __builtin_add_overflow(a, b, &r) ? std::nullopt : std::optional<T>(r);
}

template <class T>
std::optional<T> checked_mul(T a, T b) {
  T r;
  return __builtin_mul_overflow(a, b, &r) ? std::nullopt : std::optional<T>(r);
}

/// Product of non-negative dims; nullopt when one is negative or the product leaves int64.
inline std::optional<int64_t> checked_product(std::span<const int64_t> dims) {
  int64_t product = 1;
  bool zero = false, overflow = false;
  for (const int64_t d : dims) {
    if (d < 0) return std::nullopt;
    if (d == 0) zero = true;
    overflow = overflow || __builtin_mul_overflow(product, d, &product);
  }
  if (zero) return 0;
  return overflow ? std::nullopt : std::optional(product);
}

}  // namespace assay

// Vectorised loops behind Arith, without any policy: IEEE arithmetic in T, NaN results canonical. Every function allows
// y to be one of its operands. A scalar operand is one element read for all i.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::num::raw {

enum class Binary : uint8_t { add, sub, mul, div, max, min };
enum class Unary : uint8_t { sqrt, relu, neg, abs, floor, ceil, round_even };
/// Rounding of each step of a sum that is done inside the loop; other roundings take the slow path of Arith.
enum class Step : uint8_t { none, float16, bfloat16 };

template <class T>
struct Operand {
  const T* data;
  bool scalar = false;
};

#define ASSAY_RAW(T)                                                                                       \
  void binary(Binary op, Operand<T> a, Operand<T> b, T* y, size_t n);                                      \
  void unary(Unary op, const T* a, T* y, size_t n);                                                        \
  void fma(const T* a, Operand<T> b, Operand<T> c, T* y, size_t n);                                        \
  void select_negative(const T* c, const T* a, const T* b, T* y, size_t n); /* c < 0 ? a : b */            \
  void clamp(const T* a, const T* low, const T* high, T* y, size_t n);      /* one element or null each */ \
  T max_of(const T* a, size_t n);                                                                          \
  void accumulate(const T* a, T* acc, size_t n);         /* acc + a */                                     \
  void accumulate_squares(const T* a, T* acc, size_t n); /* fma(a, a, acc) */
ASSAY_RAW(float)
ASSAY_RAW(double)
#undef ASSAY_RAW

/// Whether all are zeros, or have magnitudes in [least, most] and none of the bits `below`.
bool within(const float* x, size_t n, uint32_t below, float least, float most);

/// 16 lanes: lane i takes elements i, i + 16, ...; then lanes 8, 4, 2, 1 apart are added (docs/semantics.md 1).
float sum16(const float* a, size_t n, bool squares, Step step);
double sum16(const double* a, size_t n, bool squares);

}  // namespace assay::num::raw

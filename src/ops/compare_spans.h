// Comparisons of contiguous spans: 1 where the relation holds, else 0. NaN compares false; -0 equals +0.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::ops {

enum class Relation : uint8_t { equal, greater, greater_or_equal, less, less_or_equal };

template <class T>
bool holds(Relation relation, const T& a, const T& b) {
  switch (relation) {
    case Relation::equal:
      return a == b;
    case Relation::greater:
      return b < a;
    case Relation::greater_or_equal:
      return b < a || a == b;
    case Relation::less:
      return a < b;
    case Relation::less_or_equal:
      return a < b || a == b;
  }
  return false;
}

void compare_spans(Relation relation, const float* a, const float* b, size_t n, uint8_t* out);
void compare_spans(Relation relation, const int32_t* a, const int32_t* b, size_t n, uint8_t* out);
template <class T>
void compare_spans(Relation relation, const T* a, const T* b, size_t n, uint8_t* out) {
  for (size_t i = 0; i < n; ++i) out[i] = holds(relation, a[i], b[i]);
}

}  // namespace assay::ops

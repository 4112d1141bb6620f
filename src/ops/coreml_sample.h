// Bilinear and nearest samples of planes at given points: what Core ML's resample, affine and crop_resize share. The
// taps of a row are summed first, then rows, ascending, each a fused multiply-add; taps of weight zero do not enter.
#pragma once
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "num/arith.h"

namespace assay::ops {

/// What stands around a plane: a value, its border again, or its mirror image without and with the border.
enum class Surround : uint8_t { constant, border, reflection, symmetric };
std::optional<Surround> surround(std::string_view padding_mode);

/// The sample that stands at `at` of an axis, -1 for the padding value.
int64_t surrounded(int64_t at, int64_t extent, Surround around);

/// Points of a plane with their taps. A point has two taps an axis, the second of weight zero where one is enough.
template <class T>
class SamplePoints {
 public:
  SamplePoints(int64_t height, int64_t width, Surround around, bool nearest)
      : height_(height), width_(width), around_(around), nearest_(nearest) {}

  void clear();
  void add(T y, T x);
  /// A point that has the padding value whatever stands near it.
  void add_outside();
  size_t size() const { return outside_.size(); }

  /// One value a point from `plane`, [height, width].
  void sample(const num::Arith<T>& arith, const T* plane, T padding, T* out) const;

 private:
  struct Axis {
    std::vector<int64_t> at[2];
    std::vector<T> weight[2];
  };
  void place(Axis& axis, T x, int64_t extent);
  void block(const num::Arith<T>& arith, const T* plane, T padding, size_t begin, size_t n, T* out) const;

  int64_t height_, width_;
  Surround around_;
  bool nearest_;
  Axis rows_, columns_;
  std::vector<bool> outside_;
};

extern template class SamplePoints<float>;
extern template class SamplePoints<double>;

}  // namespace assay::ops

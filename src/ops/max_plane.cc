#include "ops/max_plane.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/max_plane.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"
#include "ops/spread-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace simd = assay::num::HWY_NAMESPACE;

/// to[i] = maximum of a[i] and b[i], canonical. `to` may be `a`: taking the maximum twice changes nothing.
template <class T>
HWY_INLINE void MaxRow(const T* a, const T* b, T* to, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto of = [d](auto x, auto y) HWY_ATTR { return simd::CanonicalNan(d, simd::MaxOf(d, x, y)); };
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(of(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, to + i);
  if (i == n) return;
  if (n > lanes) {  // the last vector overlaps the one before
    i = n - lanes;
    return hn::StoreU(of(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, to + i);
  }
  simd::StoreN(of(simd::LoadN(d, a + i, n - i), simd::LoadN(d, b + i, n - i)), d, to + i, n - i);
}

/// A padded row cut into the stride's phases: position p of the row stands at p % stride * length + p / stride.
struct Phases {
  explicit Phases(const WindowAxis& axis)
      : begin(static_cast<size_t>(axis.begin)),
        stride(static_cast<size_t>(axis.stride)),
        in(static_cast<size_t>(axis.in)),
        width(static_cast<size_t>((axis.out - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1)),
        length((width + stride - 1) / stride) {}

  size_t at(size_t position) const { return position % stride * length + position / stride; }
  size_t inside() const { return width > begin ? (in < width - begin ? in : width - begin) : 0; }

  size_t begin, stride, in, width, length;
};

template <class T>
void Plane(const T* in, const WindowAxis& rows, const WindowAxis& columns, T none, T* room, T* out) {
  const auto width = static_cast<size_t>(columns.in), count = static_cast<size_t>(columns.out);
  const Phases phases(columns);
  T* const best = room;
  T* const spread = room + width;
  for (size_t i = 0; i < phases.length * phases.stride; ++i) spread[i] = none;
  for (int64_t y = 0; y < rows.out; ++y, out += count) {
    const auto [first, last] = rows.taps(y);
    const auto row = [&](int64_t tap) { return in + static_cast<size_t>(rows.first(y) + tap * rows.dilation) * width; };
    const T* top = best;
    if (first == last) {
      for (size_t i = 0; i < width; ++i) best[i] = none;
    } else {
      top = row(first);
      for (int64_t tap = first + 1; tap < last; ++tap, top = best) MaxRow(top, row(tap), best, width);
    }
    const bool direct = phases.stride == 1 && phases.begin == 0 && phases.width <= width;
    if (!direct) SpreadValues(top, phases.inside(), phases.begin, phases.stride, phases.length, spread);
    const auto tap = [&](int64_t k) {
      return direct ? top + k * columns.dilation : spread + phases.at(static_cast<size_t>(k * columns.dilation));
    };
    // A window of one tap still makes its NaN the canonical one.
    MaxRow(tap(0), tap(columns.kernel > 1 ? 1 : 0), out, count);
    for (int64_t k = 2; k < columns.kernel; ++k) MaxRow(out, tap(k), out, count);
  }
}

void PlaneFloat(const float* in, const WindowAxis& rows, const WindowAxis& columns, float none, float* room,
                float* out) {
  Plane(in, rows, columns, none, room, out);
}
void PlaneDouble(const double* in, const WindowAxis& rows, const WindowAxis& columns, double none, double* room,
                 double* out) {
  Plane(in, rows, columns, none, room, out);
}

}  // namespace assay::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops {

HWY_EXPORT(PlaneFloat);
HWY_EXPORT(PlaneDouble);

size_t max_plane_room(const WindowAxis& columns) {
  const int64_t padded = columns.out * columns.stride + columns.kernel * columns.dilation + columns.stride;
  return static_cast<size_t>(columns.in + padded);
}

void max_plane(const float* in, const WindowAxis& rows, const WindowAxis& columns, float none, float* room,
               float* out) {
  HWY_DYNAMIC_DISPATCH(PlaneFloat)(in, rows, columns, none, room, out);
}
void max_plane(const double* in, const WindowAxis& rows, const WindowAxis& columns, double none, double* room,
               double* out) {
  HWY_DYNAMIC_DISPATCH(PlaneDouble)(in, rows, columns, none, room, out);
}

}  // namespace assay::ops
#endif

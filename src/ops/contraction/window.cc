#include "ops/contraction/window.h"

#include <algorithm>
#include <limits>

#include "ops/contraction/gather.h"
#include "ops/contraction/pack.h"

namespace assay::ops::contraction {

bool Window::inside() const {
  for (size_t i = 0; i < 3; ++i) {
    if (pad[i] > 0) return false;
    const int64_t last = static_cast<int64_t>((out[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i]) - pad[i];
    if (last >= static_cast<int64_t>(in[i])) return false;
  }
  return true;
}

bool Window::pointwise() const {
  return kernel == Axes{1, 1, 1} && stride == Axes{1, 1, 1} && pad == std::array<int64_t, 3>{0, 0, 0} && in == out;
}

Window Window::without_trailing_ones() const {
  Window w = *this;
  for (int moves = 0; moves < 2 && w.in[2] == 1 && w.kernel[2] == 1 && w.out[2] == 1 && w.pad[2] == 0; ++moves) {
    for (Axes* axes : {&w.in, &w.kernel, &w.out, &w.stride, &w.dilation}) *axes = {1, (*axes)[0], (*axes)[1]};
    w.pad = {0, w.pad[0], w.pad[1]};
  }
  return w;
}

namespace {

bool under_a_tap(const Window& w, size_t axis, size_t at) {
  for (size_t k = 0; k < w.kernel[axis]; ++k) {
    const size_t first = k * w.dilation[axis];
    if (at >= first && (at - first) % w.stride[axis] == 0) return true;
  }
  return false;
}

/// Where index `at` of the padded axis lies in the input's; -1 outside of it and where no tap reads.
int64_t place(const Window& w, size_t axis, size_t at) {
  const int64_t p = static_cast<int64_t>(at) - w.pad[axis];
  const bool there = p >= 0 && p < static_cast<int64_t>(w.in[axis]);
  return there && (w.stride[axis] == 1 || under_a_tap(w, axis, at)) ? p : -1;
}

}  // namespace

PaddedLayout::PaddedLayout(const Window& w) {
  for (size_t i = 0; i < 3; ++i) extent[i] = (w.out[i] - 1) * w.stride[i] + (w.kernel[i] - 1) * w.dilation[i] + 1;
  phase = (extent[2] + w.stride[2] - 1) / w.stride[2];
  row = phase * w.stride[2];
  plane = row * extent[1];
  channel = plane * extent[0];
  for (size_t d = 0; d < w.kernel[0]; ++d) {
    for (size_t h = 0; h < w.kernel[1]; ++h) {
      for (size_t k = 0; k < w.kernel[2]; ++k) {
        const size_t x = k * w.dilation[2];
        taps.push_back(d * w.dilation[0] * plane + h * w.dilation[1] * row + x % w.stride[2] * phase + x / w.stride[2]);
      }
    }
  }
  left = static_cast<size_t>(std::clamp<int64_t>(w.pad[2], 0, static_cast<int64_t>(extent[2])));
  const auto skipped = static_cast<size_t>(std::max<int64_t>(-w.pad[2], 0));
  covered = std::min(extent[2] - left, w.in[2] > skipped ? w.in[2] - skipped : 0);
  places.reserve(extent[0] * extent[1]);
  for (size_t d = 0; d < extent[0]; ++d) {
    const int64_t z = place(w, 0, d);
    for (size_t h = 0; h < extent[1]; ++h) {
      const int64_t y = place(w, 1, h);
      const bool some = z >= 0 && y >= 0 && covered > 0;
      places.push_back(some ? (z * static_cast<int64_t>(w.in[1]) + y) * static_cast<int64_t>(w.in[2]) +
                                  static_cast<int64_t>(skipped)
                            : -1);
    }
  }
}

namespace {

/// The channel that starts at element `begin`, as operands: in its own memory where nothing changes.
template <class T>
const T* operands(const Window& w, const std::byte* data, ir::ElemType elem, size_t begin, const num::Policy& policy) {
  constexpr auto kOwn = sizeof(T) == 4 ? ir::ElemType::float32 : ir::ElemType::float64;
  if (elem == kOwn && !rounds_operands(policy)) return reinterpret_cast<const T*>(data) + begin;
  T* const wide = scratch<T>(4, w.in_pixels());
  widen<T>(data, elem, begin, w.in_pixels(), wide);
  if (rounds_operands(policy)) round_operands(wide, w.in_pixels(), policy);
  return wide;
}

}  // namespace

template <class T>
T fill_padded(const Window& w, const PaddedLayout& layout, const std::byte* data, ir::ElemType elem, size_t begin,
              const num::Policy& policy, T* to) {
  const T* const input = operands<T>(w, data, elem, begin, policy);
  const T least = spread_rows(input, layout.places, layout.covered, layout.left, w.stride[2], layout.phase, to);
  return w.inside() ? std::numeric_limits<T>::infinity() : least;
}

template float fill_padded<float>(const Window&, const PaddedLayout&, const std::byte*, ir::ElemType, size_t,
                                  const num::Policy&, float*);
template double fill_padded<double>(const Window&, const PaddedLayout&, const std::byte*, ir::ElemType, size_t,
                                    const num::Policy&, double*);

}  // namespace assay::ops::contraction

#include "ops/contraction/few_pixels.h"

#include <algorithm>

#include "ops/contraction/few_columns.h"
#include "ops/contraction/gather.h"
#include "ops/contraction/skip_padding.h"
#include "ops/turn.h"

namespace assay::ops::contraction {
namespace {

constexpr size_t kMostGathered = size_t{1} << 20;  // elements; more are left to the blocked driver's passes
constexpr size_t kWorth = 1 << 16;                 // multiply-adds that pay for a task of their own
constexpr size_t kMostPixels = 64;
constexpr size_t kDepth = 256;  // of a panel that stays in the second-level cache for all pixels

template <class T>
constexpr ir::ElemType kOwn = sizeof(T) == 4 ? ir::ElemType::float32 : ir::ElemType::float64;

/// Where each tap of each output pixel reads a channel, [tap][pixel]; negative outside of the input.
std::vector<int64_t> places(const Window& w) {
  std::vector<int64_t> out;
  out.reserve(w.taps() * w.pixels());
  const auto position = [&](size_t axis, size_t o, size_t k) {
    const auto at = static_cast<int64_t>(o * w.stride[axis] + k * w.dilation[axis]) - w.pad[axis];
    return at < static_cast<int64_t>(w.in[axis]) ? at : -1;
  };
  const auto rows = static_cast<int64_t>(w.in[1]), columns = static_cast<int64_t>(w.in[2]);
  Window::Axes k{};
  for (k[0] = 0; k[0] < w.kernel[0]; ++k[0]) {
    for (k[1] = 0; k[1] < w.kernel[1]; ++k[1]) {
      for (k[2] = 0; k[2] < w.kernel[2]; ++k[2]) {
        for (size_t pixel = 0; pixel < w.pixels(); ++pixel) {
          const int64_t z = position(0, pixel / w.out[2] / w.out[1], k[0]),
                        y = position(1, pixel / w.out[2] % w.out[1], k[1]), x = position(2, pixel % w.out[2], k[2]);
          out.push_back(z < 0 || y < 0 || x < 0 ? -1 : (z * rows + y) * columns + x);
        }
      }
    }
  }
  return out;
}

/// The image's values under each (channel, tap) of each output pixel; +0 where there are none.
template <class T>
void gather(const Window& w, const std::vector<int64_t>& at, const T* image, T* to) {
  for (size_t channel = 0; channel < w.channels; ++channel, image += w.in_pixels()) {
    for (const int64_t place : at) *to++ = place < 0 ? T{0} : image[place];
  }
}

/// The operands [k][pixel] of each image and group: the input itself, or what is made of it.
template <class T>
class Pixels {
 public:
  Pixels(const ir::Tensor& x, const Window& w) : values_(reinterpret_cast<const T*>(x.bytes())) {
    const size_t image = w.channels * w.in_pixels();
    if (x.elem() != kOwn<T>) {
      wide_ = AlignedArray<T>(w.images * image);
      widen<T>(x.bytes(), x.elem(), 0, w.images * image, wide_.data());
      values_ = wide_.data();
    }
    if (w.pointwise()) return;
    const std::vector<int64_t> at = places(w);
    gathered_ = AlignedArray<T>(w.images * w.channels * at.size());
    for (size_t i = 0; i < w.images; ++i)
      gather(w, at, values_ + i * image, gathered_.data() + i * w.channels * at.size());
    values_ = gathered_.data();
  }
  const T* values() const { return values_; }

 private:
  const T* values_;
  AlignedArray<T> wide_, gathered_;
};

void turn_sums(const float* sums, size_t rows, size_t n, float* to) {
  turn(reinterpret_cast<const uint32_t*>(sums), kLanesPanel, reinterpret_cast<uint32_t*>(to), static_cast<int64_t>(n),
       n, rows);
}
void turn_sums(const double* sums, size_t rows, size_t n, double* to) {
  turn(reinterpret_cast<const uint64_t*>(sums), kLanesPanel, reinterpret_cast<uint64_t*>(to), static_cast<int64_t>(n),
       n, rows);
}

/// One panel of output channels over all pixels, [channel][pixel] in memory of this thread.
template <class T>
T* products(const T* panel, size_t rows, size_t k, const T* x, size_t n) {
  T* const sums = scratch<T>(0, kLanesPanel * n);
  for (size_t k0 = 0; k0 < k; k0 += kDepth)
    few_columns(panel + k0 * kLanesPanel, rows, std::min(kDepth, k - k0), x + k0 * n, n, k0 > 0, sums);
  if (n == 1) return sums;
  T* const turned = scratch<T>(1, kLanesPanel * n);
  turn_sums(sums, rows, n, turned);
  return turned;
}

}  // namespace

bool few_pixels_pay(size_t pixels, size_t columns, const num::Policy& policy) {
  const size_t computed = (pixels + columns - 1) / columns * columns;
  return pixels <= kMostPixels && 5 * computed >= 6 * pixels && policy.accumulator == num::Accumulator{} &&
         !rounds_operands(policy);
}

template <class T>
bool convolve_few_pixels(KernelContext& c, const Window& w, const Weights<T>& weights,
                         const std::function<const PackedOperand<T>&()>& panels, const Epilogue<T>& epilogue) {
  const size_t rows = w.outputs_a_group(), n = w.pixels(), k = w.channels_a_group() * w.taps();
  const size_t gathered = w.images * w.groups * k * n;
  if (!epilogue.takes_rows() || gathered > kMostGathered || k == 0) return false;
  Pixels<T> pixels(c.in(0), w);
  const T* const x = pixels.values();
  if (!w.inside()) {
    const PaddedLayout layout(w);
    const T least = smallest_nonzero(x, gathered);
    if (SkipPadding<T>(c.policy(), w, layout, weights, nullptr, 0, least, epilogue).active()) return false;
  }
  const PackedOperand<T>& a = panels();
  const size_t pieces = (rows + kLanesPanel - 1) / kLanesPanel;
  c.threads.for_each(w.images * w.groups * pieces, 1 + kWorth / (kLanesPanel * k * n), [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t batch = i / pieces, m = i % pieces * kLanesPanel, count = std::min(kLanesPanel, rows - m);
      epilogue.rows(batch, m, count, products(a.panel(batch, m, count, 0, k, nullptr), count, k, x + batch * k * n, n));
    }
  });
  return true;
}

template bool convolve_few_pixels<float>(KernelContext&, const Window&, const Weights<float>&,
                                         const std::function<const PackedOperand<float>&()>&, const Epilogue<float>&);
template bool convolve_few_pixels<double>(KernelContext&, const Window&, const Weights<double>&,
                                          const std::function<const PackedOperand<double>&()>&,
                                          const Epilogue<double>&);

}  // namespace assay::ops::contraction

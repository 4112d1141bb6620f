#include "ops/contraction/few_pixels.h"

#include <algorithm>

#include "ops/contraction/few_columns.h"
#include "ops/contraction/gather.h"
#include "ops/contraction/skip_padding.h"

namespace assay::ops::contraction {
namespace {

constexpr size_t kMostGathered = size_t{1} << 20;  // elements; more are left to the blocked driver's passes
constexpr size_t kWorth = 1 << 16;                 // multiply-adds that pay for a task of their own

template <class T>
constexpr ir::ElemType kOwn = sizeof(T) == 4 ? ir::ElemType::float32 : ir::ElemType::float64;

template <class T>
std::unique_ptr<PackedOperand<T>> pack(const ir::Tensor& weights, const Window& w, const num::Policy& policy,
                                       const Threads& threads) {
  const size_t rows = w.outputs_a_group(), k = w.channels_a_group() * w.taps();
  std::vector<size_t> offsets(w.groups);
  for (size_t g = 0; g < w.groups; ++g) offsets[g] = g * rows * k;
  auto panels = std::make_unique<PackedOperand<T>>(w.groups, rows, k, kLanesPanel);
  panels->fill(MatrixSource<T>({weights.bytes(), weights.elem(), 0, 1, k}, offsets, kLanesPanel, policy), threads);
  return panels;
}

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

}  // namespace

template <class T>
bool convolve_few_pixels(KernelContext& c, const Window& w, const Weights<T>& weights,
                         std::unique_ptr<PackedOperand<T>>& panels, const Epilogue<T>& epilogue) {
  const num::Policy& policy = c.policy();
  if (w.pixels() > kFewColumns || !(policy.accumulator == num::Accumulator{}) || rounds_operands(policy)) return false;
  const size_t rows = w.outputs_a_group(), n = w.pixels(), k = w.channels_a_group() * w.taps();
  const size_t gathered = w.images * w.groups * k * n;
  if (!epilogue.takes_rows() || gathered > kMostGathered || k == 0) return false;
  Pixels<T> pixels(c.in(0), w);
  const T* const x = pixels.values();
  if (!w.inside()) {
    const PaddedLayout layout(w);
    const T least = smallest_nonzero(x, gathered);
    if (SkipPadding<T>(policy, w, layout, weights, nullptr, 0, least, epilogue).active()) return false;
  }
  if (!panels) panels = pack<T>(c.in(1), w, policy, c.threads);
  const size_t pieces = (rows + kLanesPanel - 1) / kLanesPanel;
  c.threads.for_each(w.images * w.groups * pieces, 1 + kWorth / (kLanesPanel * k * n), [&](size_t begin, size_t end) {
    T* const sums = scratch<T>(0, kLanesPanel * n);
    for (size_t i = begin; i < end; ++i) {
      const size_t batch = i / pieces, m = i % pieces * kLanesPanel, count = std::min(kLanesPanel, rows - m);
      few_columns(panels->panel(batch, m, count, 0, k, nullptr), count, k, x + batch * k * n, n, sums);
      epilogue.rows(batch, m, count, sums);
    }
  });
  return true;
}

template bool convolve_few_pixels<float>(KernelContext&, const Window&, const Weights<float>&,
                                         std::unique_ptr<PackedOperand<float>>&, const Epilogue<float>&);
template bool convolve_few_pixels<double>(KernelContext&, const Window&, const Weights<double>&,
                                          std::unique_ptr<PackedOperand<double>>&, const Epilogue<double>&);

}  // namespace assay::ops::contraction

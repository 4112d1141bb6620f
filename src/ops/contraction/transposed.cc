#include "ops/contraction/transposed.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "num/accumulate.h"
#include "ops/contraction/epilogue.h"
#include "ops/contraction/gather.h"
#include "ops/contraction/skip_padding.h"

namespace assay::ops::contraction {
namespace {

/// One output residue: the outputs first, first + stride, ... of each axis, and the taps that reach them.
struct Residue {
  Window::Axes first{}, count{};
  std::vector<size_t> taps;     ///< index into the kernel, ascending
  std::vector<size_t> offsets;  ///< of each tap in the padded input, from the residue's first output
};

struct Layout {
  Window::Axes front{}, extent{};  ///< zeros in front of the input, and the padded extent
  size_t row = 0, plane = 0, channel = 0;
};

/// Input position under tap k of output o = first + q * stride is (o + pad - k * dilation) / stride = q + shift.
int64_t numerator(const Window& w, size_t axis, size_t first, size_t k) {
  return static_cast<int64_t>(first) + w.pad[axis] - static_cast<int64_t>(k * w.dilation[axis]);
}
bool reaches(const Window& w, size_t axis, size_t first, size_t k) {
  return numerator(w, axis, first, k) % static_cast<int64_t>(w.stride[axis]) == 0;
}
int64_t shift(const Window& w, size_t axis, size_t first, size_t k) {
  return numerator(w, axis, first, k) / static_cast<int64_t>(w.stride[axis]);
}

Layout layout_of(const Window& w) {
  Layout layout;
  for (size_t axis = 0; axis < 3; ++axis) {
    int64_t least = 0, most = static_cast<int64_t>(w.in[axis]);
    for (size_t first = 0; first < std::min(w.stride[axis], w.out[axis]); ++first) {
      const auto outputs = static_cast<int64_t>((w.out[axis] - first + w.stride[axis] - 1) / w.stride[axis]);
      for (size_t k = 0; k < w.kernel[axis]; ++k) {
        if (!reaches(w, axis, first, k)) continue;
        least = std::min(least, shift(w, axis, first, k));
        most = std::max(most, shift(w, axis, first, k) + outputs);
      }
    }
    layout.front[axis] = static_cast<size_t>(-least);
    layout.extent[axis] = static_cast<size_t>(most - least);
  }
  layout.row = layout.extent[2];
  layout.plane = layout.row * layout.extent[1];
  layout.channel = layout.plane * layout.extent[0];
  return layout;
}

Residue residue_of(const Window& w, const Layout& layout, const Window::Axes& first) {
  Residue r{.first = first, .count = {}, .taps = {}, .offsets = {}};
  for (size_t axis = 0; axis < 3; ++axis)
    r.count[axis] = (w.out[axis] - first[axis] + w.stride[axis] - 1) / w.stride[axis];
  const size_t pitch[3] = {layout.plane, layout.row, 1};
  for (size_t tap = 0; tap < w.taps(); ++tap) {
    const size_t k[3] = {tap / w.kernel[2] / w.kernel[1], tap / w.kernel[2] % w.kernel[1], tap % w.kernel[2]};
    bool there = true;
    size_t offset = 0;
    for (size_t axis = 0; axis < 3 && there; ++axis) {
      there = reaches(w, axis, first[axis], k[axis]);
      if (there)
        offset += static_cast<size_t>(shift(w, axis, first[axis], k[axis]) + static_cast<int64_t>(layout.front[axis])) *
                  pitch[axis];
    }
    if (!there) continue;
    r.taps.push_back(tap);
    r.offsets.push_back(offset);
  }
  return r;
}

/// Panels of weights [channel][output][tap] with k = (channel, tap of the residue); one batch a group.
template <class T>
class TapSource final : public PanelSource<T> {
 public:
  TapSource(const Window& w, const Residue& r, const T* weights, size_t width)
      : w_(w), r_(r), weights_(weights), width_(width) {}
  const T* panel(size_t batch, size_t first, size_t count, size_t k0, size_t kc, T* to) const override {
    const size_t outputs = w_.outputs_a_group(), channel0 = batch % w_.groups * w_.channels_a_group();
    for (size_t i = 0; i < kc; ++i, to += width_) {
      const size_t k = k0 + i, channel = channel0 + k / r_.taps.size(), tap = r_.taps[k % r_.taps.size()];
      for (size_t j = 0; j < width_; ++j)
        to[j] = j < count ? weights_[(channel * outputs + first + j) * w_.taps() + tap] : T{0};
    }
    return to - kc * width_;
  }

 private:
  const Window& w_;
  const Residue& r_;
  const T* weights_;
  size_t width_;
};

template <class T>
class ResiduePixels final : public PanelSource<T> {
 public:
  ResiduePixels(const Window& w, const Layout& layout, const Residue& r, const T* padded, size_t width)
      : w_(w), layout_(layout), r_(r), padded_(padded), width_(width) {}
  const T* panel(size_t batch, size_t first, size_t count, size_t k0, size_t kc, T* to) const override {
    if (kc == 0) return to;  // no tap reaches this residue
    Segment segments[64];
    size_t n = 0;
    for (size_t done = 0; done < count; ++n) {
      const size_t pixel = first + done, column = pixel % r_.count[2], line = pixel / r_.count[2];
      const size_t run = std::min(count - done, r_.count[2] - column);
      segments[n] = {done, run, line / r_.count[1] * layout_.plane + line % r_.count[1] * layout_.row + column};
      done += run;
    }
    const T* input = padded_ + batch * w_.channels_a_group() * layout_.channel;
    gather_panel(input, {segments, n}, layout_.channel, r_.offsets, k0, kc, width_, to);
    return to;
  }

 private:
  const Window& w_;
  const Layout& layout_;
  const Residue& r_;
  const T* padded_;
  size_t width_;
};

/// The room of an output channel's sums: whole vectors, as the epilogue wants it.
size_t sums_pitch(const Window& w) { return (w.pixels() + 15) / 16 * 16; }

/// Puts a residue's sums at their places among all outputs of the image.
template <class T>
class Interleave final : public Finish<T> {
 public:
  Interleave(const Window& w, const Residue& r, const Epilogue<T>& epilogue, size_t image, T* sums)
      : w_(w), r_(r), epilogue_(epilogue), image_(image), sums_(sums) {}
  bool starts() const override { return epilogue_.starts(); }
  void start(size_t batch, size_t m, size_t, size_t count, T* values) const override {
    epilogue_.start(image_ * w_.groups + batch, m, 0, count, values);
  }
  void row(size_t batch, size_t m, size_t n, size_t count, T* values) const override {
    T* const to = sums_ + (batch * w_.outputs_a_group() + m) * sums_pitch(w_);
    for (size_t done = 0; done < count;) {  // runs of one line
      const size_t pixel = n + done, line = pixel / r_.count[2], column = pixel % r_.count[2];
      const size_t run = std::min(count - done, r_.count[2] - column);
      const size_t y = r_.first[1] + line % r_.count[1] * w_.stride[1];
      const size_t z = r_.first[0] + line / r_.count[1] * w_.stride[0];
      T* x = to + (z * w_.out[1] + y) * w_.out[2] + r_.first[2] + column * w_.stride[2];
      for (size_t i = 0; i < run; ++i, x += w_.stride[2]) *x = values[done + i];
      done += run;
    }
  }

 private:
  const Window& w_;
  const Residue& r_;
  const Epilogue<T>& epilogue_;
  size_t image_;
  T* sums_;
};

template <class T>
void pad_channel(const Window& w, const Layout& layout, const ir::Tensor& x, size_t begin, const num::Policy& policy,
                 T* to) {
  std::fill(to, to + layout.channel, T{0});
  for (size_t line = 0; line < w.in[0] * w.in[1]; ++line) {
    T* row = to + (layout.front[0] + line / w.in[1]) * layout.plane + (layout.front[1] + line % w.in[1]) * layout.row +
             layout.front[2];
    widen<T>(x.bytes(), x.elem(), begin + line * w.in[2], w.in[2], row);
    if (rounds_operands(policy)) round_operands(row, w.in[2], policy);
  }
}

/// The smallest magnitude that is not zero.
template <class T>
T smallest_of(const T* x, size_t n) {
  T least = std::numeric_limits<T>::infinity();
  for (size_t i = 0; i < n; ++i)
    if (x[i] != 0 && std::fabs(x[i]) < least) least = std::fabs(x[i]);
  return least;
}

/// Taps outside of the input were multiplied by +0, and are to be skipped: see skip_padding.h. `weights` are
/// [channels][outputs a group][taps].
template <class T>
class SkipOutside {
 public:
  SkipOutside(const num::Policy& policy, const Window& w, const Layout& layout, const T* weights, size_t size)
      : policy_(policy), w_(w), layout_(layout), weights_(weights), non_finite_(w.outputs) {
    smallest_ = smallest_of(weights, size);
    for (size_t i = 0; i < size; ++i)
      if (!std::isfinite(weights[i])) non_finite_[output_of(i / w.taps())] = true;
  }

  /// The sums of one output channel before they go on; `least` is the smallest magnitude in the input.
  void mend(const Epilogue<T>& epilogue, const T* padded, T least, size_t image, size_t output, T* sums) const {
    const bool zeros = epilogue.starts() || may_underflow(least, smallest_, policy_);
    if (!skips(policy_.accumulator) || !(zeros || non_finite_[output])) return;
    constexpr auto kCompute = sizeof(T) == 4 ? num::FormatId::float32 : num::FormatId::float64;
    std::vector<double> x, weights;
    for (size_t pixel = 0; pixel < w_.pixels(); ++pixel) {
      if ((!non_finite_[output] && sums[pixel] != 0) || !terms(output, pixel, padded, x, weights)) continue;
      T start{0};
      if (epilogue.starts())
        epilogue.start(image * w_.groups + output / w_.outputs_a_group(), output % w_.outputs_a_group(), 0, 1, &start);
      sums[pixel] = static_cast<T>(num::dot_reference(policy_.accumulator, kCompute, weights.data(), x.data(), x.size(),
                                                      static_cast<double>(start)));
    }
  }

 private:
  size_t output_of(size_t row) const {  // of [channels][outputs a group]
    return row / w_.outputs_a_group() / w_.channels_a_group() * w_.outputs_a_group() + row % w_.outputs_a_group();
  }

  /// What an output is the sum of; false where all taps that reach it lie inside.
  bool terms(size_t output, size_t pixel, const T* padded, std::vector<double>& x, std::vector<double>& weights) const {
    const Window::Axes o = {pixel / w_.out[2] / w_.out[1], pixel / w_.out[2] % w_.out[1], pixel % w_.out[2]};
    Window::Axes first{};
    for (size_t axis = 0; axis < 3; ++axis) first[axis] = o[axis] % w_.stride[axis];
    const Residue r = residue_of(w_, layout_, first);
    std::vector<size_t> inside;
    for (size_t i = 0; i < r.taps.size(); ++i)
      if (is_inside(o, r.taps[i])) inside.push_back(i);
    if (inside.size() == r.taps.size()) return false;
    const size_t channels = w_.channels_a_group(), group = output / w_.outputs_a_group();
    const size_t corner = o[0] / w_.stride[0] * layout_.plane + o[1] / w_.stride[1] * layout_.row + o[2] / w_.stride[2];
    x.clear();
    weights.clear();
    for (size_t channel = group * channels; channel < (group + 1) * channels; ++channel) {
      for (const size_t i : inside) {
        x.push_back(padded[channel * layout_.channel + corner + r.offsets[i]]);
        weights.push_back(
            weights_[(channel * w_.outputs_a_group() + output % w_.outputs_a_group()) * w_.taps() + r.taps[i]]);
      }
    }
    return true;
  }

  bool is_inside(const Window::Axes& o, size_t tap) const {
    for (size_t axis = 3; axis-- > 0; tap /= w_.kernel[axis]) {
      const int64_t at = shift(w_, axis, o[axis], tap % w_.kernel[axis]);
      if (numerator(w_, axis, o[axis], tap % w_.kernel[axis]) < 0 || at >= static_cast<int64_t>(w_.in[axis]))
        return false;
    }
    return true;
  }

  const num::Policy& policy_;
  const Window& w_;
  const Layout& layout_;
  const T* weights_;
  std::vector<bool> non_finite_;  ///< by output channel
  T smallest_;
};

template <class T>
void convolve_as(KernelContext& c, const Window& w) {
  const Layout layout = layout_of(w);
  const ir::Tensor &x = c.in(0), &weights = c.in(1);
  const auto size = static_cast<size_t>(weights.size());
  AlignedArray<T> wide(size), padded(w.channels * layout.channel + kOverrun), sums(w.outputs * sums_pitch(w));
  widen<T>(weights.bytes(), weights.elem(), 0, size, wide.data());
  if (rounds_operands(c.policy())) round_operands(wide.data(), size, c.policy());
  Epilogue<T> epilogue(c, w.outputs_a_group(), w.pixels(), Channels::rows, w.outputs);
  if (c.has(2))
    epilogue.set_addend({.tensor = &c.in(2), .per_batch = w.outputs_a_group(), .batches = w.groups, .per_row = 1});
  const SkipOutside<T> skipping(c.policy(), w, layout, wide.data(), size);
  Product<T> product;
  product.batches = w.groups, product.m = w.outputs_a_group();
  product.policy = &c.policy();
  product.kernels = kernels_for<T>(c.policy(), operands_of(c.policy(), x.elem(), weights.elem()));
  for (size_t image = 0; image < w.images; ++image) {
    c.threads.for_each(w.channels, 1 + 16384 / (layout.channel + 1), [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i)
        pad_channel(w, layout, x, (image * w.channels + i) * w.in_pixels(), c.policy(),
                    padded.data() + i * layout.channel);
    });
    Window::Axes first{};
    for (first[0] = 0; first[0] < std::min(w.stride[0], w.out[0]); ++first[0]) {
      for (first[1] = 0; first[1] < std::min(w.stride[1], w.out[1]); ++first[1]) {
        for (first[2] = 0; first[2] < std::min(w.stride[2], w.out[2]); ++first[2]) {
          const Residue r = residue_of(w, layout, first);
          const TapSource<T> taps(w, r, wide.data(), product.kernels.mr);
          const ResiduePixels<T> pixels(w, layout, r, padded.data(), product.kernels.nr);
          const Interleave<T> finish(w, r, epilogue, image, sums.data());
          product.n = r.count[0] * r.count[1] * r.count[2], product.k = w.channels_a_group() * r.taps.size();
          product.a = &taps, product.b = &pixels, product.finish = &finish;
          run(product, c.threads);
        }
      }
    }
    const T least = smallest_of(padded.data(), w.channels * layout.channel);
    c.threads.for_each(w.outputs, 1 + 16384 / w.pixels(), [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        T* const row = sums.data() + i * sums_pitch(w);
        skipping.mend(epilogue, padded.data(), least, image, i, row);
        epilogue.row(image * w.groups + i / w.outputs_a_group(), i % w.outputs_a_group(), 0, w.pixels(), row);
      }
    });
  }
}

}  // namespace

Status convolve_transposed(KernelContext& c, const Window& window) {
  if (window.images == 0 || window.outputs == 0 || window.pixels() == 0) return {};
  if (computes_float64(c)) {
    convolve_as<double>(c, window);
  } else {
    convolve_as<float>(c, window);
  }
  return {};
}

}  // namespace assay::ops::contraction

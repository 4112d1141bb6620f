#include "ops/contraction/convolution.h"

#include <algorithm>
#include <cmath>

#include "ops/contraction/epilogue.h"
#include "ops/contraction/few_columns.h"
#include "ops/contraction/few_pixels.h"
#include "ops/contraction/gather.h"
#include "ops/contraction/matrix_product.h"
#include "ops/contraction/skip_padding.h"
#include "ops/contraction/weights.h"

namespace assay::ops::contraction {
namespace {

template <class T>
struct Packed {
  std::unique_ptr<Weights<T>> weights;
  mutable std::unique_ptr<PackedOperand<T>> other;  ///< panels of another width, from the first use on

  const PackedOperand<T>& panels(size_t width, const ir::Tensor& of, const KernelContext& c) const {
    if (weights->panels->width() == width) return *weights->panels;
    if (!other || other->width() != width) other = pack_panels<T>(of, weights->groups, width, c.policy(), c.threads);
    return *other;
  }
};

struct PreparedWeights {
  Packed<float> narrow;
  Packed<double> wide;
  template <class T>
  const Packed<T>* get() const {
    const auto* packed = [&] {
      if constexpr (sizeof(T) == 4) {
        return &narrow;
      } else {
        return &wide;
      }
    }();
    return packed->weights ? packed : nullptr;
  }
};

/// One input channel a group and the plain chain: the depthwise kernel takes it.
bool depthwise(size_t channels_a_group, size_t groups, const num::Policy& policy) {
  return channels_a_group == 1 && groups > 1 && policy.accumulator == num::Accumulator{};
}

/// `pixels` of the output, or 0 where they are not known.
template <class T>
Packed<T> packed(const ir::Tensor& weights, size_t groups, size_t pixels, const num::Policy& policy,
                 const Threads& threads) {
  const KernelSet<T> kernels = kernels_for<T>(policy, operands_of(policy, weights.elem(), weights.elem()));
  const bool few = pixels > 0 && few_pixels_pay(pixels, kernels.nr, policy);
  const bool plain = depthwise(static_cast<size_t>(weights.dims()[1]), groups, policy);
  const size_t width = plain ? 0 : few ? kLanesPanel : kernels.mr;
  return {std::make_unique<Weights<T>>(pack_weights<T>(weights, groups, width, policy, threads)), nullptr};
}

size_t known_pixels(const ir::Type& out) {
  if (!out.ranked() || out.shape->size() < 3) return 0;
  size_t pixels = 1;
  for (size_t i = 2; i < out.shape->size(); ++i) {
    const int64_t extent = (*out.shape)[i].value;
    if (extent < 1 || extent > 1 << 20) return 0;
    pixels *= static_cast<size_t>(extent);
  }
  return pixels;
}

/// Panels of pixels out of padded inputs.
template <class T>
class PixelSource final : public PanelSource<T> {
 public:
  PixelSource(const Window& w, const PaddedLayout& layout, const T* padded, size_t width)
      : w_(w), layout_(layout), padded_(padded), width_(width) {}

  const T* panel(size_t batch, size_t first, size_t count, size_t k0, size_t kc, T* to) const override {
    Segment segments[64];
    size_t n = 0;
    for (size_t done = 0; done < count; ++n) {
      const size_t pixel = first + done, column = pixel % w_.out[2], line = pixel / w_.out[2];
      const size_t run = std::min(count - done, w_.out[2] - column);
      const size_t from =
          line / w_.out[1] * w_.stride[0] * layout_.plane + line % w_.out[1] * w_.stride[1] * layout_.row + column;
      segments[n] = {done, run, from};
      done += run;
    }
    const T* input = padded_ + batch * w_.channels_a_group() * layout_.channel;  // images, groups, channels: in order
    gather_panel(input, {segments, n}, layout_.channel, layout_.taps, k0, kc, width_, to);
    return to;
  }

 private:
  const Window& w_;
  const PaddedLayout& layout_;
  const T* padded_;
  size_t width_;
};

/// Batches of a pass over some images: shifts what the epilogue sees.
template <class T>
class FromImage final : public Finish<T> {
 public:
  FromImage(const Finish<T>& inner, size_t first_batch) : inner_(inner), first_(first_batch) {}
  bool starts() const override { return inner_.starts(); }
  void start(size_t batch, size_t m, size_t n, size_t count, T* values) const override {
    inner_.start(first_ + batch, m, n, count, values);
  }
  void row(size_t batch, size_t m, size_t n, size_t count, T* values) const override {
    inner_.row(first_ + batch, m, n, count, values);
  }

 private:
  const Finish<T>& inner_;
  size_t first_;
};

template <class T>
struct Job {
  KernelContext& c;
  const Window& w;
  const Weights<T>& weights;
  const Epilogue<T>& epilogue;
};

template <class T>
void run_pointwise(const Job<T>& job, Product<T> product) {
  const Window& w = job.w;
  const ir::Tensor& x = job.c.in(0);
  const MatrixView view{x.bytes(), x.elem(), 0, w.pixels(), 1};
  std::vector<size_t> offsets(w.images * w.groups);
  for (size_t i = 0; i < offsets.size(); ++i) offsets[i] = i * w.channels_a_group() * w.pixels();
  const MatrixSource<T> pixels(view, offsets, product.kernels.nr, job.c.policy());
  product.batches = w.images * w.groups;
  product.b = &pixels;
  product.finish = &job.epilogue;
  run(product, job.c.threads);
}

constexpr size_t kPassElements = size_t{1} << 22;  // padded inputs held at once: images join a pass up to here

template <class T>
void run_general(const Job<T>& job, Product<T> product) {
  const Window& w = job.w;
  const PaddedLayout layout(w);
  const ir::Tensor& x = job.c.in(0);
  const size_t image = w.channels * layout.channel;
  const size_t together = std::clamp<size_t>(kPassElements / std::max<size_t>(image, 1), 1, w.images);
  AlignedArray<T> padded(together * image + kOverrun);
  std::vector<T> smallest(together * w.channels);
  for (size_t first = 0; first < w.images; first += together) {
    const size_t images = std::min(together, w.images - first);
    const size_t grain = 1 + 16384 / (layout.channel + 1);
    job.c.threads.for_each(images * w.channels, grain, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i)
        smallest[i] = fill_padded(w, layout, x.bytes(), x.elem(), (first * w.channels + i) * w.in_pixels(),
                                  job.c.policy(), padded.data() + i * layout.channel);
    });
    const PixelSource<T> pixels(w, layout, padded.data(), product.kernels.nr);
    const T least = *std::min_element(smallest.begin(), smallest.begin() + static_cast<ptrdiff_t>(images * w.channels));
    const SkipPadding<T> skipping(job.c.policy(), w, layout, job.weights, padded.data(), first * w.channels, least,
                                  job.epilogue);
    const FromImage<T> finish(skipping, first * w.groups);
    product.batches = images * w.groups;
    product.b = &pixels;
    product.finish = &finish;
    run(product, job.c.threads);
  }
}

template <class T>
void run_depthwise(const Job<T>& job) {
  const Window& w = job.w;
  const PaddedLayout layout(w);
  const ir::Tensor& x = job.c.in(0);
  const size_t rows_a_run = std::max<size_t>(1, 512 / w.out[2]), lines = w.out[0] * w.out[1];
  const size_t work = w.pixels() * (w.taps() + 4);
  job.c.threads.for_each(w.images * w.outputs, 1 + 32768 / work, [&](size_t begin, size_t end) {
    T* const padded = scratch<T>(1, layout.channel + kOverrun);
    T* const out = scratch<T>(0, rows_a_run * w.out[2] + kOverrun);
    for (size_t i = begin; i < end; ++i) {
      const size_t image = i / w.outputs, m = i % w.outputs, channel = m / w.outputs_a_group();
      const T least = fill_padded(w, layout, x.bytes(), x.elem(), (image * w.channels + channel) * w.in_pixels(),
                                  job.c.policy(), padded);
      const SkipPadding<T> finish(job.c.policy(), w, layout, job.weights, padded, image * w.channels + channel, least,
                                  job.epilogue);
      const size_t batch = image * w.groups + channel, row = m % w.outputs_a_group();
      const T* const weights = job.weights.plain.data() + m * w.taps();
      const size_t pitch = w.stride[1] * layout.row;
      T start{0};
      if (job.epilogue.starts()) job.epilogue.start(batch, row, 0, 1, &start);
      for (size_t line = 0; line < lines; line += rows_a_run) {
        const size_t count = std::min(rows_a_run, lines - line);
        for (size_t done = 0, rows = 0; done < count; done += rows) {
          const size_t y = line + done, at = y / w.out[1] * w.stride[0] * layout.plane;
          rows = std::min(count - done, w.out[1] - y % w.out[1]);  // of one plane
          depthwise_rows(padded + at + y % w.out[1] * pitch, pitch, rows, layout.taps, weights, start, w.out[2],
                         out + done * w.out[2]);
        }
        finish.row(batch, row, line * w.out[2], count * w.out[2], out);
      }
    }
  });
}

template <class T>
void convolve_as(KernelContext& c, const Window& w) {
  const auto* prepared = static_cast<const PreparedWeights*>(c.prepared);
  const Packed<T>* ready = prepared ? prepared->get<T>() : nullptr;
  const KernelSet<T> kernels = kernels_for<T>(c.policy(), operands_of(c.policy(), c.in(0).elem(), c.in(1).elem()));
  Packed<T> own;
  if (!ready) own = packed<T>(c.in(1), w.groups, 0, c.policy(), c.threads);
  const Packed<T>& both = ready ? *ready : own;
  const Weights<T>& weights = *both.weights;
  Epilogue<T> epilogue(c, w.outputs_a_group(), w.pixels(), Channels::rows, w.outputs);
  if (c.has(2))
    epilogue.set_addend({.tensor = &c.in(2), .per_batch = w.outputs_a_group(), .batches = w.groups, .per_row = 1});
  const Job<T> job{c, w, weights, epilogue};
  if (!weights.panels) return run_depthwise(job);
  const auto few = [&]() -> const PackedOperand<T>& { return both.panels(kLanesPanel, c.in(1), c); };
  if (ready && few_pixels_pay(w.pixels(), kernels.nr, c.policy()) &&
      convolve_few_pixels<T>(c, w, weights, few, epilogue))
    return;
  Product<T> product;
  product.m = w.outputs_a_group(), product.n = w.pixels(), product.k = w.channels_a_group() * w.taps();
  product.a = &both.panels(kernels.mr, c.in(1), c);
  product.a_packed = true;
  product.policy = &c.policy();
  product.kernels = kernels;
  if (w.pointwise()) return run_pointwise(job, product);
  run_general(job, product);
}

}  // namespace

Result<std::shared_ptr<const void>> prepare_weights(PrepareContext& c, const ir::Tensor& weights, size_t groups) {
  auto prepared = std::make_shared<PreparedWeights>();
  const size_t pixels = c.op.outputs[0] == ir::kNoValue ? 0 : known_pixels(c.graph.at(c.op.outputs[0]).type);
  if (prepares_float64(c)) {
    prepared->wide = packed<double>(weights, groups, pixels, c.op.policy, c.threads);
  } else {
    prepared->narrow = packed<float>(weights, groups, pixels, c.op.policy, c.threads);
  }
  return std::shared_ptr<const void>(std::move(prepared));
}

Status convolve(KernelContext& c, const Window& window) {
  if (window.images == 0 || window.outputs == 0 || window.pixels() == 0) return {};
  const Window w = window.without_trailing_ones();
  if (computes_float64(c)) {
    convolve_as<double>(c, w);
  } else {
    convolve_as<float>(c, w);
  }
  return {};
}

}  // namespace assay::ops::contraction

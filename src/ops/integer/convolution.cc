#include "ops/integer/convolution.h"

#include <algorithm>

#include "ops/product_shape.h"

namespace assay::ops::integer {
namespace {

constexpr size_t kPixels = 4 * kPanel;  ///< positions of a plane that are gathered together

struct Plan {
  size_t images, channels, outputs;  ///< channels and outputs of one group
  size_t taps, depth, pairs;         ///< of the kernel; taps * channels; half of that, rounded up
  size_t in_plane, out_plane;
};

/// Weights as rows of multiply_tile, zero points taken off.
std::vector<int16_t> pack_weights(const IntegerConvolution& p, const Plan& plan) {
  std::vector<int16_t> rows(plan.outputs * p.groups * plan.pairs * 2);
  for (size_t m = 0; m < plan.outputs * p.groups; ++m) {
    const int zero = p.w_zeros.at(0, m);
    for (size_t k = 0; k < plan.depth; ++k) {
      const auto at = static_cast<int64_t>(m * plan.depth + k);
      rows[m * plan.pairs * 2 + k] = static_cast<int16_t>(p.w->int_at(at) - zero);
    }
  }
  return rows;
}

/// For each tap of the kernel and each of `count` output positions from `begin`: where in the plane of a channel it
/// reads, or -1 in the padding.
void find_taps(const IntegerConvolution& p, const Plan& plan, size_t begin, size_t count, std::vector<int64_t>& from) {
  const size_t rank = p.window.axes.size();
  ir::Dims tap(rank), at(rank);
  for (size_t t = 0; t < plan.taps; ++t) {
    for (size_t axis = rank, rest = t; axis-- > 0; rest /= static_cast<size_t>(p.window.axes[axis].kernel))
      tap[axis] = static_cast<int64_t>(rest % static_cast<size_t>(p.window.axes[axis].kernel));
    for (size_t i = 0; i < count; ++i) {
      for (size_t axis = rank, rest = begin + i; axis-- > 0; rest /= static_cast<size_t>(p.y[axis + 2]))
        at[axis] = static_cast<int64_t>(rest % static_cast<size_t>(p.y[axis + 2]));
      int64_t offset = 0;
      for (size_t axis = 0; axis < rank && offset >= 0; ++axis) {
        const KernelAxis& a = p.window.axes[axis];
        const int64_t extent = p.x->dims()[axis + 2];
        const int64_t x = at[axis] * a.stride - a.before + tap[axis] * a.dilation;
        offset = x < 0 || x >= extent ? -1 : offset * extent + x;
      }
      from[t * kPixels + i] = offset;
    }
  }
}

template <class T>
void gather(const IntegerConvolution& p, const Plan& plan, size_t first_channel, size_t count,
            const std::vector<int64_t>& from, std::vector<int16_t>& panels) {
  const T* x = p.x->data<T>() + first_channel * plan.in_plane;
  std::fill(panels.begin(), panels.end(), int16_t{0});
  for (size_t channel = 0, k = 0; channel < plan.channels; ++channel, x += plan.in_plane) {
    for (size_t t = 0; t < plan.taps; ++t, ++k) {
      for (size_t i = 0; i < count; ++i) {
        const int64_t at = from[t * kPixels + i];
        if (at < 0) continue;
        panels[(i / kPanel * plan.pairs * kPanel + k / 2 * kPanel + i % kPanel) * 2 + k % 2] =
            static_cast<int16_t>(x[at] - p.x_zero);
      }
    }
  }
}

Plan plan_of(const IntegerConvolution& p) {
  Plan plan{};
  const ir::Dims &x = p.x->dims(), &w = p.w->dims();
  plan.images = static_cast<size_t>(x[0]);
  plan.channels = static_cast<size_t>(w[1]);
  plan.outputs = static_cast<size_t>(w[0]) / p.groups;
  plan.taps = extent_of({w.begin() + 2, w.end()});
  plan.depth = plan.taps * plan.channels;
  plan.pairs = (plan.depth + 1) / 2;
  plan.in_plane = extent_of({x.begin() + 2, x.end()});
  plan.out_plane = extent_of({p.y.begin() + 2, p.y.end()});
  return plan;
}

}  // namespace

void convolve(const IntegerConvolution& p, const Threads& threads, const FinishPixels& finish) {
  const Plan plan = plan_of(p);
  if (plan.out_plane == 0 || plan.images == 0 || plan.outputs == 0) return;
  const std::vector<int16_t> rows = pack_weights(p, plan);
  const size_t blocks = (plan.out_plane + kPixels - 1) / kPixels;
  threads.for_each(plan.images * p.groups * blocks, 1, [&](size_t first, size_t last) {
    std::vector<int64_t> from(plan.taps * kPixels);
    std::vector<int16_t> panels(plan.pairs * 2 * kPixels);
    std::vector<int32_t> sums(kRows * kPixels);
    for (size_t task = first; task < last; ++task) {
      const size_t image = task / (p.groups * blocks), group = task / blocks % p.groups;
      const size_t begin = task % blocks * kPixels, count = std::min(kPixels, plan.out_plane - begin);
      const size_t channel = (image * p.groups + group) * plan.channels;
      find_taps(p, plan, begin, count, from);
      if (p.x->elem() == ir::ElemType::int8)
        gather<int8_t>(p, plan, channel, count, from, panels);
      else
        gather<uint8_t>(p, plan, channel, count, from, panels);
      for (size_t m = 0; m < plan.outputs; m += kRows) {
        const size_t output = group * plan.outputs + m, several = std::min(kRows, plan.outputs - m);
        for (size_t i = 0; i < count; i += kPanel) {
          int32_t tile[kRows * kPanel];
          multiply_tile(rows.data() + output * plan.pairs * 2, plan.pairs * 2, several,
                        panels.data() + i * plan.pairs * 2, plan.pairs, tile);
          for (size_t r = 0; r < several; ++r) std::copy_n(tile + r * kPanel, kPanel, sums.data() + r * kPixels + i);
        }
        for (size_t r = 0; r < several; ++r) finish(image, output + r, begin, count, sums.data() + r * kPixels);
      }
    }
  });
}

}  // namespace assay::ops::integer

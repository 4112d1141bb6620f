#include "ops/integer/convolution.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "ops/product_shape.h"

namespace assay::ops::integer {
namespace {

constexpr int64_t kMostPadded = int64_t{1} << 40;
constexpr size_t kPixels = 4 * kPanel;  ///< positions of a plane that are gathered together

/// A convolution over planes of 16-bit differences that hold their padding: what a tap of the kernel reads for an
/// output position stands at the place of the position plus the offset of the tap.
struct Plan {
  size_t images, channels, outputs;   ///< channels and outputs of one group
  size_t taps, depth, pairs;          ///< of the kernel; taps * channels; half of that, rounded up
  size_t plane, out_plane;            ///< elements of a padded plane and of one of outputs
  int64_t elements;                   ///< the same as `plane`; -1: more than can be counted
  ir::Dims extents, strides;          ///< of the padded planes
  size_t width, step;                 ///< output positions along the last axis, and how far apart they read
  std::vector<int64_t> tap_offsets;   ///< in one plane
  std::vector<int64_t> pair_offsets;  ///< over all channels, an even number of them
};

size_t count_of(const ir::Dims& dims, size_t from) {
  return extent_of({dims.begin() + static_cast<std::ptrdiff_t>(from), dims.end()});
}

void place_taps(const IntegerConvolution& p, Plan& plan) {
  const ir::Dims& w = p.w->dims();
  const size_t rank = w.size() - 2;
  for (size_t t = 0; t < plan.taps; ++t) {
    int64_t offset = 0;
    for (size_t axis = rank, rest = t; axis-- > 0; rest /= static_cast<size_t>(w[axis + 2]))
      offset += static_cast<int64_t>(rest % static_cast<size_t>(w[axis + 2])) * p.window.axes[axis].dilation *
                plan.strides[axis];
    plan.tap_offsets.push_back(offset);
  }
  for (size_t channel = 0; channel < plan.channels; ++channel)
    for (const int64_t tap : plan.tap_offsets)
      plan.pair_offsets.push_back(static_cast<int64_t>(channel * plan.plane) + tap);
  if (plan.depth % 2 != 0) plan.pair_offsets.push_back(plan.pair_offsets.back());  // met by a weight of 0
}

Plan plan_of(const IntegerConvolution& p) {
  Plan plan{};
  const ir::Dims &x = p.x->dims(), &w = p.w->dims();
  const size_t rank = x.size() - 2;
  plan.images = static_cast<size_t>(x[0]);
  plan.channels = static_cast<size_t>(w[1]);
  plan.outputs = static_cast<size_t>(w[0]) / p.groups;
  plan.taps = count_of(w, 2);
  plan.depth = plan.taps * plan.channels;
  plan.pairs = (plan.depth + 1) / 2;
  plan.out_plane = count_of(p.y, 2);
  if (plan.depth == 0 || plan.out_plane == 0) return plan;
  for (size_t axis = 0; axis < rank; ++axis) {
    const KernelAxis& a = p.window.axes[axis];
    plan.extents.push_back((p.y[axis + 2] - 1) * a.stride + (w[axis + 2] - 1) * a.dilation + 1);
  }
  plan.elements = checked_product(plan.extents).value_or(-1);
  if (plan.elements < 0) return plan;
  plan.strides.assign(rank, 1);
  for (size_t axis = rank; axis-- > 1;) plan.strides[axis - 1] = plan.strides[axis] * plan.extents[axis];
  plan.plane = static_cast<size_t>(plan.elements);
  plan.width = static_cast<size_t>(p.y.back());
  plan.step = static_cast<size_t>(p.window.axes.back().stride);
  place_taps(p, plan);
  return plan;
}

/// Codes minus `zero`.
void widen(const ir::Tensor& t, size_t at, size_t n, int zero, int16_t* to) {
  if (t.elem() == ir::ElemType::int8)
    widen_codes(t.data<int8_t>() + at, zero, to, n);
  else
    widen_codes(t.data<uint8_t>() + at, zero, to, n);
}

/// Weights as rows of multiply_tile, zero points taken off.
std::vector<int16_t> pack_weights(const IntegerConvolution& p, const Plan& plan) {
  std::vector<int16_t> rows(plan.outputs * p.groups * plan.pairs * 2);
  for (size_t m = 0; m < plan.outputs * p.groups; ++m)
    widen(*p.w, m * plan.depth, plan.depth, p.w_zeros.at(0, m), rows.data() + m * plan.pairs * 2);
  return rows;
}

/// One channel of one image as a padded plane, row by row.
void pad_plane(const IntegerConvolution& p, const Plan& plan, size_t channel, int16_t* to) {
  std::fill_n(to, plan.plane, int16_t{0});
  const ir::Dims& x = p.x->dims();
  const size_t rank = plan.extents.size();
  const int64_t in_width = x.back(), before = p.window.axes.back().before;
  const int64_t first = std::max<int64_t>(0, -before), last = std::min(in_width, plan.extents.back() - before);
  if (first >= last) return;
  const size_t rows = plan.plane / static_cast<size_t>(plan.extents.back());
  for (size_t row = 0; row < rows; ++row) {
    int64_t from = 0, scale = 1;
    bool inside = true;
    for (size_t axis = rank - 1, rest = row; axis-- > 0; rest /= static_cast<size_t>(plan.extents[axis])) {
      const int64_t at =
          static_cast<int64_t>(rest % static_cast<size_t>(plan.extents[axis])) - p.window.axes[axis].before;
      inside = inside && at >= 0 && at < x[axis + 2];
      from += at * scale;
      scale *= x[axis + 2];
    }
    if (!inside) continue;
    const size_t at = channel * count_of(x, 2) + static_cast<size_t>(from * in_width + first);
    widen(*p.x, at, static_cast<size_t>(last - first), p.x_zero,
          to + static_cast<int64_t>(row) * plan.extents.back() + before + first);
  }
}

/// Where output position `i` of a plane reads.
int64_t place_of(const IntegerConvolution& p, const Plan& plan, size_t i) {
  int64_t place = 0;
  for (size_t axis = plan.extents.size(); axis-- > 0; i /= static_cast<size_t>(p.y[axis + 2]))
    place +=
        static_cast<int64_t>(i % static_cast<size_t>(p.y[axis + 2])) * p.window.axes[axis].stride * plan.strides[axis];
  return place;
}

/// Whether what reads at a fixed distance may be read in vectors.
bool in_vectors(const Plan& plan) { return plan.step <= 2; }

/// Columns [first, last) of a panel: positions that lie in one row, the first at `from`. `room` holds a panel.
void pack_columns(const Plan& plan, const int16_t* from, size_t first, size_t last, int16_t* room, int16_t* panel) {
  if (first == 0 && last == kPanel) return pack_panel(from, plan.step, plan.pair_offsets.data(), plan.pairs, panel);
  pack_panel(from, plan.step, plan.pair_offsets.data(), plan.pairs, room);
  for (size_t p = 0; p < plan.pairs; ++p)
    std::copy_n(room + p * 2 * kPanel, 2 * (last - first), panel + (p * kPanel + first) * 2);
}

/// The same one element after the other.
void gather_columns(const Plan& plan, const int16_t* from, size_t first, size_t last, int16_t* panel) {
  for (size_t k = 0; k < 2 * plan.pairs; ++k) {
    int16_t* to = panel + k / 2 * 2 * kPanel + k % 2;
    for (size_t i = first; i < last; ++i)
      to[2 * i] = from[plan.pair_offsets[k] + static_cast<int64_t>((i - first) * plan.step)];
  }
}

/// `count` positions from `begin`, as panels. What is in columns behind the last position does not matter.
void gather(const IntegerConvolution& p, const Plan& plan, const int16_t* planes, size_t begin, size_t count,
            std::vector<int16_t>& panels) {
  std::vector<int16_t> room(in_vectors(plan) ? plan.pairs * 2 * kPanel : 0);
  for (size_t start = 0; start < count; start += kPanel) {
    int16_t* panel = panels.data() + start * plan.pairs * 2;
    const size_t n = std::min(kPanel, count - start);
    for (size_t first = 0; first < n;) {
      const size_t position = begin + start + first, row = plan.width - position % plan.width;
      const size_t last = std::min(n, first + row);
      const int16_t* from = planes + place_of(p, plan, position);
      if (in_vectors(plan))
        pack_columns(plan, from, first, row >= kPanel - first ? kPanel : last, room.data(), panel);
      else
        gather_columns(plan, from, first, last, panel);
      first = last;
    }
  }
}

/// All sums of one output of a group of one channel.
void sum_plane(const IntegerConvolution& p, const Plan& plan, const int16_t* plane, const int16_t* weights,
               int32_t* sums) {
  for (size_t begin = 0; begin < plan.out_plane; begin += plan.width) {
    const int16_t* from = plane + place_of(p, plan, begin);
    if (in_vectors(plan)) {
      sum_taps(from, plan.step, plan.tap_offsets.data(), weights, plan.taps, sums + begin, plan.width);
      continue;
    }
    for (size_t i = 0; i < plan.width; ++i) {
      uint32_t sum = 0;
      for (size_t t = 0; t < plan.taps; ++t)
        sum += static_cast<uint32_t>(weights[t] * from[static_cast<int64_t>(i * plan.step) + plan.tap_offsets[t]]);
      sums[begin + i] = static_cast<int32_t>(sum);
    }
  }
}

/// Outputs of one group for `count` positions from `begin`; `planes` are the group's.
void multiply_pixels(const Plan& plan, const std::vector<int16_t>& rows, const std::vector<int16_t>& panels,
                     size_t image, size_t group, size_t begin, size_t count, std::vector<int32_t>& sums,
                     const FinishPixels& finish) {
  for (size_t m = 0; m < plan.outputs; m += kRows) {
    const size_t output = group * plan.outputs + m, several = std::min(kRows, plan.outputs - m);
    for (size_t i = 0; i < count; i += kPanel) {
      int32_t tile[kRows * kPanel];
      multiply_tile(rows.data() + output * plan.pairs * 2, plan.pairs * 2, several, panels.data() + i * plan.pairs * 2,
                    plan.pairs, tile);
      for (size_t r = 0; r < several; ++r) std::copy_n(tile + r * kPanel, kPanel, sums.data() + r * kPixels + i);
    }
    for (size_t r = 0; r < several; ++r) finish(image, output + r, begin, count, sums.data() + r * kPixels);
  }
}

}  // namespace

Status convolve(const IntegerConvolution& p, const Threads& threads, const FinishPixels& finish) {
  const Plan plan = plan_of(p);
  if (plan.out_plane == 0 || plan.images == 0 || plan.outputs == 0) return {};
  if (plan.depth == 0) {
    const std::vector<int32_t> zeros(plan.out_plane);
    for (size_t i = 0; i < plan.images * plan.outputs * p.groups; ++i)
      finish(i / (plan.outputs * p.groups), i % (plan.outputs * p.groups), 0, plan.out_plane, zeros.data());
    return {};
  }
  const auto padded = checked_product(ir::Dims{static_cast<int64_t>(plan.channels * p.groups), plan.elements});
  if (plan.elements < 0 || !padded || *padded > kMostPadded)
    return Error{Code::limit_exceeded, "the padded input has more elements than can be", "",
                 "check the pads and strides of the model"};
  const std::vector<int16_t> rows = pack_weights(p, plan);
  const size_t channels = plan.channels * p.groups, blocks = (plan.out_plane + kPixels - 1) / kPixels;
  // Under the process's limit, as results are.
  ir::Tensor room = ir::Tensor::allocate(ir::ElemType::int16, {*padded + static_cast<int64_t>(kSlack)});
  auto* planes = room.mutable_data<int16_t>();
  std::fill_n(planes + *padded, kSlack, int16_t{0});
  for (size_t image = 0; image < plan.images; ++image) {
    threads.for_each(channels, 1 + 16384 / plan.plane, [&](size_t first, size_t last) {
      for (size_t c = first; c < last; ++c) pad_plane(p, plan, image * channels + c, planes + c * plan.plane);
    });
    if (plan.channels == 1) {
      threads.for_each(plan.outputs * p.groups, 1 + 16384 / plan.out_plane, [&](size_t first, size_t last) {
        std::vector<int32_t> sums(plan.out_plane + kSlack);
        for (size_t m = first; m < last; ++m) {
          sum_plane(p, plan, planes + m / plan.outputs * plan.plane, rows.data() + m * plan.pairs * 2, sums.data());
          finish(image, m, 0, plan.out_plane, sums.data());
        }
      });
      continue;
    }
    threads.for_each(p.groups * blocks, 1, [&](size_t first, size_t last) {
      std::vector<int16_t> panels(plan.pairs * 2 * kPixels);
      std::vector<int32_t> sums(kRows * kPixels);
      for (size_t task = first; task < last; ++task) {
        const size_t group = task / blocks, begin = task % blocks * kPixels;
        const size_t count = std::min(kPixels, plan.out_plane - begin);
        gather(p, plan, planes + group * plan.channels * plan.plane, begin, count, panels);
        multiply_pixels(plan, rows, panels, image, group, begin, count, sums, finish);
      }
    });
  }
  return {};
}

}  // namespace assay::ops::integer

// Poolings row by row: all outputs of one row of the last axis at once, so that every step is a span operation.
#pragma once
#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "num/arith.h"
#include "ops/code_spans.h"
#include "ops/elementwise.h"
#include "ops/window.h"

namespace assay::ops {

/// n elements of `t` from `begin` as T, whatever they are stored as (8-bit integers too).
template <class T>
const T* load_values(const ir::Tensor& t, int64_t begin, size_t n, T* buffer) {
  if (ir::is_float(t.elem())) return load(t, begin, n, buffer);
  if constexpr (std::is_same_v<T, float>) {
    if (t.elem() == ir::ElemType::uint8) return differences_of(t.data<uint8_t>() + begin, 0, buffer, n), buffer;
    if (t.elem() == ir::ElemType::int8) return differences_of(t.data<int8_t>() + begin, 0, buffer, n), buffer;
  }
  for (size_t i = 0; i < n; ++i) buffer[i] = static_cast<T>(t.int_at(begin + static_cast<int64_t>(i)));
  return buffer;
}

template <class T>
void store_values(ir::Tensor& t, int64_t begin, size_t n, T* values, const num::Policy& policy) {
  if (ir::is_float(t.elem())) return store(t, begin, n, values, policy);
  if constexpr (std::is_same_v<T, float>) {
    if (t.elem() == ir::ElemType::uint8) return codes_of(values, 0, t.mutable_data<uint8_t>() + begin, n);
    if (t.elem() == ir::ElemType::int8) return codes_of(values, 0, t.mutable_data<int8_t>() + begin, n);
  }
  for (size_t i = 0; i < n; ++i) t.set_int(begin + static_cast<int64_t>(i), static_cast<int64_t>(values[i]));
}

/// A row of the input, padded as the windows of one output row need it and split by the stride's phases, so that tap k
/// of all windows is one contiguous span.
template <class T>
class PhasedRow {
 public:
  PhasedRow(const WindowAxis& axis, T padding) : axis_(axis), padding_(padding), width_(width_of(axis)) {
    length_ = (width_ + axis_.stride - 1) / axis_.stride;
    direct_ = axis_.stride == 1 && axis_.begin == 0 && width_ <= axis_.in;
    if (!direct_) data_.assign(static_cast<size_t>(length_ * axis_.stride), padding);
  }

  /// From the first element of the first window to the last of the last.
  static int64_t width_of(const WindowAxis& axis) {
    return (axis.out - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1;
  }

  void set(const T* row) {
    row_ = row;
    if (direct_) return;
    const int64_t n = std::min(axis_.in, width_ - axis_.begin);  // what lies in the padded row
    if (axis_.stride == 1) {
      std::copy_n(row, std::max<int64_t>(n, 0), data_.data() + axis_.begin);
      return;
    }
    for (int64_t p = 0; p < axis_.stride; ++p) {
      // Positions x + begin = i * stride + p.
      const int64_t i0 = p >= axis_.begin ? 0 : (axis_.begin - p + axis_.stride - 1) / axis_.stride;
      const int64_t x0 = i0 * axis_.stride + p - axis_.begin;
      const int64_t count = x0 < n ? (n - x0 - 1) / axis_.stride + 1 : 0;
      T* to = data_.data() + p * length_ + i0;
      const T* from = row + x0;
      if (axis_.stride == 2)
        for (int64_t i = 0; i < count; ++i) to[i] = from[2 * i];
      else
        for (int64_t i = 0; i < count; ++i) to[i] = from[i * axis_.stride];
    }
  }

  /// Tap k of the windows of outputs 0, 1, ...
  const T* tap(int64_t k) const {
    const int64_t at = k * axis_.dilation;
    if (direct_) return row_ + at;
    return data_.data() + at % axis_.stride * length_ + at / axis_.stride;
  }

 private:
  WindowAxis axis_;
  T padding_;
  int64_t width_, length_ = 0;
  bool direct_ = false;
  const T* row_ = nullptr;
  std::vector<T> data_;
};

/// One row of outputs: its place among the axes before the last.
struct PoolRow {
  int64_t in_plane;   ///< first element of the input's (batch, channel) plane
  int64_t out_begin;  ///< first element of the row in the output
  const ir::Dims& index;
};

/// Calls body(input row's offset in the plane) for each kernel position of the axes before the last that lies in the
/// input, ascending.
template <class Body>
void for_each_input_row(const std::vector<WindowAxis>& axes, const ir::Dims& index, const Body& body) {
  const size_t outer = axes.size() - 1;
  ir::Dims lo(outer), hi(outer);
  for (size_t k = 0; k < outer; ++k) {
    std::tie(lo[k], hi[k]) = axes[k].taps(index[k]);
    if (lo[k] == hi[k]) return;
  }
  ir::Dims tap = lo;
  for (;;) {
    int64_t at = 0;
    for (size_t k = 0; k < outer; ++k) at = at * axes[k].in + axes[k].first(index[k]) + tap[k] * axes[k].dilation;
    body(at * axes.back().in);
    size_t k = outer;
    while (k > 0 && ++tap[k - 1] == hi[k - 1]) {
      tap[k - 1] = lo[k - 1];
      --k;
    }
    if (k == 0) return;
  }
}

/// Runs make_worker()(PoolRow) over all rows of the output, in parallel over (batch, channel) planes.
template <class MakeWorker>
void for_each_pool_row(KernelContext& c, const std::vector<WindowAxis>& axes, const MakeWorker& make_worker) {
  const ir::Tensor &in = c.in(0), &out = c.outputs[0];
  if (out.size() == 0) return;
  const int64_t planes = in.dims()[0] * in.dims()[1], in_plane = in.size() / planes, out_plane = out.size() / planes;
  const int64_t rows = out_plane / axes.back().out;
  const auto grain = static_cast<size_t>(std::max<int64_t>(1, 8192 / std::max<int64_t>(in_plane, 1)));
  c.threads.for_each(static_cast<size_t>(planes), grain, [&](size_t begin, size_t end) {
    auto worker = make_worker();
    ir::Dims index(axes.size() - 1);
    for (auto p = static_cast<int64_t>(begin); p < static_cast<int64_t>(end); ++p) {
      for (int64_t r = 0; r < rows; ++r) {
        int64_t rest = r;
        for (size_t k = index.size(); k-- > 0;) {
          index[k] = rest % axes[k].out;
          rest /= axes[k].out;
        }
        worker(PoolRow{p * in_plane, p * out_plane + r * axes.back().out, index});
      }
    }
  });
}

/// Geometry for the input at hand.
inline Result<std::vector<WindowAxis>> pool_axes(const KernelContext& c) {
  const ir::Dims& dims = c.in(0).dims();
  if (dims.size() < 3) return c.fail(Code::model_invalid, "the input has no spatial axes");
  auto axes = window_axes(c.op, ir::Dims(dims.begin() + 2, dims.end()));
  if (!axes.ok()) return c.fail(Code::model_invalid, axes.error().message);
  for (WindowAxis& axis : *axes)
    if (axis.out == 1) axis.stride = 1;  // one window is where it is whatever the stride, by which rows are held
  constexpr int64_t kLongestPadded = int64_t{1} << 26;  // a row is held with its padding
  const int64_t width = PhasedRow<float>::width_of(axes->back());
  if (width > std::max(kLongestPadded, 8 * axes->back().in))
    return c.fail(Code::limit_exceeded, "windows over " + std::to_string(width) + " elements of an axis that has " +
                                            std::to_string(axes->back().in));
  return axes;
}

}  // namespace assay::ops

#include "ops/coreml_sample.h"

#include <algorithm>

#include "ops/span.h"

namespace assay::ops {

std::optional<Surround> surround(std::string_view padding_mode) {
  if (padding_mode == "constant") return Surround::constant;
  if (padding_mode == "border") return Surround::border;
  if (padding_mode == "reflection") return Surround::reflection;
  if (padding_mode == "symmetric") return Surround::symmetric;
  return std::nullopt;
}

int64_t surrounded(int64_t at, int64_t extent, Surround around) {
  if (at >= 0 && at < extent) return at;
  switch (around) {
    case Surround::constant:
      return -1;
    case Surround::border:
      return at < 0 ? 0 : extent - 1;
    case Surround::reflection: {
      const int64_t period = std::max<int64_t>(2 * (extent - 1), 1);
      const int64_t rest = ((at % period) + period) % period;
      return std::min(rest, period - rest) % extent;
    }
    case Surround::symmetric: {
      const int64_t period = 2 * extent, rest = ((at % period) + period) % period;
      return std::min(rest, period - 1 - rest);
    }
  }
  return -1;
}

template <class T>
void SamplePoints<T>::clear() {
  for (Axis* axis : {&rows_, &columns_})
    for (size_t t = 0; t < 2; ++t) axis->at[t].clear(), axis->weight[t].clear();
  outside_.clear();
}

template <class T>
void SamplePoints<T>::place(Axis& axis, T x, int64_t extent) {
  if (!(std::fabs(x) < T(1e9))) x = x > 0 ? T(1e9) : T(-1e9);  // what is no number counts as far outside
  if (nearest_) x = std::nearbyint(x);
  const T base = std::floor(x), after = x - base;
  const T weights[2] = {1 - after, after};
  for (int t = 0; t < 2; ++t) {
    axis.at[t].push_back(surrounded(static_cast<int64_t>(base) + t, extent, around_));
    axis.weight[t].push_back(weights[t]);
  }
}

template <class T>
void SamplePoints<T>::add(T y, T x) {
  place(rows_, y, height_);
  place(columns_, x, width_);
  outside_.push_back(false);
}

template <class T>
void SamplePoints<T>::add_outside() {
  place(rows_, 0, height_);
  place(columns_, 0, width_);
  outside_.push_back(true);
}

template <class T>
void SamplePoints<T>::block(const num::Arith<T>& arith, const T* plane, T padding, size_t begin, size_t n,
                            T* out) const {
  T values[kBlock], row[kBlock];
  std::fill_n(out, n, T{0});
  for (size_t ty = 0; ty < 2; ++ty) {
    std::fill_n(row, n, T{0});
    const T* row_weight = rows_.weight[ty].data() + begin;
    for (size_t tx = 0; tx < 2; ++tx) {
      const T* weight = columns_.weight[tx].data() + begin;
      for (size_t i = 0; i < n; ++i) {
        const int64_t y = rows_.at[ty][begin + i], x = columns_.at[tx][begin + i];
        const bool enters = weight[i] != 0 && row_weight[i] != 0;
        values[i] = !enters ? T{0} : y < 0 || x < 0 ? padding : plane[y * width_ + x];
      }
      arith.fma(weight, values, row, row, n);
    }
    arith.fma(row_weight, row, out, out, n);
  }
}

template <class T>
void SamplePoints<T>::sample(const num::Arith<T>& arith, const T* plane, T padding, T* out) const {
  if (!nearest_) for_blocks(size(), [&](size_t i, size_t n) { block(arith, plane, padding, i, n, out + i); });
  for (size_t i = 0; i < size(); ++i) {
    const int64_t y = rows_.at[0][i], x = columns_.at[0][i];
    if (outside_[i])
      out[i] = padding;
    else if (nearest_)
      out[i] = y < 0 || x < 0 ? padding : plane[y * width_ + x];
  }
}

template class SamplePoints<float>;
template class SamplePoints<double>;

}  // namespace assay::ops

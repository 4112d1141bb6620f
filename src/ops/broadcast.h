// How one operand of a broadcast operation lies under the output's elements: runs in which it advances or repeats.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ir/tensor.h"
#include "ops/elementwise.h"
#include "ops/fill.h"

namespace assay::ops {

class Broadcast {
 public:
  /// `in` broadcasts to `out` (the caller checked).
  Broadcast(const ir::Dims& in, const ir::Dims& out);

  bool is_same() const { return axes_.size() == 1 && axes_[0].stride == 1; }
  bool is_scalar() const { return axes_.size() == 1 && axes_[0].stride == 0; }

  /// Calls run(position, offset, length, repeats) for the output's elements [begin, begin + n): positions count from 0;
  /// the operand's element `offset` is repeated, or the elements from `offset` on are taken in turn.
  template <class Run>
  void runs(int64_t begin, size_t n, Run run) const {
    const Axis& inner = axes_.back();
    for (size_t position = 0; position < n;) {
      int64_t rest = begin + static_cast<int64_t>(position);
      const int64_t within = rest % inner.extent;
      rest /= inner.extent;
      int64_t offset = within * inner.stride;
      for (size_t k = axes_.size() - 1; k-- > 0; rest /= axes_[k].extent) {
        offset += rest % axes_[k].extent * axes_[k].stride;
      }
      const size_t length = std::min(n - position, static_cast<size_t>(inner.extent - within));
      run(position, offset, length, inner.stride == 0);
      position += length;
    }
  }

 private:
  struct Axis {
    int64_t extent, stride;
  };
  std::vector<Axis> axes_;  ///< outermost first; neighbours that advance alike are one; the last has stride 0 or 1
};

/// The operand's values for the output's elements [begin, begin + n) as T: its own memory where it lies there, else
/// `buffer`.
template <class T>
const T* take(const Broadcast& where, const ir::Tensor& t, int64_t begin, size_t n, T* buffer) {
  const T* whole = nullptr;
  where.runs(begin, n, [&](size_t position, int64_t offset, size_t length, bool repeats) {
    if (repeats) {
      T one;
      fill_long(buffer + position, length, *load(t, offset, 1, &one));
    } else if (length == n) {
      whole = load(t, offset, n, buffer);
    } else if (const T* from = load(t, offset, length, buffer + position); from != buffer + position) {
      std::copy_n(from, length, buffer + position);
    }
  });
  return whole ? whole : buffer;
}

}  // namespace assay::ops

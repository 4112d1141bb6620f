// What attention operators share: where heads lie, the two products of a head, the softmax between them.
#pragma once
#include <algorithm>
#include <vector>

#include "ops/chain.h"
#include "ops/elementwise.h"

namespace assay::ops {

/// n elements from `begin`, widened into memory of their own.
template <class T>
std::vector<T> wide_copy(const ir::Tensor& t, int64_t begin, size_t n) {
  std::vector<T> values(n);
  if (const T* from = load(t, begin, n, values.data()); from != values.data()) std::copy_n(from, n, values.data());
  return values;
}

/// Rows of heads: [batches, heads, rows, width], or packed as [batches, rows, heads * width].
struct HeadRows {
  int64_t batches = 0, heads = 0, rows = 0, width = 0;
  bool packed = false;
  /// First element of a row.
  int64_t at(int64_t batch, int64_t head, int64_t row) const {
    return (packed ? (batch * rows + row) * heads + head : (batch * heads + head) * rows + row) * width;
  }
};

/// Appends all rows of one head.
template <class T>
void append_rows(const ir::Tensor& t, const HeadRows& r, int64_t batch, int64_t head, std::vector<T>& to) {
  const auto width = static_cast<size_t>(r.width), rows = static_cast<size_t>(r.rows);
  const size_t begin = to.size(), each = r.packed ? width : rows * width;
  if (rows * width == 0) return;
  to.resize(begin + rows * width);
  for (size_t i = 0; i < (r.packed ? rows : 1); ++i) {
    T* place = to.data() + begin + i * each;
    if (const T* from = load(t, r.at(batch, head, static_cast<int64_t>(i)), each, place); from != place)
      std::copy_n(from, each, place);
  }
}

/// Keys and values of one head, ready for any number of queries: scores over the width, results over the keys, both
/// as products under the policy's accumulator.
template <class T>
class Head {
 public:
  /// `keys` is [n][width], `values` [n][value_width].
  Head(const num::Policy& policy, const std::vector<T>& keys, const std::vector<T>& values, size_t n, size_t width,
       size_t value_width)
      : n_(n),
        value_width_(value_width),
        keys_(policy, keys.data(), n, width),
        values_(RowProducts<T>::of_columns(policy, values.data(), value_width, n)) {}

  void score(const T* query, T* scores, std::vector<T>& scratch) const { keys_.run(query, 0, n_, scores, scratch); }
  void weigh(const T* weights, T* out, std::vector<T>& scratch) const {
    values_.run(weights, 0, value_width_, out, scratch);
  }

 private:
  size_t n_, value_width_;
  RowProducts<T> keys_, values_;
};

/// y = exp(y - max) / sum, as Softmax does along its last axis.
template <class T>
void softmax_in_place(const num::Arith<T>& arith, T* y, size_t n) {
  arith.sub(y, arith.max_of(y, n), y, n);
  arith.apply(num::Function::exp, y, y, n);
  arith.div(y, arith.sum(y, n), y, n);
}

/// Queries that one task should take, each against `keys` keys.
inline size_t queries_per_task(size_t keys, size_t widths) { return 1 + 65536 / (keys * widths + 1); }

}  // namespace assay::ops

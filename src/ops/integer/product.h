// Matrix products of 8-bit codes minus their zero points, summed in 32 bits (modulo 2^32: results do not depend on the
// order). What becomes of the sums is up to the caller.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "base/threads.h"
#include "ir/tensor.h"
#include "ops/integer/tile.h"

namespace assay::ops::integer {

/// Element (i, j) of a matrix of uint8 or int8 codes at data[begin + i * row_stride + j * column_stride].
struct CodeMatrix {
  const ir::Tensor* tensor = nullptr;
  size_t row_stride = 0, column_stride = 1;
};

/// Parameters of the rows (or columns) of the matrices of an operand.
template <class T>
struct PerLine {
  std::vector<T> values{};          ///< empty: 0
  bool each = false;                ///< one for each row, else one for all
  std::vector<size_t> per_batch{};  ///< where those of a batch begin; empty: at 0
  T at(size_t batch, size_t i) const {
    if (values.empty()) return 0;
    return values[(per_batch.empty() ? 0 : per_batch[batch]) + (each ? i : 0)];
  }
};
using ZeroPoints = PerLine<int16_t>;

/// Columns of one matrix [k][n], packed for multiply_tile.
class PackedColumns {
 public:
  PackedColumns(size_t k, size_t n);
  /// Fills all panels from a matrix that begins at element `begin`.
  void fill(const CodeMatrix& b, size_t begin, const ZeroPoints& zeros, size_t batch, const Threads& threads);
  const int16_t* panel(size_t i) const { return values_.data() + i * pairs_ * 2 * kPanel; }
  int16_t* panel(size_t i) { return values_.data() + i * pairs_ * 2 * kPanel; }
  size_t panels() const { return (n_ + kPanel - 1) / kPanel; }
  size_t pairs() const { return pairs_; }

 private:
  void fill_rows(const CodeMatrix& b, size_t begin, const ZeroPoints& zeros, size_t batch, size_t j,
                 std::vector<int16_t>& rows);

  size_t k_, n_, pairs_;
  std::vector<int16_t> values_;
};

struct IntegerProduct {
  size_t batches = 1, m = 0, n = 0, k = 0;
  CodeMatrix a, b;                           ///< a: rows m, columns k; b: rows k, columns n
  std::vector<size_t> a_offsets, b_offsets;  ///< elements, one a batch; empty: 0
  ZeroPoints a_zeros, b_zeros;
};

/// The finished sums of one row of one batch: n of them.
using FinishRow = std::function<void(size_t batch, size_t row, const int32_t* sums)>;
/// `ready`: B as packed before, when it is one matrix for all batches; or null.
void multiply(const IntegerProduct& p, const PackedColumns* ready, const Threads& threads, const FinishRow& finish);

}  // namespace assay::ops::integer

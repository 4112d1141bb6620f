#include "ops/integer/product.h"

#include <algorithm>

namespace assay::ops::integer {
namespace {

/// n codes from `at`, `stride` apart, minus `zero`, to every `step`-th place of `to`.
template <class T>
void widen(const T* codes, size_t stride, size_t n, int zero, int16_t* to, size_t step) {
  for (size_t i = 0; i < n; ++i) to[i * step] = static_cast<int16_t>(codes[i * stride] - zero);
}
void widen(const ir::Tensor& t, size_t at, size_t stride, size_t n, int zero, int16_t* to, size_t step) {
  if (stride == 1 && step == 1)
    return t.elem() == ir::ElemType::int8 ? widen_codes(t.data<int8_t>() + at, zero, to, n)
                                          : widen_codes(t.data<uint8_t>() + at, zero, to, n);
  if (t.elem() == ir::ElemType::int8)
    widen(t.data<int8_t>() + at, stride, n, zero, to, step);
  else
    widen(t.data<uint8_t>() + at, stride, n, zero, to, step);
}

size_t offset(const std::vector<size_t>& offsets, size_t batch) { return offsets.empty() ? 0 : offsets[batch]; }

/// Rows [first, last) of one batch.
void multiply_rows(const IntegerProduct& p, const PackedColumns& columns, size_t batch, size_t first, size_t last,
                   const FinishRow& finish) {
  const size_t stride = columns.pairs() * 2, begin = offset(p.a_offsets, batch);
  std::vector<int16_t> rows(kRows * stride);
  std::vector<int32_t> sums(kRows * columns.panels() * kPanel);
  const size_t width = columns.panels() * kPanel;
  for (size_t m = first; m < last; m += kRows) {
    const size_t count = std::min(kRows, last - m);
    for (size_t r = 0; r < count; ++r)
      widen(*p.a.tensor, begin + (m + r) * p.a.row_stride, p.a.column_stride, p.k, p.a_zeros.at(batch, m + r),
            rows.data() + r * stride, 1);
    for (size_t j = 0; j < columns.panels(); ++j) {
      int32_t tile[kRows * kPanel];
      multiply_tile(rows.data(), stride, count, columns.panel(j), columns.pairs(), tile);
      for (size_t r = 0; r < count; ++r) std::copy_n(tile + r * kPanel, kPanel, sums.data() + r * width + j * kPanel);
    }
    for (size_t r = 0; r < count; ++r) finish(batch, m + r, sums.data() + r * width);
  }
}

}  // namespace

PackedColumns::PackedColumns(size_t k, size_t n)
    : k_(k), n_(n), pairs_((k + 1) / 2), values_((n + kPanel - 1) / kPanel * pairs_ * 2 * kPanel) {}

/// A panel of a matrix whose rows are contiguous: its rows side by side, zero points taken off, then in pairs.
void PackedColumns::fill_rows(const CodeMatrix& b, size_t begin, const ZeroPoints& zeros, size_t batch, size_t j,
                              std::vector<int16_t>& rows) {
  const size_t first = j * kPanel, count = std::min(kPanel, n_ - first);
  rows.assign(2 * pairs_ * kPanel + kSlack, 0);
  for (size_t k = 0; k < k_; ++k) {
    int16_t* row = rows.data() + k * kPanel;
    widen(*b.tensor, begin + k * b.row_stride + first, 1, count, zeros.each ? 0 : zeros.at(batch, 0), row, 1);
    for (size_t i = 0; zeros.each && i < count; ++i) row[i] = static_cast<int16_t>(row[i] - zeros.at(batch, first + i));
  }
  std::vector<int64_t> offsets(2 * pairs_);
  for (size_t k = 0; k < offsets.size(); ++k) offsets[k] = static_cast<int64_t>(k * kPanel);
  pack_panel(rows.data(), 1, offsets.data(), pairs_, panel(j));
}

void PackedColumns::fill(const CodeMatrix& b, size_t begin, const ZeroPoints& zeros, size_t batch,
                         const Threads& threads) {
  if (b.column_stride == 1) {
    threads.for_each(panels(), 1 + 65536 / (k_ * kPanel + 1), [&](size_t first, size_t last) {
      std::vector<int16_t> rows;
      for (size_t j = first; j < last; ++j) fill_rows(b, begin, zeros, batch, j, rows);
    });
    return;
  }
  threads.for_each(panels(), 1 + 65536 / (k_ * kPanel + 1), [&](size_t first, size_t last) {
    for (size_t j = first; j < last; ++j) {
      for (size_t column = 0; column < kPanel && j * kPanel + column < n_; ++column) {
        const size_t n = j * kPanel + column;
        const int zero = zeros.at(batch, n);
        int16_t* to = panel(j) + column * 2;
        const size_t at = begin + n * b.column_stride;
        const size_t even = (k_ + 1) / 2, odd = k_ / 2;
        widen(*b.tensor, at, 2 * b.row_stride, even, zero, to, 2 * kPanel);
        if (odd > 0) widen(*b.tensor, at + b.row_stride, 2 * b.row_stride, odd, zero, to + 1, 2 * kPanel);
      }
    }
  });
}

void multiply(const IntegerProduct& p, const PackedColumns* ready, const Threads& threads, const FinishRow& finish) {
  if (p.batches == 0 || p.m == 0 || p.n == 0) return;
  const size_t blocks = (p.m + kRows - 1) / kRows;
  const auto run = [&](const PackedColumns& columns, size_t batch) {
    threads.for_each(blocks, 1 + 65536 / (p.n * p.k * kRows + 1), [&](size_t first, size_t last) {
      multiply_rows(p, columns, batch, first * kRows, std::min(p.m, last * kRows), finish);
    });
  };
  const bool one_matrix = p.b_offsets.empty() && p.b_zeros.per_batch.empty();
  PackedColumns own(ready ? 0 : p.k, ready ? 0 : p.n);
  for (size_t batch = 0; batch < p.batches; ++batch) {
    if (!ready && (batch == 0 || !one_matrix)) own.fill(p.b, offset(p.b_offsets, batch), p.b_zeros, batch, threads);
    run(ready ? *ready : own, batch);
  }
}

}  // namespace assay::ops::integer

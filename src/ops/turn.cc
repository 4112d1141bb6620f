#include "ops/turn.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/turn.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// A block of as many rows as 16 bytes hold elements. Interleaving the upper half of the rows with the lower one, as
/// often as it takes to halve their number to one, turns it.
template <class U>
HWY_INLINE void TurnBlock(const U* in, int64_t in_stride, U* out, int64_t out_stride) {
  constexpr size_t kSize = 16 / sizeof(U);
  const hn::FixedTag<U, kSize> d;
  hn::Vec<decltype(d)> rows[kSize], mixed[kSize];
#pragma GCC unroll 16
  for (size_t i = 0; i < kSize; ++i) rows[i] = hn::LoadU(d, in + static_cast<int64_t>(i) * in_stride);
#pragma GCC unroll 4
  for (size_t stage = 1; stage < kSize; stage *= 2) {
#pragma GCC unroll 8
    for (size_t k = 0; k < kSize / 2; ++k) {
      mixed[2 * k] = hn::InterleaveLower(d, rows[k], rows[k + kSize / 2]);
      mixed[2 * k + 1] = hn::InterleaveUpper(d, rows[k], rows[k + kSize / 2]);
    }
#pragma GCC unroll 16
    for (size_t k = 0; k < kSize; ++k) rows[k] = mixed[k];
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < kSize; ++i) hn::StoreU(rows[i], d, out + static_cast<int64_t>(i) * out_stride);
}

template <class U>
void TurnEach(const U* in, int64_t in_stride, U* out, int64_t out_stride, size_t rows, size_t columns) {
  for (size_t j = 0; j < columns; ++j)
    for (size_t i = 0; i < rows; ++i)
      out[static_cast<int64_t>(j) * out_stride + static_cast<int64_t>(i)] =
          in[static_cast<int64_t>(i) * in_stride + static_cast<int64_t>(j)];
}

template <class U>
HWY_INLINE void Turn(const U* in, int64_t in_stride, U* out, int64_t out_stride, size_t rows, size_t columns) {
  constexpr size_t kSize = 16 / sizeof(U), kBand = 64;  // rows whose cache lines stay at hand
  const size_t whole_rows = rows / kSize * kSize, whole_columns = columns / kSize * kSize;
  const auto from = [&](size_t i, size_t j) {
    return in + static_cast<int64_t>(i) * in_stride + static_cast<int64_t>(j);
  };
  const auto to = [&](size_t i, size_t j) {
    return out + static_cast<int64_t>(j) * out_stride + static_cast<int64_t>(i);
  };
  for (size_t band = 0; band < whole_rows; band += kBand) {
    const size_t end = band + kBand < whole_rows ? band + kBand : whole_rows;
    for (size_t j = 0; j < whole_columns; j += kSize)
      for (size_t i = band; i < end; i += kSize) TurnBlock(from(i, j), in_stride, to(i, j), out_stride);
  }
  TurnEach(from(0, whole_columns), in_stride, to(0, whole_columns), out_stride, whole_rows, columns - whole_columns);
  TurnEach(from(whole_rows, 0), in_stride, to(whole_rows, 0), out_stride, rows - whole_rows, columns);
}

void Turn8(const uint8_t* in, int64_t in_stride, uint8_t* out, int64_t out_stride, size_t rows, size_t columns) {
  Turn(in, in_stride, out, out_stride, rows, columns);
}
void Turn16(const uint16_t* in, int64_t in_stride, uint16_t* out, int64_t out_stride, size_t rows, size_t columns) {
  Turn(in, in_stride, out, out_stride, rows, columns);
}
void Turn32(const uint32_t* in, int64_t in_stride, uint32_t* out, int64_t out_stride, size_t rows, size_t columns) {
  Turn(in, in_stride, out, out_stride, rows, columns);
}
void Turn64(const uint64_t* in, int64_t in_stride, uint64_t* out, int64_t out_stride, size_t rows, size_t columns) {
  Turn(in, in_stride, out, out_stride, rows, columns);
}

}  // namespace assay::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops {

HWY_EXPORT(Turn8);
HWY_EXPORT(Turn16);
HWY_EXPORT(Turn32);
HWY_EXPORT(Turn64);

void turn(const uint8_t* in, int64_t in_stride, uint8_t* out, int64_t out_stride, size_t rows, size_t columns) {
  HWY_DYNAMIC_DISPATCH(Turn8)(in, in_stride, out, out_stride, rows, columns);
}
void turn(const uint16_t* in, int64_t in_stride, uint16_t* out, int64_t out_stride, size_t rows, size_t columns) {
  HWY_DYNAMIC_DISPATCH(Turn16)(in, in_stride, out, out_stride, rows, columns);
}
void turn(const uint32_t* in, int64_t in_stride, uint32_t* out, int64_t out_stride, size_t rows, size_t columns) {
  HWY_DYNAMIC_DISPATCH(Turn32)(in, in_stride, out, out_stride, rows, columns);
}
void turn(const uint64_t* in, int64_t in_stride, uint64_t* out, int64_t out_stride, size_t rows, size_t columns) {
  HWY_DYNAMIC_DISPATCH(Turn64)(in, in_stride, out, out_stride, rows, columns);
}

}  // namespace assay::ops
#endif

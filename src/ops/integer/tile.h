// The innermost product of small integers: 16-bit differences (codes minus zero points), exact modulo 2^32.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::ops::integer {

inline constexpr size_t kPanel = 16;  ///< columns of a panel, for every vector width
inline constexpr size_t kRows = 8;    ///< rows that are multiplied together

/// out[r * kPanel + j] = sum over k of rows[r * stride + k] * panel(k, j) for r < count <= kRows, modulo 2^32. A panel
/// has its k in pairs: [pair][kPanel][2]; k is padded to an even number with zeros on both sides.
void multiply_tile(const int16_t* rows, size_t stride, size_t count, const int16_t* panel, size_t pairs, int32_t* out);

/// to[i] = codes[i] - zero.
void widen_codes(const uint8_t* codes, int zero, int16_t* to, size_t n);
void widen_codes(const int8_t* codes, int zero, int16_t* to, size_t n);

/// What reads past the end of an array of 16-bit differences may read: elements behind it, of any value.
inline constexpr size_t kSlack = 128;

/// A panel of kPanel positions that lie `step` apart (1 or 2), the first at `from`: panel[p][i] holds the elements
/// offsets[2 p] and offsets[2 p + 1] behind position i.
void pack_panel(const int16_t* from, size_t step, const int64_t* offsets, size_t pairs, int16_t* panel);

/// sums[i] = the sum over t of weights[t] * from[i * step + offsets[t]], step 1 or 2, for i < n; up to kSlack sums
/// behind them are written too.
void sum_taps(const int16_t* from, size_t step, const int64_t* offsets, const int16_t* weights, size_t taps,
              int32_t* sums, size_t n);

}  // namespace assay::ops::integer

// The innermost product of small integers: 16-bit differences (codes minus zero points), exact modulo 2^32.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::ops::integer {

inline constexpr size_t kPanel = 16;  ///< columns of a panel, for every vector width
inline constexpr size_t kRows = 4;    ///< rows that are multiplied together

/// out[r * kPanel + j] = sum over k of rows[r * stride + k] * panel(k, j) for r < count <= kRows, modulo 2^32. A panel
/// has its k in pairs: [pair][kPanel][2]; k is padded to an even number with zeros on both sides.
void multiply_tile(const int16_t* rows, size_t stride, size_t count, const int16_t* panel, size_t pairs, int32_t* out);

}  // namespace assay::ops::integer

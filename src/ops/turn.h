// Rows made columns, in blocks that are turned inside of registers.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::ops {

/// out[j * out_stride + i] = in[i * in_stride + j] for i < rows, j < columns; elements of one width, bit for bit.
void turn(const uint8_t* in, int64_t in_stride, uint8_t* out, int64_t out_stride, size_t rows, size_t columns);
void turn(const uint16_t* in, int64_t in_stride, uint16_t* out, int64_t out_stride, size_t rows, size_t columns);
void turn(const uint32_t* in, int64_t in_stride, uint32_t* out, int64_t out_stride, size_t rows, size_t columns);
void turn(const uint64_t* in, int64_t in_stride, uint64_t* out, int64_t out_stride, size_t rows, size_t columns);

}  // namespace assay::ops

// The pixels' panel of a convolution: for each k (channel, tap) the input values under it, for a few output pixels.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace assay::ops::contraction {

/// Output pixels that are neighbours in one output row: `count` of them, from column `column` of the panel, whose
/// values under a tap start at `from` (plus channel and tap offsets).
struct Segment {
  size_t column, count, from;
};

/// to[i][...] for i < kc: k = first_k + i is tap k % taps of channel k / taps. Reads and writes up to a vector further
/// than asked: the input and `to` have that room.
void gather_panel(const float* input, std::span<const Segment> segments, size_t channel_pitch,
                  std::span<const size_t> taps, size_t first_k, size_t kc, size_t width, float* to);
void gather_panel(const double* input, std::span<const Segment> segments, size_t channel_pitch,
                  std::span<const size_t> taps, size_t first_k, size_t kc, size_t width, double* to);

/// Output rows of a depthwise convolution, one behind the other: out[r * n + i] = sum over taps, ascending, of
/// input[r * pitch + tap + i] * weights[tap], i < n, from `start`. Reads and writes up to four vectors further than
/// asked.
void depthwise_rows(const float* input, size_t pitch, size_t rows, std::span<const size_t> taps, const float* weights,
                    float start, size_t n, float* out);
void depthwise_rows(const double* input, size_t pitch, size_t rows, std::span<const size_t> taps, const double* weights,
                    double start, size_t n, double* out);
/// Padded rows, one behind the other: of each the n values at its place in `input` (negative: zeros), behind `left`
/// zeros and before zeros up to stride * phase, column x at x % stride * phase + x / stride. Returns smallest_nonzero()
/// of those values.
float spread_rows(const float* input, std::span<const int64_t> places, size_t n, size_t left, size_t stride,
                  size_t phase, float* to);
double spread_rows(const double* input, std::span<const int64_t> places, size_t n, size_t left, size_t stride,
                   size_t phase, double* to);
/// The smallest magnitude that is not zero; infinity when there is none. NaNs do not count.
float smallest_nonzero(const float* values, size_t n);
double smallest_nonzero(const double* values, size_t n);

/// Elements that a row may be overrun by.
inline constexpr size_t kOverrun = 64;

}  // namespace assay::ops::contraction

// Values that make roundings visible. All are float32 and the same on every machine.
#pragma once
#include <span>

#include "ir/type.h"

namespace assay::audit::patterns {

/// Fills an operand of these dimensions.
using Fill = void (*)(std::span<float> values, const ir::Dims& dims);

void ones(std::span<float> values, const ir::Dims& dims);
void identity(std::span<float> values, const ir::Dims& dims);
void bell(std::span<float> values, const ir::Dims& dims);           ///< bell-shaped around 0, deviation 0.58
void small_bell(std::span<float> values, const ir::Dims& dims);     ///< bell times 2^-8: an epsilon of 1e-5 shows
void other_bell(std::span<float> values, const ir::Dims& dims);     ///< other ones
void wide_bell(std::span<float> values, const ir::Dims& dims);      ///< bell times 2^-12 .. 2^12
void bfloat16_bell(std::span<float> values, const ir::Dims& dims);  ///< bell cut to bfloat16
void residues(std::span<float> values, const ir::Dims& dims);       ///< rows whose second half undoes the first
void mirrored(std::span<float> values, const ir::Dims& dims);       ///< factors for them: rows i and K-1-i are the same
void beside_large(std::span<float> values, const ir::Dims& dims);   ///< -64 first in each row, small values behind
void large_first(std::span<float> values, const ir::Dims& dims);    ///< factors for them: 64 in the first row
void undoing_biases(std::span<float> values, const ir::Dims& dims);    ///< 4096, which undoes -64 * 64
void biases(std::span<float> values, const ir::Dims& dims);            ///< bell times 64
void counts(std::span<float> values, const ir::Dims& dims);            ///< rows of ones, and large values among ones
void positions(std::span<float> values, const ir::Dims& dims);         ///< 1 at each place among 2^-8 .. 2^-26
void cancelling(std::span<float> values, const ir::Dims& dims);        ///< B, 2^e at each place, -B
void ties(std::span<float> values, const ir::Dims& dims);              ///< halves of ULPs, a little more and less
void significands(std::span<float> values, const ir::Dims& dims);      ///< 1 + k * 2^-16: ties of short formats
void range(std::span<float> values, const ir::Dims& dims);             ///< where sums overflow
void subnormals(std::span<float> values, const ir::Dims& dims);        ///< of float16, bfloat16 and float32
void small_factors(std::span<float> values, const ir::Dims& dims);     ///< columns of 1, 2^-20, 2^-26, 2^-30
void double_roundings(std::span<float> values, const ir::Dims& dims);  ///< rows (c, a) ...
void double_factors(std::span<float> values, const ir::Dims& dims);    ///< ... for columns (1, b)
void specials(std::span<float> values, const ir::Dims& dims);          ///< NaN, infinities, zeros, ends of ranges
void divisors(std::span<float> values, const ir::Dims& dims);          ///< 3, 7, 10, ...
void ramp(std::span<float> values, const ir::Dims& dims);              ///< -12 .. 12 in equal steps
void positive_ramp(std::span<float> values, const ir::Dims& dims);     ///< 2^-10 .. 2^10, equal ratios

}  // namespace assay::audit::patterns

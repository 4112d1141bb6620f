// Distances in units in the last place, ordered bit keys.
#pragma once
#include <cstdint>
#include <limits>

#include "num/format.h"

namespace assay::num {

/// What ulp_distance returns for a NaN against a number: more than any distance between numbers.
inline constexpr uint64_t kInfiniteUlps = std::numeric_limits<uint64_t>::max();

/// How many steps on the lattice lie between a and b: 0 between +0 and -0 and between two NaNs, infinite between a NaN
/// and a number; an infinity is one step beyond the largest finite value; across zero the steps on both sides add up.
uint64_t ulp_distance(float a, float b);
uint64_t ulp_distance(double a, double b);
/// The same on the lattice of `format`; both values must be representable there (or infinities).
uint64_t ulp_distance(double a, double b, const Format& format);

/// Distance between the lattice's values below and above |value|: the spacing at value (0 for NaN and infinity, which
/// have none). Values beyond the largest finite one have its spacing.
double ulp_size(double value, const Format& format);

/// Key that orders floats as numbers do: a < b gives key(a) < key(b); -0 comes just before +0. NaNs of either sign are
/// above all numbers.
uint32_t ordered_key(float value);
uint64_t ordered_key(double value);
/// The value of a key (of a number).
float from_ordered_key(uint32_t key);
double from_ordered_key(uint64_t key);

}  // namespace assay::num

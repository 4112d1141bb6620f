// A Rounding prepared for float32 vectors: kernels make one per operation and call RoundLanes (round-inl.h) per vector.
#pragma once
#include <cstdint>

#include "num/format.h"

namespace assay::num {

/// Roundings that are nearest even, keep subnormals, overflow to infinity: the common ones, with a short path.
enum class FastRounding : uint8_t { none, float32, float16, bfloat16, tf32 };

inline FastRounding fast_rounding(const Rounding& r) {
  if (r.mode != Mode::nearest_even || r.flush_subnormals || r.overflow != Overflow::infinity || r.limit > 0 ||
      r.format.specials != Specials::ieee || !r.format.has_sign || !r.format.has_subnormals) {
    return FastRounding::none;
  }
  const int e = r.format.exponent_bits, s = r.format.significand_bits, bias = r.format.bias;
  if (e == 5 && s == 10 && bias == 15) return FastRounding::float16;
  if (e != 8 || bias != 127) return e == 11 && s >= 23 && bias == 1023 ? FastRounding::float32 : FastRounding::none;
  return s == 23   ? FastRounding::float32
         : s == 7  ? FastRounding::bfloat16
         : s == 10 ? FastRounding::tf32
                   : FastRounding::none;
}

struct RoundPlan {
  enum class Kind : uint8_t {
    identity,  ///< only NaNs are made canonical
    float16,
    bfloat16,
    tf32,
    float16_edges,  ///< float16, nearest even, with subnormals flushed or an overflow of its own
    integers,       ///< any mode and overflow, on the bits of the lanes
    scalar,         ///< lane by lane through round_float
  };
  Kind kind = Kind::identity;
  bool from_odd = false;  ///< a float32 rounded to odd has bits enough to stand for the exact value
  Mode mode = Mode::nearest_even;
  bool has_subnormal_path = false;  ///< results below 2^min_exponent have another spacing in float32's bits
  bool signed_zero = true;
  uint32_t shift = 0;                               ///< significand bits dropped from a normal result
  uint32_t lsb_mask = 0, below_half = 0, half = 0;  ///< of `shift`; all 0 when shift is 0
  // Magnitudes as float32 bits.
  uint32_t min_normal = 0;
  uint32_t flush_below = 0;
  uint32_t max = 0;  ///< results above become `overflow`, infinities `from_infinity`
  uint32_t overflow = 0, from_infinity = 0;
  uint32_t min_field = 0;  ///< float32 exponent field of min_normal
  float spacing = 0;       ///< of subnormal results
  Rounding rounding{};
};

RoundPlan make_plan(const Rounding& rounding);
/// The same, from this thread's memory of the last few: making a plan takes longer than rounding a short run. Good
/// until the thread asks for others.
const RoundPlan& plan_of(const Rounding& rounding);

/// a * b + c rounded to float32, to odd.
float fma_to_odd_float(float a, float b, float c);
/// fma_round of float32 values.
float fma_round_float(float a, float b, float c, const Rounding& rounding);

}  // namespace assay::num

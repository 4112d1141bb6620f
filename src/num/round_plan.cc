#include "num/round_plan.h"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "num/exact.h"

namespace assay::num {
namespace {

uint32_t bits_of(double value) {
  return std::isnan(value) ? 0x7fc00000u : std::bit_cast<uint32_t>(static_cast<float>(value));
}

bool fits_integers(const Format& f) {
  return f.has_sign && f.has_subnormals && f.significand_bits <= 23 && min_exponent(f) >= -126 &&
         min_exponent(f) - f.significand_bits >= -149 && max_exponent(f) <= 127;
}

}  // namespace

RoundPlan make_plan(const Rounding& rounding) {
  RoundPlan plan;
  plan.rounding = rounding;
  plan.from_odd = true;
  switch (fast_rounding(rounding)) {
    case FastRounding::float32:
      plan.from_odd = false;
      return plan;
    case FastRounding::float16:
      plan.kind = RoundPlan::Kind::float16;
      return plan;
    case FastRounding::bfloat16:
      plan.kind = RoundPlan::Kind::bfloat16;
      return plan;
    case FastRounding::tf32:
      plan.kind = RoundPlan::Kind::tf32;
      return plan;
    case FastRounding::none:
      break;
  }
  const Format& f = rounding.format;
  plan.from_odd = fits_integers(f) && f.significand_bits <= 21 && min_exponent(f) - f.significand_bits >= -147;
  if (!fits_integers(f)) {
    plan.kind = RoundPlan::Kind::scalar;
    return plan;
  }
  const bool float16 = f == format(FormatId::float16) && rounding.mode == Mode::nearest_even;
  plan.kind = float16 ? RoundPlan::Kind::float16_edges : RoundPlan::Kind::integers;
  plan.mode = rounding.mode;
  plan.signed_zero = f.specials != Specials::fnuz;
  plan.has_subnormal_path = min_exponent(f) > -126;
  plan.shift = static_cast<uint32_t>(23 - f.significand_bits);
  if (plan.shift > 0) {
    plan.lsb_mask = 1;
    plan.half = 1u << (plan.shift - 1);
    plan.below_half = plan.half - 1;
  }
  plan.min_normal = bits_of(min_normal(f));
  plan.flush_below = rounding.flush_subnormals ? plan.min_normal : 0;
  Rounding clamping = rounding;
  clamping.overflow = Overflow::clamp;
  plan.max = bits_of(round(std::numeric_limits<double>::infinity(), clamping));
  plan.overflow = bits_of(round(std::numeric_limits<double>::max(), rounding));
  plan.from_infinity = bits_of(round(std::numeric_limits<double>::infinity(), rounding));
  plan.min_field = static_cast<uint32_t>(min_exponent(f) + 127);
  plan.spacing = static_cast<float>(min_subnormal(f));
  return plan;
}

const RoundPlan& plan_of(const Rounding& rounding) {
  constexpr size_t kKept = 4;
  thread_local std::array<RoundPlan, kKept> plans;  // of no format at first
  thread_local size_t next = 0;
  for (const RoundPlan& plan : plans) {
    if (plan.rounding == rounding) return plan;
  }
  RoundPlan& plan = plans[next++ % kKept];
  plan = make_plan(rounding);
  return plan;
}

}  // namespace assay::num

#include "num/policy_text.h"

#include <gtest/gtest.h>

namespace assay::num {
namespace {

TEST(PolicyText, OnlyWhatDiffersIsPrinted) {
  EXPECT_EQ(to_text(Policy{}), "");
  Policy p;
  p.result = Rounding{.format = format(FormatId::float16)};
  p.accumulator.kind = Accumulator::Kind::exact;
  EXPECT_EQ(to_text(p), "result=float16 nearest-even; accumulator.kind=exact");
}

TEST(PolicyText, EveryFieldComesBack) {
  Policy p;
  p.compute = FormatId::float64;
  p.operand = Rounding{.format = format(FormatId::tf32), .mode = Mode::toward_zero};
  p.accumulator = {.kind = Accumulator::Kind::aligned,
                   .fused = false,
                   .product = Rounding{.format = format(FormatId::bfloat16)},
                   .step = Rounding{.format = ieee_like(6, 9), .mode = Mode::to_odd},
                   .step_via_float32 = true,
                   .lanes = 4,
                   .block = 16,
                   .fraction_bits = 25,
                   .block_mode = Mode::nearest_even,
                   .block_format = FormatId::float16,
                   .block_result_fraction_bits = 13,
                   .factors = FormatId::float8e5m2,
                   .accumulator_apart = true,
                   .split_k = 3,
                   .pairs = Accumulator::PairRule::round_to_odd,
                   .flush_subnormals = true};
  p.sum.emplace();
  p.bias = Bias::after_store;
  p.step = Rounding{.format = format(FormatId::float16), .flush_subnormals = true};
  p.result = Rounding{.format = format(FormatId::float16), .overflow = Overflow::clamp, .limit = 32768};
  p.attribute = p.step;
  p.flush_subnormals = true;
  p.elementary = Elementary::correctly_rounded;
  p.special_values = SpecialValues::neural_engine;
  p.divide_by_reciprocal = true;
  p.plain_softplus = true;
  const auto back = parse_policy(to_text(p));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(to_text(*back), to_text(p));
  p.accumulator.step->format.name = back->accumulator.step->format.name;  // a sized format's name is no part of it
  EXPECT_TRUE(*back == p) << to_text(p);
}

TEST(PolicyText, NonsenseIsNamed) {
  for (const char* text : {"result", "result=float17", "result=float16 sideways", "compute=tf33", "sum.colour=red",
                           "accumulator.block=1x", "result=e1m1", "result=float16 limit=x"}) {
    EXPECT_FALSE(parse_policy(text).ok()) << text;
  }
}

}  // namespace
}  // namespace assay::num

#include "report/words.h"

#include <gtest/gtest.h>

#include "report/trace_text.h"

namespace assay::report {
namespace {

TEST(Words, CountsTakeTheirPlural) {
  EXPECT_EQ(how_many(1, "sample"), "1 sample");
  EXPECT_EQ(how_many(0, "sample"), "0 samples");
  EXPECT_EQ(how_many(10000, "sample"), "10,000 samples");
  EXPECT_EQ(how_many(1, "infinity", "infinities"), "1 infinity");
  EXPECT_EQ(how_many(2, "infinity", "infinities"), "2 infinities");
}

TEST(Words, NodesOfOneNameGoByTheirValues) {
  const std::vector<audit::BlamedOp> ops = {
      {0, "a", "n", "MatMul"}, {1, "b", "n", "Relu"}, {2, "c", "m", "MatMul"}, {3, "d", "", "Neg"}};
  EXPECT_EQ(called(ops[0], ops), "a");
  EXPECT_EQ(called(ops[1], ops), "b");
  EXPECT_EQ(called(ops[2], ops), "m");
  EXPECT_EQ(called(ops[3], ops), "d");
}

TEST(Words, ANanIsNoDifferenceOfZero) {
  audit::Differences d;
  d.elements = 2;
  d.max_abs = 0.5;
  d.max_ulp = 1200;
  EXPECT_EQ(largest_text(d), "0.5");
  EXPECT_EQ(largest_ulp_text(d), "1,200");
  d.nan_mismatches = 1;
  EXPECT_EQ(largest_text(d), "NaN");
  EXPECT_EQ(largest_ulp_text(d), "NaN");
}

TEST(Words, TheFirstThatOverflowsOutranksZerosBeforeIt) {
  audit::TraceResult trace;
  trace.samples = 1;
  trace.ops.resize(3);
  for (size_t i = 0; i < 3; ++i) trace.ops[i].name = trace.ops[i].type = std::string(1, static_cast<char>('a' + i));
  trace.ops[0].all_zero.add(0);
  trace.ops[2].infinite.add(0);
  trace.ops[2].introduced.values.elements = trace.ops[2].introduced.values.infinite = 1;
  trace.ops[2].from = {1};
  EXPECT_EQ(trace_sentence(trace), "c 'c' is to blame: it is the first that gives infinities");
  trace.ops[2].from = {0};  // it reads the zeros
  EXPECT_EQ(trace_sentence(trace), "a 'a' is to blame: it is the first that gives nothing but zeros");
  trace.ops[2].from = {1};
  trace.ops[2].introduced.values.infinite = 0;  // handed on
  EXPECT_EQ(trace_sentence(trace), "a 'a' is to blame: it is the first that gives nothing but zeros");
}

}  // namespace
}  // namespace assay::report

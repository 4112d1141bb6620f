// Programs whose values are sequences and optionals, and Scan.
#include <gtest/gtest.h>

#include "base/limits.h"
#include "exec/session.h"
#include "ir/text.h"
#include "ops/def.h"

namespace assay::exec {
namespace {

using ir::Dims;
using ir::ElemType;
using ir::Tensor;

Result<std::vector<Tensor>> run(std::string_view text, const std::vector<Tensor>& inputs) {
  auto graph = ir::parse(text);
  EXPECT_TRUE(graph.ok()) << graph.error().message << " at " << graph.error().where;
  ops::set_rows(*graph);
  ASSAY_TRY(Session session,
            Session::create(std::make_shared<const ir::Graph>(*std::move(graph)), std::make_shared<const Threads>(1)));
  return session.run(inputs);
}

Tensor floats(const Dims& dims, std::vector<float> values) {
  return Tensor::of<float>(ElemType::float32, dims, std::span<const float>(values));
}
std::vector<float> values_of(const Tensor& t) {
  const auto all = t.values<float>();
  return {all.begin(), all.end()};
}

constexpr std::string_view kInsert = R"(graph "insert" {
  input %a: float32[2]
  input %b: float32[1]
  input %at: int64[]
  %s: seq(float32[...]) = SequenceConstruct(%a, %b)
  %t: seq(float32[...]) = SequenceInsert(%s, %b, %at)
  %n: int64[] = SequenceLength(%t)
  %first: float32[...] = SequenceAt(%t, %at)
  return %t, %n, %first
}
)";

TEST(Sequences, InsertTakesPositionsFromBothEnds) {
  for (const auto& [position, place] : {std::pair<int64_t, size_t>{0, 0}, {-1, 1}, {-2, 0}}) {
    const auto out = run(kInsert, {floats({2}, {1, 2}), floats({1}, {3}), Tensor::scalar(position)});
    ASSERT_TRUE(out.ok()) << out.error().message;
    ASSERT_EQ((*out)[0].items().size(), 3U);
    EXPECT_EQ(values_of((*out)[0].items()[place]), (std::vector<float>{3}));
    EXPECT_EQ((*out)[1].int_at(0), 3);
  }
}

TEST(Sequences, PositionsOutsideAreErrorsThatNameTheBounds) {
  const auto out = run(kInsert, {floats({2}, {1, 2}), floats({1}, {3}), Tensor::scalar(int64_t{3})});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code, Code::value_range);
  EXPECT_EQ(out.error().message, "position 3 is outside of [-2, 2] in a sequence of 2");
}

TEST(Sequences, ResultsDoNotShareMemoryWithInputs) {
  const Tensor a = floats({2}, {1, 2});
  const auto out = run(kInsert, {a, floats({1}, {3}), Tensor::scalar(int64_t{0})});
  ASSERT_TRUE(out.ok());
  for (const Tensor& item : (*out)[0].items()) EXPECT_NE(item.bytes(), a.bytes());
}

TEST(Sequences, TensorsAndListsAreNotTakenForEachOther) {
  const auto list = run(kInsert, {Tensor::of_items({}), floats({1}, {3}), Tensor::scalar(int64_t{0})});
  ASSERT_FALSE(list.ok());
  EXPECT_EQ(list.error().code, Code::data_type);
  const auto tensor = run(R"(graph "g" {
  input %s: seq(float32[2])
  %n: int64[] = SequenceLength(%s)
  return %n
}
)",
                          {floats({2}, {1, 2})});
  ASSERT_FALSE(tensor.ok());
  EXPECT_EQ(tensor.error().code, Code::data_type);
}

TEST(Maps, HaveAsManyValuesAsKeysOfTheDeclaredTypes) {
  constexpr std::string_view kText = R"(graph "g" {
  input %m: map(int64,float32[])
  %y: float32[...] = ai.onnx.ml::DictVectorizer(%m) {int64_vocabulary = ints[5, 7]}
  return %y
}
)";
  const Tensor keys = Tensor::of_ints({7}), values = floats({1}, {2});
  const auto out = run(kText, {Tensor::of_items({keys, values})});
  ASSERT_TRUE(out.ok()) << out.error().message << " at " << out.error().where;
  EXPECT_EQ(values_of((*out)[0]), (std::vector<float>{0, 2}));
  const Tensor text = Tensor::of_strings({1}, {"seven"});
  for (const auto& parts : std::vector<std::vector<Tensor>>{
           {keys}, {keys, keys}, {text, values}, {keys, floats({2}, {1, 2})}, {keys, values, values}}) {
    const auto wrong = run(kText, {Tensor::of_items(parts)});
    ASSERT_FALSE(wrong.ok());
    EXPECT_EQ(wrong.error().code, Code::data_type);
  }
}

TEST(Sequences, AreRefusedByOperatorsOfTensors) {
  const auto out = run(R"(graph "g" {
  input %s: seq(float32[2])
  %y: float32[2] = Neg(%s)
  return %y
}
)",
                       {Tensor::of_items({})});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code, Code::type_unsupported);
}

TEST(Sequences, PartsOfATensorComeTogetherAgain) {
  const auto out = run(R"(graph "g" {
  input %x: float32[5,2]
  const %each: int64[] = {2}
  %s: seq(float32[...]) = SplitToSequence(%x, %each) {axis = 0}
  %y: float32[...] = ConcatFromSequence(%s) {axis = 0}
  %rows: seq(float32[...]) = SplitToSequence(%x) {axis = 0, keepdims = 0}
  %z: float32[...] = ConcatFromSequence(%rows) {axis = -1, new_axis = 1}
  %n: int64[] = SequenceLength(%s)
  return %y, %z, %n
}
)",
                       {floats({5, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})});
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(values_of((*out)[0]), (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ((*out)[1].dims(), (Dims{2, 5}));
  EXPECT_EQ(values_of((*out)[1]), (std::vector<float>{0, 2, 4, 6, 8, 1, 3, 5, 7, 9}));
  EXPECT_EQ((*out)[2].int_at(0), 3);
}

TEST(Sequences, MapRunsItsGraphOnEachItem) {
  const auto out = run(R"(graph "g" {
  input %s: seq(float32[...])
  input %k: float32[]
  %t: seq(float32[...]) = SequenceMap(%s, %k) {body = graph "body" {
    input %e: float32[...]
    input %f: float32[]
    %p: float32[...] = Mul(%e, %f)
    return %p
  }}
  return %t
}
)",
                       {Tensor::of_items({floats({1}, {2}), floats({2}, {3, 4})}), floats({}, {10})});
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(values_of((*out)[0].items()[0]), (std::vector<float>{20}));
  EXPECT_EQ(values_of((*out)[0].items()[1]), (std::vector<float>{30, 40}));
}

TEST(Optionals, HoldOneValueOrNone) {
  constexpr std::string_view kText = R"(graph "g" {
  input %o: optional(float32[2])
  %has: bool[] = OptionalHasElement(%o)
  %y: float32[2] = OptionalGetElement(%o)
  return %has, %y
}
)";
  const auto full = run(kText, {Tensor::of_items({floats({2}, {1, 2})})});
  ASSERT_TRUE(full.ok()) << full.error().message;
  EXPECT_EQ((*full)[0].int_at(0), 1);
  EXPECT_EQ(values_of((*full)[1]), (std::vector<float>{1, 2}));
  const auto empty = run(kText, {Tensor::of_items({})});
  ASSERT_FALSE(empty.ok());
  EXPECT_EQ(empty.error().code, Code::value_range);
  const auto two = run(kText, {Tensor::of_items({floats({2}, {1, 2}), floats({2}, {1, 2})})});
  ASSERT_FALSE(two.ok());
  EXPECT_EQ(two.error().code, Code::data_type);
}

// Sums so far of x along its second axis, from the end; the slices doubled, stacked up backwards on axis 1.
TEST(Scan, ReadsAndWritesAlongAnyAxisInBothDirections) {
  const auto out = run(R"(graph "g" {
  input %zero: float32[2]
  input %x: float32[2,3]
  %sum: float32[2], %sums: float32[...], %twice: float32[...] = Scan(%zero, %x) {body = graph "body" {
    input %s: float32[2]
    input %e: float32[2]
    %t: float32[2] = Add(%s, %e)
    %u: float32[2] = Identity(%t)
    %d: float32[2] = Add(%e, %e)
    return %t, %u, %d
  }, num_scan_inputs = 1, scan_input_axes = ints[1], scan_input_directions = ints[1],
  scan_output_axes = ints[0, -1], scan_output_directions = ints[0, 1]}
  return %sum, %sums, %twice
}
)",
                       {floats({2}, {0, 0}), floats({2, 3}, {1, 2, 3, 10, 20, 30})});
  ASSERT_TRUE(out.ok()) << out.error().message;
  EXPECT_EQ(values_of((*out)[0]), (std::vector<float>{6, 60}));
  EXPECT_EQ(values_of((*out)[1]), (std::vector<float>{3, 30, 5, 50, 6, 60}));
  EXPECT_EQ(values_of((*out)[2]), (std::vector<float>{2, 4, 6, 20, 40, 60}));
}

TEST(Scan, ExtentsThatDifferAreAnError) {
  const auto out = run(R"(graph "g" {
  input %x: float32[n]
  input %y: float32[m]
  %z: float32[...] = Scan(%x, %y) {body = graph "body" {
    input %a: float32[]
    input %b: float32[]
    %c: float32[] = Add(%a, %b)
    return %c
  }, num_scan_inputs = 2}
  return %z
}
)",
                       {floats({2}, {1, 2}), floats({3}, {1, 2, 3})});
  ASSERT_FALSE(out.ok());
}

constexpr std::string_view kForever = R"(graph "g" {
  input %most: int64[]
  input %c: bool[]
  input %x: float32[1]
  %y: float32[1] = Loop(%most, %c, %x) {body = graph "body" {
    input %i: int64[]
    input %go: bool[]
    input %v: float32[1]
    %w: float32[1] = Neg(%v)
    return %go, %w
  }}
  return %y
}
)";

struct Restored {
  ~Restored() { set_limits({}); }
};

Tensor truth() {
  Tensor t = Tensor::allocate(ElemType::boolean, {});
  t.set_int(0, 1);
  return t;
}

TEST(Limits, LoopsThatAreKnownToBeTooLongDoNotBegin) {
  const auto out = run(kForever, {Tensor::scalar(int64_t{1} << 60), truth(), floats({1}, {1})});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code, Code::limit_exceeded);
  EXPECT_NE(out.error().fix.find("--max-iterations"), std::string::npos);
}

TEST(Limits, LoopsEndAtTheLimit) {
  const Restored restored;
  set_limits({.iterations = 100});
  const auto within = run(kForever, {Tensor::scalar(int64_t{100}), truth(), floats({1}, {1})});
  EXPECT_TRUE(within.ok());
  // The condition is computed: nobody knows before how long this runs.
  const auto out = run(R"(graph "g" {
  input %c: bool[]
  input %x: float32[1]
  %y: float32[1] = Loop(_, %c, %x) {body = graph "body" {
    input %i: int64[]
    input %go: bool[]
    input %v: float32[1]
    const %least: int64[] = {-1}
    %on: bool[] = Greater(%i, %least)
    %w: float32[1] = Neg(%v)
    return %on, %w
  }}
  return %y
}
)",
                       {truth(), floats({1}, {1})});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code, Code::limit_exceeded);
  EXPECT_EQ(out.error().message, "the loop has no end; 100 iterations are allowed");
}

TEST(Limits, StringsTakeMemoryToo) {
  const Restored restored;
  set_limits({.memory = 1U << 20});
  EXPECT_THROW(Tensor::allocate(ElemType::string, {1 << 16}), OverBudget);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Tensor::allocate(ElemType::string, {1 << 12}).strings().size(), 1U << 12);
}

TEST(Limits, MemoryBeyondTheBudgetIsAnErrorThatNamesTheOperation) {
  const Restored restored;
  set_limits({.memory = 64U << 20});
  const auto out = run(R"(graph "g" {
  input %x: float32[1]
  input %shape: int64[2]
  %y: float32[...] = Expand(%x, %shape)
  return %y
}
)",
                       {floats({1}, {1}), Tensor::of_ints({1 << 14, 1 << 14})});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code, Code::limit_exceeded);
  EXPECT_NE(out.error().where.find("Expand"), std::string::npos) << out.error().where;
}

}  // namespace
}  // namespace assay::exec

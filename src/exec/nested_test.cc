#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <limits>
#include <thread>

#include "base/cancel.h"
#include "base/limits.h"
#include "exec/session.h"
#include "ir/text.h"
#include "ops/def.h"

namespace assay::exec {
namespace {

using ir::Dims;
using ir::ElemType;
using ir::Graph;
using ir::Tensor;

std::shared_ptr<const Graph> program(std::string_view text) {
  auto g = ir::parse(text);
  EXPECT_TRUE(g.ok()) << g.error().message << " at " << g.error().where;
  ops::set_rows(*g);
  return std::make_shared<const Graph>(*std::move(g));
}

Session session_of(std::string_view text, SessionOptions options = {}, int threads = 1) {
  auto session = Session::create(program(text), std::make_shared<const Threads>(threads), options);
  EXPECT_TRUE(session.ok()) << session.error().message;
  return *std::move(session);
}

std::vector<Tensor> run(Session& session, const std::vector<Tensor>& inputs) {
  auto out = session.run(inputs);
  EXPECT_TRUE(out.ok()) << out.error().message << " at " << out.error().where;
  return out.ok() ? *std::move(out) : std::vector<Tensor>{};
}

Tensor ramp(const Dims& dims) {
  Tensor t = Tensor::allocate(ElemType::float32, dims);
  for (int64_t i = 0; i < t.size(); ++i) t.set_float(i, 0.37 * static_cast<double>(i % 11) - 1.3);
  return t;
}

Tensor boolean(bool value) {
  Tensor t = Tensor::allocate(ElemType::boolean, {});
  t.set_int(0, value ? 1 : 0);
  return t;
}

// An If inside a Loop, three levels of captures, a product that is fused behind in the loop, and one outside of it
// whose unfused result only a nested graph reads.
constexpr std::string_view kDeep = R"(graph "deep" {
  input %x: float32[n,2]
  const %w: float32[2,2] = {0.5, -0.25, 1.5, 0.75}
  const %trips: int64[] = {4}
  %s: float32[n,2] = MatMul(%x, %w)
  %h: float32[n,2] = Relu(%s)
  %h2: float32[n,2] = Sigmoid(%h)
  %y: float32[n,2], %all: float32[4,n,2] = Loop(%trips, _, %h2) {body = graph "body" {
    capture %w1: float32[2,2] = %w
    capture %s1: float32[n,2] = %s
    input %i: int64[]
    input %c: bool[]
    input %v: float32[n,2]
    const %two: int64[] = {2}
    const %zero: int64[] = {0}
    %m: float32[n,2] = MatMul(%v, %w1)
    %t: float32[n,2] = Tanh(%m)
    %r: int64[] = Mod(%i, %two)
    %even: bool[] = Equal(%r, %zero)
    %q: float32[n,2] = If(%even) {then_branch = graph "even" {
      capture %t2: float32[n,2] = %t
      capture %s2: float32[n,2] = %s1
      %a: float32[n,2] = Add(%t2, %s2)
      return %a
    }, else_branch = graph "odd" {
      capture %t3: float32[n,2] = %t
      %b: float32[n,2] = Neg(%t3)
      return %b
    }}
    return %c, %q, %t
  }}
  %z: float32[n,2] = Mul(%y, %h)
  return %z, %all
})";

constexpr std::string_view kDeepUnrolled = R"(graph "flat" {
  input %x: float32[n,2]
  const %w: float32[2,2] = {0.5, -0.25, 1.5, 0.75}
  const %axes: int64[1] = {0}
  %s: float32[n,2] = MatMul(%x, %w)
  %h: float32[n,2] = Relu(%s)
  %h2: float32[n,2] = Sigmoid(%h)
  %m0: float32[n,2] = MatMul(%h2, %w)
  %t0: float32[n,2] = Tanh(%m0)
  %q0: float32[n,2] = Add(%t0, %s)
  %m1: float32[n,2] = MatMul(%q0, %w)
  %t1: float32[n,2] = Tanh(%m1)
  %q1: float32[n,2] = Neg(%t1)
  %m2: float32[n,2] = MatMul(%q1, %w)
  %t2: float32[n,2] = Tanh(%m2)
  %q2: float32[n,2] = Add(%t2, %s)
  %m3: float32[n,2] = MatMul(%q2, %w)
  %t3: float32[n,2] = Tanh(%m3)
  %q3: float32[n,2] = Neg(%t3)
  %z: float32[n,2] = Mul(%q3, %h)
  %u0: float32[1,n,2] = Unsqueeze(%t0, %axes)
  %u1: float32[1,n,2] = Unsqueeze(%t1, %axes)
  %u2: float32[1,n,2] = Unsqueeze(%t2, %axes)
  %u3: float32[1,n,2] = Unsqueeze(%t3, %axes)
  %all: float32[4,n,2] = Concat(%u0, %u1, %u2, %u3) {axis = 0}
  return %z, %all
})";

TEST(Nested, SameBitsAsUnrolledFusedOrNotReusedOrNotOnAnyThreads) {
  for (const int64_t batch : {1, 5}) {
    const Tensor x = ramp({batch, 2});
    Session flat = session_of(kDeepUnrolled, {.fuse = false, .reuse_memory = false});
    const auto want = run(flat, {x});
    for (const bool fuse : {false, true})
      for (const bool reuse : {false, true})
        for (const int threads : {1, 3}) {
          Session deep = session_of(kDeep, {.fuse = fuse, .reuse_memory = reuse}, threads);
          for (int again = 0; again < 2; ++again) {
            const auto got = run(deep, {x});
            ASSERT_EQ(got.size(), 2U);
            EXPECT_TRUE(same_bits(got[0], want[0])) << fuse << reuse << threads;
            EXPECT_TRUE(same_bits(got[1], want[1])) << fuse << reuse << threads;
          }
        }
  }
}

constexpr std::string_view kGrowing = R"(graph "growing" {
  input %x: float32[?,2]
  input %trips: int64[]
  %y: float32[?,2], %sizes: int64[?,2] = Loop(%trips, _, %x) {body = graph "body" {
    capture %x0: float32[?,2] = %x
    input %i: int64[]
    input %c: bool[]
    input %v: float32[?,2]
    %n: int64[2] = Shape(%v)
    %more: float32[?,2] = Concat(%v, %x0) {axis = 0}
    return %c, %more, %n
  }}
  %z: float32[?,2] = Relu(%y)
  return %z, %y, %sizes
})";

TEST(Nested, ShapesMayChangeFromOneIterationToTheNext) {
  Session session = session_of(kGrowing);
  for (const int64_t trips : {6, 0, 2, 1}) {
    const Tensor x = ramp({3, 2});
    const auto out = run(session, {x, Tensor::scalar(trips)});
    ASSERT_EQ(out.size(), 3U);
    EXPECT_EQ(out[0].dims(), (Dims{3 * (trips + 1), 2}));
    EXPECT_EQ(out[2].dims(), (Dims{trips, 2}));
    for (int64_t i = 0; i < trips; ++i) EXPECT_EQ(out[2].int_at(2 * i), 3 * (i + 1));
    for (int64_t i = 0; i < out[1].size(); ++i) EXPECT_EQ(out[1].float_at(i), x.float_at(i % x.size()));
  }
}

constexpr std::string_view kWhile = R"(graph "while" {
  input %x: float32[]
  input %go: bool[]
  const %limit: float32[] = {100}
  const %none: int64[] = {-1}
  %y: float32[], %k: int64[], %seen: float32[?] = Loop(_, %go, %x, %none) {body = graph "body" {
    capture %most: float32[] = %limit
    input %i: int64[]
    input %c: bool[]
    input %v: float32[]
    input %last: int64[]
    %w: float32[] = Add(%v, %v)
    %more: bool[] = Less(%w, %most)
    return %more, %w, %i, %v
  }}
  return %y, %k, %seen
})";

TEST(Nested, TheConditionEndsTheLoop) {
  Session session = session_of(kWhile);
  const auto out = run(session, {Tensor::scalar(3.0F), boolean(true)});
  EXPECT_EQ(out[0].float_at(0), 192);
  EXPECT_EQ(out[1].int_at(0), 5);
  EXPECT_EQ(out[2].dims(), (Dims{6}));
  EXPECT_EQ(out[2].float_at(5), 96);
  const auto none = run(session, {Tensor::scalar(3.0F), boolean(false)});
  EXPECT_EQ(none[0].float_at(0), 3);
  EXPECT_EQ(none[1].int_at(0), -1);
  EXPECT_EQ(none[2].dims(), (Dims{0}));
}

// Branches that return what they capture, a constant of their own, and tensors of other ranks.
constexpr std::string_view kBranches = R"(graph "branches" {
  input %x: float32[2,3]
  input %c: bool[1]
  %s: float32[2,3] = Sigmoid(%x)
  %y: float32[...], %z: float32[...] = If(%c) {then_branch = graph "t" {
    capture %s1: float32[2,3] = %s
    const %one: float32[1] = {1}
    return %s1, %one
  }, else_branch = graph "e" {
    capture %x1: float32[2,3] = %x
    const %flat: int64[1] = {-1}
    %f: float32[6] = Reshape(%x1, %flat)
    return %f, %x1
  }}
  %t: float32[2,3] = Tanh(%s)
  %n: float32[...] = Neg(%y)
  return %y, %z, %n, %t
})";

TEST(Nested, BranchesReturnWhatTheyLike) {
  Session session = session_of(kBranches);
  const Tensor x = ramp({2, 3});
  for (const bool c : {true, false, true}) {
    Tensor condition = Tensor::allocate(ElemType::boolean, {1});
    condition.set_int(0, c ? 1 : 0);
    const auto out = run(session, {x, condition});
    ASSERT_EQ(out.size(), 4U);
    EXPECT_EQ(out[0].dims(), c ? (Dims{2, 3}) : (Dims{6}));
    EXPECT_EQ(out[1].dims(), c ? (Dims{1}) : (Dims{2, 3}));
    for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(out[2].float_at(i), -out[0].float_at(i));
    if (!c) {
      EXPECT_TRUE(same_bits(out[1], x));
    }
  }
}

TEST(Nested, WrongNumbersOfElementsAreErrors) {
  std::string text(kBranches);
  text.replace(text.find("bool[1]"), 7, "bool[?]");
  Session session = session_of(text);
  Tensor two = Tensor::allocate(ElemType::boolean, {2});
  two.set_int(0, 1);
  two.set_int(1, 1);
  const std::vector<Tensor> inputs = {ramp({2, 3}), two};
  EXPECT_EQ(session.run(inputs).error().code, Code::model_invalid);
}

// Scanned values must have one shape.
TEST(Nested, ScansThatChangeTheirShapeAreErrors) {
  std::string text(kGrowing);
  text.replace(text.find("return %c, %more, %n"), 20, "return %c, %more, %v");
  text.replace(text.find("%sizes: int64[?,2]"), 18, "%sizes: float32[?,?,2]");
  Session session = session_of(text);
  const std::vector<Tensor> inputs = {ramp({3, 2}), Tensor::scalar(int64_t{3})};
  const auto out = session.run(inputs);
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code, Code::value_range);
  EXPECT_NE(out.error().message.find("iteration 1"), std::string::npos) << out.error().message;
}

// What is carried comes from memory that is used again before the results are read, and changes places on its way.
constexpr std::string_view kSwapping = R"(graph "swapping" {
  input %x: float32[8]
  input %n: int64[]
  %a: float32[8] = Sigmoid(%x)
  %b: float32[8] = Tanh(%x)
  %p: float32[8], %q: float32[8], %k: float32[8] = Loop(%n, _, %a, %b, %a) {body = graph "body" {
    input %i: int64[]
    input %c: bool[]
    input %v: float32[8]
    input %w: float32[8]
    input %kept: float32[8]
    %same: float32[8] = Identity(%kept)
    return %c, %w, %v, %same
  }}
  %t1: float32[8] = Exp(%x)
  %t2: float32[8] = Sin(%t1)
  %t3: float32[8] = Sigmoid(%t2)
  return %t3, %p, %q, %k
})";

TEST(Nested, WhatIsPassedOnStaysWhatItIs) {
  Session session = session_of(kSwapping);
  Session apart = session_of(kSwapping, {.fuse = false, .reuse_memory = false});
  const Tensor x = ramp({8});
  const auto none = run(apart, {x, Tensor::scalar(int64_t{0})});
  for (const int64_t trips : {0, 1, 2, 3}) {
    const auto got = run(session, {x, Tensor::scalar(trips)});
    ASSERT_EQ(got.size(), 4U);
    EXPECT_TRUE(same_bits(got[1], none[trips % 2 == 0 ? 1 : 2]));
    EXPECT_TRUE(same_bits(got[2], none[trips % 2 == 0 ? 2 : 1]));
    EXPECT_TRUE(same_bits(got[3], none[1]));
  }
}

constexpr std::string_view kEndless = R"(graph "endless" {
  input %x: float32[2]
  %y: float32[2] = Loop(_, _, %x) {body = graph "body" {
    input %i: int64[]
    input %c: bool[]
    input %v: float32[2]
    return %c, %v
  }}
  return %y
})";

TEST(NestedDeathTest, EndlessLoopsCanBeCancelled) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        set_limits({.iterations = std::numeric_limits<int64_t>::max()});
        Session session = session_of(kEndless);
        std::thread interrupt([] {
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
          request_cancel();
        });
        const Tensor x = ramp({2});
        const auto out = session.run({&x, 1});
        interrupt.join();
        std::exit(!out.ok() && out.error().code == Code::cancelled ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace assay::exec

// Operations on constants run once, when a session is made, and give what each run would give.
#include <gtest/gtest.h>

#include "exec/session.h"
#include "ir/text.h"
#include "ops/def.h"

namespace assay::exec {
namespace {

using ir::ElemType;
using ir::Tensor;

std::shared_ptr<ir::Graph> program(std::string_view text) {
  auto g = ir::parse(text);
  EXPECT_TRUE(g.ok()) << g.error().message << " at " << g.error().where;
  ops::set_rows(*g);
  return std::make_shared<ir::Graph>(*std::move(g));
}

std::vector<Tensor> run(const std::shared_ptr<ir::Graph>& graph, const std::vector<Tensor>& inputs,
                        MemoryReport* memory = nullptr) {
  auto session = Session::create(graph, std::make_shared<const Threads>(1));
  EXPECT_TRUE(session.ok()) << session.error().message;
  std::vector<Tensor> first;
  for (int i = 0; i < 2; ++i) {
    auto out = session->run(inputs);
    EXPECT_TRUE(out.ok()) << out.error().message << " at " << out.error().where;
    if (!out.ok()) return {};
    for (size_t k = 0; k < first.size(); ++k) EXPECT_TRUE(same_bits(first[k], (*out)[k])) << k;
    first = *std::move(out);
  }
  if (memory) *memory = session->memory();
  return first;
}

Tensor ramp(const ir::Dims& dims) {
  Tensor t = Tensor::allocate(ElemType::float32, dims);
  for (int64_t i = 0; i < t.size(); ++i) t.set_float(i, 0.37 * static_cast<double>(i % 11) - 1.3);
  return t;
}

// Weights that are cut, exchanged, bent and captured by a graph within; %e is an output of its own.
constexpr std::string_view kBody = R"(
  const %zero: int64[1] = {0}
  const %one: int64[1] = {1}
  const %two: int64[1] = {2}
  %a: float32[1,3] = Slice(%w, %zero, %one, %zero)
  %b: float32[1,3] = Slice(%w, %one, %two, %zero)
  %swapped: float32[2,3] = Concat(%b, %a) {axis = 0}
  %e: float32[2,3] = Exp(%swapped)
  %flat: float32[1,2,3] = Unsqueeze(%e, %zero)
  %m: float32[1,n,3] = MatMul(%x, %flat)
  %y: float32[1,n,3] = If(%c) {then_branch = graph "then" {
    capture %e1: float32[2,3] = %e
    const %first: int64[] = {0}
    %row: float32[3] = Gather(%e1, %first) {axis = 0}
    %r: float32[3] = Neg(%row)
    capture %m1: float32[1,n,3] = %m
    %t: float32[1,n,3] = Add(%m1, %r)
    return %t
  }, else_branch = graph "else" {
    capture %m2: float32[1,n,3] = %m
    %u: float32[1,n,3] = Neg(%m2)
    return %u
  }}
  return %y, %e
})";

TEST(Fold, GivesWhatRunsGive) {
  const std::string head = "graph \"g\" {\n  input %x: float32[n,2]\n  input %c: bool[]\n";
  const auto constant =
      program(head + "  const %w: float32[2,3] = {0.5, -0.25, 1.5, 0.75, -1, 0.125}\n" + std::string(kBody));
  const auto given = program(head + "  input %w: float32[2,3]\n" + std::string(kBody));
  const Tensor w = Tensor::of<float>(ElemType::float32, {2, 3}, std::vector<float>{0.5, -0.25, 1.5, 0.75, -1, 0.125});
  for (const int64_t choice : {0, 1}) {
    Tensor c = Tensor::allocate(ElemType::boolean, {});
    c.set_int(0, choice);
    MemoryReport memory;
    const auto folded = run(constant, {ramp({4, 2}), c}, &memory), want = run(given, {ramp({4, 2}), c, w});
    ASSERT_EQ(folded.size(), 2U);
    for (size_t k = 0; k < 2; ++k) EXPECT_TRUE(same_bits(folded[k], want[k])) << k;
    // %e and, where the graph within has run, what Neg makes of its row; not the pieces that they were made of.
    EXPECT_EQ(memory.constant_bytes, choice ? 36U : 24U);
  }
}

// As they are stored: rounded once by the policy of the operation that wrote them.
TEST(Fold, RoundsAsRunsDo) {
  const auto graph = [&](const char* w) {
    auto g = program(std::string("graph \"g\" {\n  input %x: float32[3]\n") + w +
                     "  %e: float32[3] = Exp(%w)\n  %y: float32[3] = Mul(%x, %e)\n  return %y\n}");
    for (ir::Op& op : g->ops) op.policy.result = {.format = num::format(num::FormatId::float16)};
    for (const ir::Op& op : g->ops) g->at(op.outputs[0]).storage = ElemType::float16;
    return g;
  };
  const Tensor w = Tensor::of<float>(ElemType::float32, {3}, std::vector<float>{0.3F, -1.7F, 12});
  const auto folded = run(graph("  const %w: float32[3] = {0.3, -1.7, 12}\n"), {ramp({3})});
  EXPECT_TRUE(same_bits(folded.at(0), run(graph("  input %w: float32[3]\n"), {ramp({3}), w}).at(0)));
}

// What would fail fails where it runs, if it runs; what would grow is left to each run.
TEST(Fold, LeavesFailuresAndLargeResultsToRuns) {
  const auto wrong = program(R"(graph "g" {
  input %x: float32[2]
  const %w: float32[2] = {1, 2}
  const %far: int64[] = {5}
  %r: float32[] = Gather(%w, %far) {axis = 0}
  %y: float32[2] = Add(%x, %r)
  return %y
})");
  auto session = Session::create(wrong, std::make_shared<const Threads>(1));
  ASSERT_TRUE(session.ok());
  const Tensor x = ramp({2});
  EXPECT_EQ(session->run({&x, 1}).error().code, Code::value_range);
  const auto large = program(R"(graph "g" {
  input %x: float32[1]
  const %w: float32[1] = {2}
  const %shape: int64[1] = {100000}
  %many: float32[100000] = Expand(%w, %shape)
  %y: float32[100000] = Mul(%many, %x)
  return %y
})");
  MemoryReport memory;
  EXPECT_EQ(run(large, {ramp({1})}, &memory).at(0).size(), 100000);
  EXPECT_LT(memory.constant_bytes, 1000U);
}

}  // namespace
}  // namespace assay::exec

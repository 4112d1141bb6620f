// Matrix products against the scalar definition of their accumulator, bit for bit.
#include "num/accumulate.h"
#include "ops/contraction/run_op_test.h"

namespace assay::ops::contraction {
namespace {

using ir::ElemType;
using ir::Tensor;

/// y[m][n] = dot of row m of a with column n of b, by definition.
Tensor defined(const Tensor& a, const Tensor& b, const num::Policy& policy) {
  const int64_t m = a.dims()[0], k = a.dims()[1], n = b.dims()[1];
  Tensor y = Tensor::allocate(policy.compute == num::FormatId::float64 ? ElemType::float64 : ElemType::float32, {m, n});
  std::vector<double> x(static_cast<size_t>(k)), w(static_cast<size_t>(k));
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t p = 0; p < k; ++p) {
        x[static_cast<size_t>(p)] = a.float_at(i * k + p);
        w[static_cast<size_t>(p)] = b.float_at(p * n + j);
      }
      const double dot = num::dot_reference(policy, x.data(), w.data(), x.size());
      if (y.elem() == ElemType::float64) {
        y.mutable_data<double>()[i * n + j] = dot;
      } else {
        y.mutable_data<float>()[i * n + j] = static_cast<float>(dot);
      }
    }
  }
  return y;
}

struct Case {
  const char* name;
  num::Policy policy;
};

num::Rounding to(num::FormatId id, num::Mode mode = num::Mode::nearest_even) {
  return {.format = num::format(id), .mode = mode};
}

std::vector<Case> policies() {
  using Kind = num::Accumulator::Kind;
  std::vector<Case> all;
  const auto add = [&](const char* name, const auto& change) {
    Case each{name, {}};
    change(each.policy);
    all.push_back(each);
  };
  add("strict", [](auto&) {});
  add("float64", [](auto& p) { p.compute = num::FormatId::float64; });
  add("unfused", [](auto& p) { p.accumulator.fused = false; });
  add("float16 steps", [](auto& p) { p.accumulator.step = to(num::FormatId::float16); });
  add("float16 unfused", [](auto& p) {
    p.accumulator.step = to(num::FormatId::float16);
    p.accumulator.fused = false;
  });
  add("float16 via float32", [](auto& p) {
    p.accumulator.step = to(num::FormatId::float16);
    p.accumulator.step_via_float32 = true;
  });
  add("bfloat16 steps", [](auto& p) { p.accumulator.step = to(num::FormatId::bfloat16); });
  add("tf32 nearest", [](auto& p) { p.operand = to(num::FormatId::tf32); });
  add("tf32 truncated", [](auto& p) { p.operand = to(num::FormatId::tf32, num::Mode::toward_zero); });
  add("flushed", [](auto& p) { p.flush_subnormals = true; });
  add("flushed steps", [](auto& p) { p.accumulator.flush_subnormals = true; });
  for (const bool fused : {false, true}) {
    add("flushed lanes", [&](auto& p) {
      p.accumulator.kind = Kind::lanes;
      p.accumulator.lanes = 8;
      p.accumulator.fused = fused;
      p.flush_subnormals = true;
    });
  }
  for (const int lanes : {4, 8, 16}) {
    add("lanes", [&](auto& p) {
      p.accumulator.kind = Kind::lanes;
      p.accumulator.lanes = lanes;
    });
  }
  add("exact", [](auto& p) { p.accumulator.kind = Kind::exact; });
  struct TensorCore {
    const char* name;
    num::FormatId operand;
    int block, fraction_bits;
    num::FormatId factors = num::FormatId::float32;
    int split_k = 1;
  };
  constexpr TensorCore kTensorCores[] = {
      {"ampere", num::FormatId::tf32, 4, 24},
      {"hopper", num::FormatId::float16, 16, 25},
      {"ampere, three parts of k", num::FormatId::tf32, 8, 24, num::FormatId::tf32, 3},
      {"volta", num::FormatId::float16, 4, 23, num::FormatId::float16},
      {"hopper in bfloat16", num::FormatId::bfloat16, 16, 25, num::FormatId::bfloat16},
  };
  for (const TensorCore& core : kTensorCores) {
    add(core.name, [&](auto& p) {
      p.operand = to(core.operand);
      p.accumulator.kind = Kind::aligned;
      p.accumulator.block = core.block;
      p.accumulator.fraction_bits = core.fraction_bits;
      p.accumulator.factors = core.factors;
      p.accumulator.split_k = core.split_k;
    });
  }
  add("float16 blocks", [](auto& p) {
    p.operand = to(num::FormatId::float16);
    p.accumulator.kind = Kind::aligned;
    p.accumulator.block = 8;
    p.accumulator.block_format = num::FormatId::float16;
    p.accumulator.block_mode = num::Mode::nearest_even;
  });
  add("split k", [](auto& p) { p.accumulator.split_k = 4; });
  add("exact to float16", [](auto& p) {
    p.accumulator.kind = Kind::exact;
    p.accumulator.step = to(num::FormatId::float16);
    p.accumulator.flush_subnormals = true;
  });
  add("float16 truncated", [](auto& p) { p.accumulator.step = to(num::FormatId::float16, num::Mode::toward_zero); });
  add("neural engine as stored", [](auto& p) {
    p.operand = to(num::FormatId::float16);
    p.accumulator.kind = Kind::tiles;
    p.accumulator.block = 4;
    p.accumulator.fraction_bits = 12;
    p.accumulator.product = to(num::FormatId::float16);
    p.accumulator.step = to(num::FormatId::float16);
    p.accumulator.step->limit = 32768;
    p.accumulator.step->flush_subnormals = true;
  });
  add("neural engine", [](auto& p) {
    p.operand = to(num::FormatId::float16);
    p.accumulator.kind = Kind::tiles;
    p.accumulator.block = 4;
    p.accumulator.fraction_bits = 12;
  });
  for (const auto rule : {num::Accumulator::PairRule::odd_then_even, num::Accumulator::PairRule::even_odd_sums,
                          num::Accumulator::PairRule::round_to_odd}) {
    add("pairs", [&](auto& p) {
      p.operand = to(num::FormatId::bfloat16);
      p.accumulator.kind = Kind::pairs;
      p.accumulator.pairs = rule;
      p.accumulator.block = rule == num::Accumulator::PairRule::even_odd_sums ? 32 : 2;
      p.accumulator.flush_subnormals = true;
    });
  }
  return all;
}

class ProductTest : public ::testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(num::force_isa(num::Isa::best).ok()); }
};

TEST_F(ProductTest, EveryAccumulatorIsItsDefinition) {
  std::mt19937 random(3);
  const ir::Dims shapes[] = {{1, 1, 1}, {5, 0, 3}, {7, 3, 17}, {13, 37, 33}, {2, 300, 40}, {25, 65, 1}};
  for (const Case& each : policies()) {
    for (const auto& shape : shapes) {
      for (const Fill fill : {Fill::normal, Fill::halves, Fill::wild}) {
        SCOPED_TRACE(std::string(each.name) + " " + ir::to_string(shape) + " fill " +
                     std::to_string(static_cast<int>(fill)));
        const Tensor a = random_tensor(random, {shape[0], shape[1]}, fill);
        const Tensor b = random_tensor(random, {shape[1], shape[2]}, fill);
        const Tensor want = defined(a, b, each.policy);
        on_every_path([&](int threads) {
          const OneOp op{.type = "MatMul",
                         .inputs = {a, b},
                         .policy = each.policy,
                         .storage = want.elem(),
                         .prepare = threads == 1,
                         .threads = threads};
          EXPECT_TRUE(same(op.run(), want));
        });
        if (HasFailure()) return;
      }
    }
  }
}

TEST_F(ProductTest, LargeProductsOnEveryPath) {
  std::mt19937 random(5);
  const Tensor a = random_tensor(random, {97, 520}, Fill::normal), b = random_tensor(random, {520, 133}, Fill::normal);
  const Tensor want = defined(a, b, {});
  on_every_path([&](int threads) {
    EXPECT_TRUE(same(OneOp{.type = "MatMul", .inputs = {a, b}, .threads = threads}.run(), want));
  });
}

TEST_F(ProductTest, NarrowStorageIsWidenedExactly) {
  std::mt19937 random(6);
  for (const ElemType elem : {ElemType::float16, ElemType::bfloat16}) {
    const Tensor a = random_tensor(random, {9, 50}, Fill::normal, elem);
    const Tensor b = random_tensor(random, {50, 41}, Fill::normal, elem);
    const Tensor wide = defined(a, b, {});
    Tensor want = Tensor::allocate(elem, {9, 41});
    for (int64_t i = 0; i < want.size(); ++i) want.set_float(i, wide.float_at(i));
    num::Policy policy;
    policy.result = to(elem == ElemType::float16 ? num::FormatId::float16 : num::FormatId::bfloat16);
    on_every_path([&](int threads) {
      for (const bool prepare : {false, true}) {
        EXPECT_TRUE(same(
            OneOp{.type = "MatMul", .inputs = {a, b}, .policy = policy, .prepare = prepare, .threads = threads}.run(),
            want));
      }
    });
    const Tensor row = Tensor::view(elem, {50}, a.bytes(), nullptr);
    const Tensor one = OneOp{.type = "MatMul", .inputs = {row, b}, .policy = policy}.run();
    for (int64_t i = 0; i < one.size(); ++i) EXPECT_EQ(one.float_at(i), want.float_at(i));
  }
}

TEST_F(ProductTest, BatchesBroadcast) {
  std::mt19937 random(7);
  const Tensor a = random_tensor(random, {2, 1, 3, 5}, Fill::normal),
               b = random_tensor(random, {4, 5, 6}, Fill::normal);
  const Tensor y = OneOp{.type = "MatMul", .inputs = {a, b}, .threads = 2}.run();
  ASSERT_EQ(y.dims(), (ir::Dims{2, 4, 3, 6}));
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t j = 0; j < 4; ++j) {
      const Tensor x = Tensor::view(ElemType::float32, {3, 5}, a.bytes() + i * 15 * 4, nullptr);
      const Tensor w = Tensor::view(ElemType::float32, {5, 6}, b.bytes() + j * 30 * 4, nullptr);
      const Tensor part = Tensor::view(ElemType::float32, {3, 6}, y.bytes() + (i * 4 + j) * 18 * 4, nullptr);
      EXPECT_TRUE(same(part, defined(x, w, {})));
    }
  }
  const Tensor flat = OneOp{.type = "MatMul", .inputs = {a, random_tensor(random, {5}, Fill::normal)}}.run();
  EXPECT_EQ(flat.dims(), (ir::Dims{2, 1, 3}));
}

TEST_F(ProductTest, IntegersWrap) {
  const std::vector<int32_t> a = {1 << 20, 3, -5, 7}, b = {1 << 20, 1, 2, -1};
  const Tensor y = OneOp{.type = "MatMul",
                         .inputs = {Tensor::of<int32_t>(ElemType::int32, {2, 2}, a),
                                    Tensor::of<int32_t>(ElemType::int32, {2, 2}, b)}}
                       .run();
  EXPECT_EQ(y.ints(), (ir::Dims{6, (1 << 20) - 3, -5 * (1 << 20) + 14, -12}));
}

Tensor transposed(const Tensor& t) {
  Tensor out = Tensor::allocate(t.elem(), {t.dims()[1], t.dims()[0]});
  for (int64_t i = 0; i < t.dims()[0]; ++i)
    for (int64_t j = 0; j < t.dims()[1]; ++j)
      out.mutable_data<float>()[j * t.dims()[0] + i] = t.data<float>()[i * t.dims()[1] + j];
  return out;
}

TEST_F(ProductTest, GemmScalesAndAdds) {
  std::mt19937 random(8);
  for (const int64_t m : {1, 14}) {
    const Tensor a = random_tensor(random, {m, 19}, Fill::normal), b = random_tensor(random, {19, 23}, Fill::normal);
    const Tensor dot = defined(a, b, {});
    for (const ir::Dims& shape : {ir::Dims{}, {23}, {1, 23}, {m, 1}, {m, 23}}) {
      const Tensor c = random_tensor(random, shape, Fill::normal);
      for (const float alpha : {1.0f, 0.7f}) {
        for (const float beta : {1.0f, -1.3f}) {
          Tensor want = Tensor::allocate(ElemType::float32, {m, 23});
          for (int64_t i = 0; i < want.size(); ++i) {
            const int64_t row = i / 23, column = i % 23;
            const int64_t at = c.size() == 1       ? 0
                               : shape.size() == 1 ? column
                               : shape[0] == 1     ? column
                               : shape[1] == 1     ? row
                                                   : i;
            float v = dot.data<float>()[i], add = c.data<float>()[at];
            if (alpha != 1) v = alpha * v;
            if (beta != 1) add = beta * add;
            want.mutable_data<float>()[i] = v + add;
          }
          for (const int flags : {0, 1, 2, 3}) {
            OneOp op{
                .type = "Gemm",
                .inputs = {flags & 1 ? transposed(a) : a, flags & 2 ? transposed(b) : b, c},
                .attrs = {
                    {"alpha", alpha}, {"beta", beta}, {"transA", int64_t{flags & 1}}, {"transB", int64_t{flags >> 1}}}};
            EXPECT_TRUE(same(op.run(), want)) << flags;
            op.inputs.pop_back();
            op.inputs.push_back(c);
            op.prepare = true;
            EXPECT_TRUE(same(op.run(), want)) << flags;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace assay::ops::contraction

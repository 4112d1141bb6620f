// Quantised operators of com.microsoft against their formulas; tests/python/differential compares them with ONNX
// Runtime.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using ir::Dims;
using ir::ElemType;
using ir::Tensor;
using testing::doubles;
using testing::f32;
using testing::floats;
using testing::i64;
using testing::integers;
using testing::ints;
using testing::OneOp;
using testing::run_everywhere;

OneOp microsoft(std::string_view type) { return OneOp(type, "com.microsoft"); }
Tensor scale(float value) { return f32({}, {value}); }
Tensor u8(Dims dims, const std::vector<int64_t>& values) { return ints(ElemType::uint8, std::move(dims), values); }

TEST(QLinear, AddBroadcastsAndSaturates) {
  const Tensor y = microsoft("QLinearAdd")
                       .in(u8({2, 2}, {10, 12, 200, 255}))
                       .in(scale(0.5F))
                       .in(u8({}, {10}))
                       .in(u8({2}, {0, 4}))
                       .in(scale(0.25F))
                       .absent()
                       .in(scale(0.5F))
                       .in(u8({}, {3}))
                       .run();
  EXPECT_EQ(integers(y), (Dims{3, 7, 193, 250}));
}

TEST(QLinear, UnaryOperators) {
  const auto run = [](OneOp op) { return integers(op.run()); };
  const auto unary = [](std::string_view type) {
    return microsoft(type)
        .in(u8({3}, {0, 128, 255}))
        .in(scale(0.1F))
        .in(u8({}, {128}))
        .in(scale(1.0F / 256))
        .in(u8({}, {0}));
  };
  EXPECT_EQ(run(unary("QLinearSigmoid")), (Dims{0, 128, 255}));
  const OneOp leaky = microsoft("QLinearLeakyRelu")
                          .attr("alpha", 0.5F)
                          .in(u8({3}, {0, 128, 255}))
                          .in(scale(1))
                          .in(u8({}, {128}))
                          .in(scale(1))
                          .in(u8({}, {100}));
  EXPECT_EQ(run(leaky), (Dims{36, 100, 227}));
  const OneOp softmax = microsoft("QLinearSoftmax")
                            .attr("axis", int64_t{1})
                            .attr("opset", int64_t{13})
                            .in(u8({1, 2}, {7, 7}))
                            .in(scale(1))
                            .in(u8({}, {0}))
                            .in(scale(1.0F / 256))
                            .in(u8({}, {0}));
  EXPECT_EQ(run(softmax), (Dims{128, 128}));
}

TEST(QLinear, ConcatWhereAndMeans) {
  const Tensor joined = microsoft("QLinearConcat")
                            .attr("axis", int64_t{0})
                            .in(scale(0.5F))
                            .in(u8({}, {1}))
                            .in(u8({2}, {1, 2}))
                            .in(scale(1))
                            .in(u8({}, {0}))
                            .in(u8({1}, {9}))
                            .in(scale(0.5F))
                            .in(u8({}, {1}))
                            .run();
  EXPECT_EQ(integers(joined), (Dims{3, 5, 9}));
  const Tensor chosen = microsoft("QLinearWhere")
                            .in(ints(ElemType::boolean, {2}, {1, 0}))
                            .in(u8({2}, {4, 4}))
                            .in(scale(1))
                            .in(u8({}, {0}))
                            .in(u8({2}, {6, 6}))
                            .in(scale(2))
                            .in(u8({}, {0}))
                            .in(scale(1))
                            .in(u8({}, {0}))
                            .run();
  EXPECT_EQ(integers(chosen), (Dims{4, 12}));
  const Tensor mean = microsoft("QLinearReduceMean")
                          .attr("axes", Dims{-1})
                          .attr("keepdims", int64_t{0})
                          .in(u8({2, 2}, {1, 4, 7, 9}))
                          .in(scale(1))
                          .in(u8({}, {1}))
                          .in(scale(0.5F))
                          .in(u8({}, {0}))
                          .run();
  EXPECT_EQ(integers(mean), (Dims{3, 14}));
  EXPECT_EQ(mean.dims(), Dims{2});
}

TEST(QLinear, Pools) {
  const auto quantised = [](OneOp op) {
    return op.in(u8({1, 1, 2, 2}, {1, 2, 3, 6})).in(scale(1)).in(u8({}, {0})).in(scale(0.5F)).in(u8({}, {1})).run();
  };
  EXPECT_EQ(integers(quantised(microsoft("QLinearGlobalAveragePool"))), Dims{7});
  EXPECT_EQ(integers(quantised(microsoft("QLinearAveragePool").attr("kernel_shape", Dims{1, 2}))), (Dims{4, 10}));
}

TEST(QLinear, NoScaleButOne) {
  const auto result = microsoft("QLinearSigmoid").in(u8({1}, {1})).in(f32({2}, {1, 1})).absent().in(scale(1)).try_run();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::model_invalid);
}

TEST(MatMulIntegerToFloat, ScalesThenBias) {
  const Tensor a = u8({1, 2}, {3, 4}), b = ints(ElemType::int8, {2, 2}, {1, -2, 3, 4});
  const Tensor y = microsoft("MatMulIntegerToFloat")
                       .in(a)
                       .in(b)
                       .in(scale(0.5F))
                       .in(f32({2}, {1, 2}))
                       .in(u8({}, {1}))
                       .in(ints(ElemType::int8, {2}, {0, 1}))
                       .in(f32({2}, {0.25F, 100}))
                       .run();
  EXPECT_EQ(doubles(y), (std::vector<double>{5.75, 103}));
}

TEST(QGemm, TransposesAddendAndCodes) {
  const auto run = [](bool as_codes, Dims c_dims, const std::vector<int64_t>& c) {
    OneOp op = microsoft("QGemm");
    op.attr("transA", int64_t{1}).attr("transB", int64_t{1}).attr("alpha", 2.0F);
    op.in(u8({2, 1}, {3, 4})).in(scale(0.5F)).in(u8({}, {1}));
    op.in(ints(ElemType::int8, {2, 2}, {1, -2, 3, 4})).in(f32({2}, {1, 0.5F})).in(ints(ElemType::int8, {2}, {0, 0}));
    op.in(ints(ElemType::int32, std::move(c_dims), c));
    if (as_codes) op.in(scale(2)).in(u8({}, {10}));
    return doubles(op.run());
  };
  // sums: 2 * 1 + 3 * -2 = -4, 2 * 3 + 3 * 4 = 18
  EXPECT_EQ(run(false, {}, {1}), (std::vector<double>{-3, 9.5}));
  EXPECT_EQ(run(false, {1, 2}, {0, 2}), (std::vector<double>{-4, 10}));
  EXPECT_EQ(run(true, {2}, {0, 2}), (std::vector<double>{8, 15}));
}

/// Codes of `bits` packed from the low bits up.
Tensor packed(const std::vector<int>& codes, int bits, Dims dims) {
  Tensor t = Tensor::allocate(ElemType::uint8, std::move(dims));
  for (int64_t i = 0; i < t.size(); ++i) t.set_int(i, 0);
  const int each = 8 / bits;
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto at = static_cast<int64_t>(i) / each;
    t.set_int(at, t.int_at(at) | codes[i] << (static_cast<int>(i) % each * bits));
  }
  return t;
}

TEST(MatMulNBits, AllWidths) {
  std::mt19937 random(5);
  constexpr int64_t kN = 3, kK = 40, kBlock = 16, kBlocks = 3;
  for (const int bits : {2, 4, 8}) {
    for (const int form : {0, 1, 2, 3}) {  // no zero points, packed ones, floats, groups
      std::vector<int> codes(kN * kBlocks * kBlock), zeros(kN * kBlocks, 1 << (bits - 1));
      for (int& c : codes) c = static_cast<int>(random() % (1U << bits));
      const std::vector<float> a = testing::random_floats(2 * kK, -1, 1), scales = testing::random_floats(9, 0.1F, 1);
      OneOp op = microsoft("MatMulNBits");
      op.attr("K", kK).attr("N", kN).attr("bits", int64_t{bits}).attr("block_size", kBlock);
      op.in(f32({2, kK}, a)).in(packed(codes, bits, {kN, kBlocks, kBlock * bits / 8})).in(f32({9}, scales));
      if (form == 1) {
        const int64_t row = (kBlocks * bits + 7) / 8;
        Tensor t = Tensor::allocate(ElemType::uint8, {kN * row});
        for (int64_t n = 0; n < kN; ++n) {
          std::vector<int> own;
          for (int64_t i = 0; i < kBlocks; ++i)
            own.push_back(zeros[static_cast<size_t>(n * kBlocks + i)] = static_cast<int>(random() % (1U << bits)));
          const Tensor one = packed(own, bits, {row});
          for (int64_t i = 0; i < row; ++i) t.set_int(n * row + i, one.int_at(i));
        }
        op.in(t);
      } else if (form == 2) {
        op.in(f32({9}, std::vector<float>(9, 1.5F)));
      } else {
        op.absent();
      }
      std::vector<int64_t> groups;
      for (int64_t k = 0; k < kK; ++k)
        groups.push_back(form == 3 ? static_cast<int64_t>(random() % kBlocks) : k / kBlock);
      form == 3 ? op.in(ints(ElemType::int32, {kK}, groups)) : op.absent();
      op.in(f32({kN}, {1, 2, 3}));
      const std::vector<double> y = doubles(op.run());
      for (int64_t i = 0; i < 2 * kN; ++i) {
        double sum = static_cast<double>(i % kN + 1);
        for (int64_t k = 0; k < kK; ++k) {
          const auto at = static_cast<size_t>(i % kN * kBlocks + groups[static_cast<size_t>(k)]);
          const double z = form == 2 ? 1.5 : zeros[at];
          sum += static_cast<double>(a[static_cast<size_t>(i / kN * kK + k)]) *
                 (codes[static_cast<size_t>(i % kN * kBlocks * kBlock + k)] - z) * static_cast<double>(scales[at]);
        }
        EXPECT_NEAR(y[static_cast<size_t>(i)], sum, 1e-2 * (bits == 8 ? 1 : 0.05)) << bits << " bits, form " << form;
      }
    }
  }
}

TEST(MatMulNBits, SizesAreChecked) {
  const auto run = [](int64_t n, int64_t block, int64_t group) {
    OneOp op = microsoft("MatMulNBits");
    op.attr("K", int64_t{16}).attr("N", n).attr("bits", int64_t{4}).attr("block_size", block);
    op.in(f32({1, 16}, std::vector<float>(16, 1))).in(u8({1, 1, 8}, Dims(8, 0x11))).in(f32({1}, {1})).absent();
    return op.in(ints(ElemType::int32, {16}, Dims(16, group))).try_run();
  };
  EXPECT_TRUE(run(1, 16, 0).ok());
  EXPECT_FALSE(run(2, 16, 0).ok());
  EXPECT_FALSE(run(int64_t{1} << 39, 16, 0).ok());
  EXPECT_FALSE(run(1, 17, 0).ok());
  EXPECT_FALSE(run(1, 16, 1).ok());
  EXPECT_FALSE(run(1, 16, -1).ok());
}

TEST(GatherBlockQuantized, RowsOfCodes) {
  // Two rows of 32 codes of 4 bits, blocks of 16; codes k % 16.
  std::vector<int> codes;
  for (int i = 0; i < 64; ++i) codes.push_back(i % 16);
  const auto op = [&](const Tensor& picks) {
    OneOp o = microsoft("GatherBlockQuantized");
    o.attr("bits", int64_t{4}).attr("block_size", int64_t{16}).attr("gather_axis", int64_t{0});
    return o.attr("quantize_axis", int64_t{1}).in(packed(codes, 4, {2, 16})).in(picks).in(f32({2, 2}, {1, 2, 3, 4}));
  };
  const std::vector<double> y = doubles(op(i64({1}, {-1})).in(packed({1, 2, 0, 0}, 4, {2, 1})).run());
  ASSERT_EQ(y.size(), 32U);
  for (size_t k = 0; k < 32; ++k) EXPECT_EQ(y[k], static_cast<double>(k % 16) * (k < 16 ? 3 : 4));
  EXPECT_EQ(doubles(op(i64({}, {0})).run())[17], (1 - 8) * 2);
  const auto wrong = op(i64({1}, {2})).try_run();
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, Code::value_range);
}

TEST(GatherBlockQuantized, FourBitTypesAlongAnyAxis) {
  std::vector<int64_t> codes;
  for (int64_t i = 0; i < 32; ++i) codes.push_back(i % 16 - 8);
  OneOp op = microsoft("GatherBlockQuantized");
  op.attr("block_size", int64_t{16}).attr("gather_axis", int64_t{1}).attr("quantize_axis", int64_t{0});
  op.in(ints(ElemType::int4, {16, 2}, codes)).in(i64({1}, {1})).in(f32({1, 2}, {1, 0.5F}));
  const std::vector<double> y = doubles(op.run());
  ASSERT_EQ(y.size(), 16U);
  for (size_t i = 0; i < 16; ++i) EXPECT_EQ(y[i], static_cast<double>(codes[2 * i + 1]) * 0.5);
}

TEST(DynamicQuantizeLstm, NearTheLstm) {
  std::mt19937 random(6);
  constexpr int64_t kSteps = 3, kBatch = 2, kInput = 4, kHidden = 5;
  const Tensor x = f32({kSteps, kBatch, kInput}, testing::random_floats(24, -1, 1));
  Tensor w = Tensor::allocate(ElemType::int8, {1, kInput, 4 * kHidden}),
         r = Tensor::allocate(ElemType::int8, {1, kHidden, 4 * kHidden});
  for (Tensor* t : {&w, &r})
    for (int64_t i = 0; i < t->size(); ++i) t->set_int(i, static_cast<int64_t>(random() % 200) - 100);
  const auto turned = [](const Tensor& t) {  // [1][k][n] of codes to [1][n][k] of what they stand for
    const int64_t k = t.dims()[1], n = t.dims()[2];
    Tensor out = Tensor::allocate(ElemType::float32, {1, n, k});
    for (int64_t i = 0; i < k * n; ++i) out.set_float(i % n * k + i / n, 0.005F * static_cast<float>(t.int_at(i)));
    return out;
  };
  const Tensor bias = f32({1, 8 * kHidden}, testing::random_floats(40, -0.5F, 0.5F));
  for (const char* direction : {"forward", "reverse"}) {
    const Tensor lengths = ints(ElemType::int32, {kBatch}, {3, 2});
    const std::vector<Tensor> got = microsoft("DynamicQuantizeLSTM")
                                        .attr("direction", std::string(direction))
                                        .attr("hidden_size", kHidden)
                                        .in(x)
                                        .in(w)
                                        .in(r)
                                        .in(bias)
                                        .in(lengths)
                                        .absent()
                                        .absent()
                                        .absent()
                                        .in(f32({1}, {0.005F}))
                                        .in(ints(ElemType::int8, {1}, {0}))
                                        .in(f32({1}, {0.005F}))
                                        .in(ints(ElemType::int8, {1}, {0}))
                                        .outputs(3)
                                        .run_all();
    const std::vector<Tensor> want = OneOp("LSTM")
                                         .attr("direction", std::string(direction))
                                         .attr("hidden_size", kHidden)
                                         .in(x)
                                         .in(turned(w))
                                         .in(turned(r))
                                         .in(bias)
                                         .in(lengths)
                                         .outputs(3)
                                         .run_all();
    for (size_t i = 0; i < 3; ++i) {
      ASSERT_EQ(got[i].dims(), want[i].dims());
      for (int64_t k = 0; k < got[i].size(); ++k) EXPECT_NEAR(got[i].float_at(k), want[i].float_at(k), 0.02);
    }
  }
}

}  // namespace
}  // namespace assay::ops

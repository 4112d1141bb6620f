// Data movement against index arithmetic written out element by element.
#include "ops/move.h"

#include <gtest/gtest.h>

#include <bit>
#include <numeric>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using ir::Dims;
using ir::ElemType;
using ir::Tensor;
using testing::f32;
using testing::i64;
using testing::OneOp;

Tensor counting(ElemType elem, const Dims& dims) {
  Tensor t = Tensor::allocate(elem, dims);
  for (int64_t i = 0; i < t.size(); ++i) {
    if (elem == ElemType::string)
      t.mutable_strings()[static_cast<size_t>(i)] = "s" + std::to_string(i);
    else if (ir::is_float(elem))
      t.set_float(i, static_cast<double>(i % 2000));
    else
      t.set_int(i, i);
  }
  return t;
}

/// out[index] = in[perm^-1 index], one element at a time.
Tensor naive_transpose(const Tensor& in, const Dims& perm) {
  Dims dims;
  for (const int64_t p : perm) dims.push_back(in.dims()[static_cast<size_t>(p)]);
  Tensor out = Tensor::allocate(in.elem(), dims);
  const Dims strides = strides_of(in.dims());
  Dims index(dims.size());
  for (int64_t n = 0; n < out.size(); ++n) {
    int64_t from = 0;
    for (size_t k = 0; k < perm.size(); ++k) from += index[k] * strides[static_cast<size_t>(perm[k])];
    copy_run(in, from, out, n, 1);
    next_index(index, dims);
  }
  return out;
}

TEST(Move, TransposeOfEveryElementSizeAndPermutation) {
  for (const ElemType elem : {ElemType::uint8, ElemType::float16, ElemType::float32, ElemType::int64, ElemType::int4,
                              ElemType::uint2, ElemType::string}) {
    Dims perm = {0, 1, 2, 3};
    do {
      const Tensor in = counting(elem, {2, 5, 19, 33});
      EXPECT_TRUE(same_bits(OneOp("Transpose").attr("perm", perm).in(in).threads(2).run(), naive_transpose(in, perm)))
          << ir::elem_name(elem) << ir::to_string(perm);
    } while (std::next_permutation(perm.begin(), perm.end()));
  }
}

TEST(Move, KeepsNanPayloads) {
  Tensor in = f32({4}, {0, 0, 0, 0});
  const uint32_t bits[] = {0x7f800001u, 0xffc01234u, 0x80000000u, 0x7fc00000u};
  for (size_t i = 0; i < 4; ++i) in.mutable_data<float>()[i] = std::bit_cast<float>(bits[i]);
  for (const Tensor& out :
       {OneOp("Concat").attr("axis", int64_t{0}).in(in).run(), OneOp("Tile").in(in).in(i64({1}, {1})).run(),
        OneOp("Gather").in(in).in(i64({4}, {0, 1, 2, -1})).run(),
        OneOp("Resize").in(in).absent().absent().in(i64({1}, {4})).run()})
    EXPECT_TRUE(same_bits(in, out));
}

TEST(Move, SliceClampsAsOnnxSays) {
  const Tensor in = counting(ElemType::int64, {10});
  const auto slice = [&](int64_t begin, int64_t end, int64_t step) {
    return OneOp("Slice")
        .in(in)
        .in(i64({1}, {begin}))
        .in(i64({1}, {end}))
        .in(i64({1}, {0}))
        .in(i64({1}, {step}))
        .run()
        .ints();
  };
  EXPECT_EQ(slice(2, INT64_MAX, 3), (Dims{2, 5, 8}));
  EXPECT_EQ(slice(-1, INT64_MIN, -4), (Dims{9, 5, 1}));
  EXPECT_EQ(slice(INT64_MAX, INT64_MIN, -1).size(), 10U);
  EXPECT_EQ(slice(INT64_MIN, INT64_MAX, INT64_MAX), (Dims{0}));
  EXPECT_EQ(slice(INT64_MAX, INT64_MIN, INT64_MIN), (Dims{9}));
  EXPECT_EQ(slice(7, 3, 1), (Dims{}));
  EXPECT_EQ(slice(-3, -1, 1), (Dims{7, 8}));
  EXPECT_EQ(slice(-11, INT64_MIN, -1), (Dims{0}));
}

TEST(Move, PadModes) {
  const Tensor in = i64({4}, {1, 2, 3, 4});
  const auto pad = [&](const char* mode, int64_t begin, int64_t end) {
    return OneOp("Pad").attr("mode", std::string(mode)).in(in).in(i64({2}, {begin, end})).run().ints();
  };
  EXPECT_EQ(pad("constant", 2, 1), (Dims{0, 0, 1, 2, 3, 4, 0}));
  EXPECT_EQ(pad("edge", 2, 1), (Dims{1, 1, 1, 2, 3, 4, 4}));
  EXPECT_EQ(pad("reflect", 2, 3), (Dims{3, 2, 1, 2, 3, 4, 3, 2, 1}));
  EXPECT_EQ(pad("wrap", 2, 1), (Dims{3, 4, 1, 2, 3, 4, 1}));
  EXPECT_EQ(pad("constant", -1, 2), (Dims{2, 3, 4, 0, 0}));
  EXPECT_EQ(pad("edge", -1, 1), (Dims{2, 3, 4, 4}));
  EXPECT_EQ(pad("reflect", 7, 0), (Dims{2, 1, 2, 3, 4, 3, 2, 1, 2, 3, 4}));
}

TEST(Move, ReshapeInfersAndRefuses) {
  const Tensor in = counting(ElemType::float32, {2, 3, 4});
  const auto shape = [&](Dims wanted, int64_t allow_zero = 0) {
    const auto n = static_cast<int64_t>(wanted.size());
    return OneOp("Reshape").attr("allowzero", allow_zero).in(in).in(i64({n}, wanted)).infer();
  };
  EXPECT_EQ((*shape({0, -1}))[0].dims(), (Dims{2, 12}));
  EXPECT_FALSE(shape({5, -1}).ok());
  EXPECT_FALSE(shape({-1, -1}).ok());
  EXPECT_FALSE(shape({2, 3, 4, 0}).ok());
  EXPECT_FALSE(shape({0, 24}, 1).ok());
  const Tensor none = Tensor::allocate(ElemType::float32, {0, 3});
  EXPECT_EQ(OneOp("Reshape").attr("allowzero", int64_t{1}).in(none).in(i64({2}, {7, 0})).run().dims(), (Dims{7, 0}));
}

TEST(Move, ScalarsAndEmptyTensors) {
  const Tensor scalar = Tensor::scalar(3.0F), none = Tensor::allocate(ElemType::float32, {2, 0, 3});
  EXPECT_EQ(OneOp("Unsqueeze").in(scalar).in(i64({2}, {0, -1})).run().dims(), (Dims{1, 1}));
  EXPECT_EQ(OneOp("Expand").in(scalar).in(i64({2}, {2, 0})).run().dims(), (Dims{2, 0}));
  EXPECT_EQ(OneOp("Transpose").in(none).run().dims(), (Dims{3, 0, 2}));
  EXPECT_EQ(OneOp("Concat").attr("axis", int64_t{1}).in(none).in(counting(ElemType::float32, {2, 1, 3})).run().dims(),
            (Dims{2, 1, 3}));
  EXPECT_EQ(OneOp("Size").in(none).run().int_at(0), 0);
  EXPECT_EQ(OneOp("Shape").in(scalar).run().dims(), (Dims{0}));
}

TEST(Move, HostileIndicesAndSizesAreErrors) {
  const Tensor in = counting(ElemType::float32, {3, 2});
  EXPECT_FALSE(OneOp("Gather").in(in).in(i64({1}, {3})).try_run().ok());
  EXPECT_FALSE(OneOp("Gather").in(in).in(i64({1}, {INT64_MIN})).try_run().ok());
  EXPECT_FALSE(OneOp("GatherND").in(in).in(i64({1, 2}, {0, -3})).try_run().ok());
  EXPECT_FALSE(OneOp("ScatterElements").in(in).in(i64({1, 1}, {9})).in(f32({1, 1}, {0})).try_run().ok());
  EXPECT_FALSE(OneOp("ConstantOfShape").in(i64({2}, {INT64_MAX, 2})).try_run().ok());
  EXPECT_FALSE(OneOp("Tile").in(in).in(i64({2}, {INT64_MAX, 2})).try_run().ok());
  EXPECT_FALSE(OneOp("Range").in(i64({}, {0})).in(i64({}, {INT64_MAX})).in(i64({}, {1})).try_run().ok());
  EXPECT_FALSE(OneOp("Pad").in(in).in(i64({4}, {0, 0, INT64_MAX, 0})).try_run().ok());
  EXPECT_FALSE(OneOp("TopK").in(in).in(i64({1}, {3})).try_run().ok());
  EXPECT_FALSE(OneOp("Resize").in(in).absent().in(f32({2}, {1e30F, 1})).try_run().ok());
}

TEST(Move, OldVersionsAreUpgraded) {
  const Tensor in = counting(ElemType::float32, {1, 4, 1, 3});
  EXPECT_EQ(OneOp("Squeeze").attr("axes", Dims{0}).in(in).opset(11).run().dims(), (Dims{4, 1, 3}));
  EXPECT_EQ(OneOp("Reshape").attr("shape", Dims{3, -1}).in(in).opset(1).run().dims(), (Dims{3, 4}));
  EXPECT_EQ(
      OneOp("Slice").attr("starts", Dims{1}).attr("ends", Dims{3}).attr("axes", Dims{1}).in(in).opset(9).run().dims(),
      (Dims{1, 2, 1, 3}));
  EXPECT_EQ(
      OneOp("Split").attr("axis", int64_t{1}).attr("split", Dims{1, 3}).in(in).outputs(2).opset(2).run_all()[1].dims(),
      (Dims{1, 3, 1, 3}));
  EXPECT_EQ(OneOp("TopK").attr("k", int64_t{2}).in(in).outputs(2).opset(1).run_all()[1].ints(),
            (Dims{2, 1, 2, 1, 2, 1, 2, 1}));
  const Tensor padded =
      OneOp("Pad").attr("paddings", Dims{0, 0, 0, 1, 0, 0, 0, 0}).attr("value", 5.0F).in(in).opset(1).run();
  EXPECT_EQ(padded.dims(), (Dims{1, 4, 1, 4}));
  EXPECT_EQ(padded.float_at(0), 5.0);
}

TEST(Move, TopKRanksTiesByIndexAndNanHighest) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto top = [&](int64_t largest) {
    return OneOp("TopK")
        .attr("largest", largest)
        .in(f32({5}, {1, nan, 3, 1, 3}))
        .in(i64({1}, {5}))
        .outputs(2)
        .run_all()[1]
        .ints();
  };
  EXPECT_EQ(top(1), (Dims{1, 2, 4, 0, 3}));
  EXPECT_EQ(top(0), (Dims{0, 3, 2, 4, 1}));
}

TEST(Move, ScatterSumsRoundOnce) {
  // In float16 2048 + 1 is a tie that goes back to 2048: rounded one by one, three updates of 1 would be lost.
  Tensor data = testing::floats(ElemType::float16, {1}, {2048});
  const Tensor ones = testing::floats(ElemType::float16, {3}, {1, 1, 1});
  const Tensor out = OneOp("ScatterND")
                         .attr("reduction", std::string("add"))
                         .in(data, ElemType::float32)
                         .in(i64({3, 1}, {0, 0, 0}))
                         .in(ones, ElemType::float32)
                         .storage(ElemType::float16)
                         .run();
  EXPECT_EQ(out.float_at(0), 2052.0);
}

}  // namespace
}  // namespace assay::ops

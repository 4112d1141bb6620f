#include <gtest/gtest.h>

#include <cmath>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using ir::Tensor;
using testing::f32;
using testing::OneOp;

Tensor random(const ir::Dims& dims, uint64_t seed) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  return f32(dims, testing::random_floats(static_cast<size_t>(n), -1, 1, seed));
}

TEST(Einsum, ChainsOfFusedMultiplyAdds) {
  const Tensor a = random({3, 5, 4}, 1), b = random({4, 7, 5}, 2);
  const Tensor y = OneOp("Einsum").attr("equation", std::string("ijk,klj->il")).in(a).in(b).threads(2).run();
  ASSERT_EQ(y.dims(), (ir::Dims{3, 7}));
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t l = 0; l < 7; ++l) {
      float acc = 0;  // contracted in order of first appearance: j, then k the fastest
      for (int64_t j = 0; j < 5; ++j)
        for (int64_t k = 0; k < 4; ++k)
          acc = std::fma(a.data<float>()[(i * 5 + j) * 4 + k], b.data<float>()[(k * 7 + l) * 5 + j], acc);
      EXPECT_EQ(y.data<float>()[i * 7 + l], acc);
    }
  }
}

TEST(Einsum, EllipsisDiagonalAndImplicitOutput) {
  const Tensor a = random({2, 3, 3}, 3);
  const Tensor diagonal = OneOp("Einsum").attr("equation", std::string("...ii->...i")).in(a).run();
  ASSERT_EQ(diagonal.dims(), (ir::Dims{2, 3}));
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(diagonal.data<float>()[n * 3 + i], a.data<float>()[n * 9 + i * 4]);
  EXPECT_EQ(OneOp("Einsum").attr("equation", std::string("bca")).in(a).run().dims(), (ir::Dims{3, 2, 3}));
  const Tensor c = random({1, 3}, 4);
  EXPECT_EQ(OneOp("Einsum").attr("equation", std::string("...ij, ...j -> i...")).in(a).in(c).run().dims(),
            (ir::Dims{3, 2}));
}

TEST(Einsum, ThreeOperandsJoinFromTheLeft) {
  const Tensor a = random({2, 3}, 5), b = random({3, 4}, 6), c = random({4, 2}, 7);
  const Tensor ab = OneOp("Einsum").attr("equation", std::string("ij,jk->ik")).in(a).in(b).run();
  const Tensor abc = OneOp("Einsum").attr("equation", std::string("ik,kl->il")).in(ab).in(c).run();
  EXPECT_TRUE(same_bits(OneOp("Einsum").attr("equation", std::string("ij,jk,kl->il")).in(a).in(b).in(c).run(), abc));
}

TEST(Einsum, Errors) {
  const Tensor a = random({2, 3}, 8);
  for (const char* equation : {"ijk->i", "ij,jk->ik", "ij->z", "i?->i", "ij->ii"})
    EXPECT_FALSE(OneOp("Einsum").attr("equation", std::string(equation)).in(a).try_run().ok()) << equation;
}

}  // namespace
}  // namespace assay::ops

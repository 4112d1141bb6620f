#include <cmath>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using testing::doubles;
using testing::f32;
using testing::OneOp;

/// What the file's first comment says, in doubles: rounded only where float32 is.
std::vector<float> reference(std::vector<float> x, size_t n) {
  std::vector<std::vector<float>> rows(n, std::vector<float>(2 * n));
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < 2 * n; ++j) rows[i][j] = j < n ? x[i * n + j] : j - n == i ? 1.0f : 0.0f;
  for (size_t k = 0; k < n; ++k) {
    size_t pivot = k;
    for (size_t i = k + 1; i < n; ++i)
      if (std::abs(rows[i][k]) > std::abs(rows[pivot][k])) pivot = i;
    std::swap(rows[k], rows[pivot]);
    const float by = rows[k][k];
    for (float& v : rows[k]) v /= by;
    for (size_t i = 0; i < n; ++i) {
      const float factor = rows[i][k];
      for (size_t j = 0; i != k && j < 2 * n; ++j) rows[i][j] = std::fma(-factor, rows[k][j], rows[i][j]);
    }
  }
  std::vector<float> y;
  for (size_t i = 0; i < n; ++i) y.insert(y.end(), rows[i].begin() + static_cast<int64_t>(n), rows[i].end());
  return y;
}

TEST(Inverse, StepsAreAsWritten) {
  for (const size_t n : {size_t{1}, size_t{2}, size_t{5}, size_t{17}}) {
    const auto extent = static_cast<int64_t>(n);
    const std::vector<float> x = testing::random_floats(2 * n * n, -2, 2, n);
    const ir::Tensor y = testing::run_everywhere([&] {
      return OneOp("Inverse", "com.microsoft").in(f32({2, extent, extent}, x));
    });
    for (size_t b = 0; b < 2; ++b) {
      const auto from = x.begin() + static_cast<int64_t>(b * n * n);
      const std::vector<float> want = reference({from, from + static_cast<int64_t>(n * n)}, n);
      for (size_t i = 0; i < want.size(); ++i) EXPECT_EQ(y.data<float>()[b * n * n + i], want[i]) << n << " " << i;
    }
  }
}

TEST(Inverse, ShapesAreChecked) {
  EXPECT_FALSE(OneOp("Inverse", "com.microsoft").in(f32({2, 3}, std::vector<float>(6))).infer().ok());
  EXPECT_FALSE(OneOp("Inverse", "com.microsoft").in(f32({4}, std::vector<float>(4))).infer().ok());
  EXPECT_EQ(OneOp("Inverse", "com.microsoft").in(f32({0, 3, 3}, {})).run().size(), 0);
  EXPECT_EQ(OneOp("Inverse", "com.microsoft").in(f32({0, 0}, {})).run().size(), 0);
}

}  // namespace
}  // namespace assay::ops

// Comparisons of every width and path against the relation itself.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "num/simd.h"
#include "ops/compare_spans.h"

namespace assay::ops {
namespace {

constexpr Relation kRelations[] = {Relation::equal, Relation::greater, Relation::greater_or_equal, Relation::less,
                                   Relation::less_or_equal};

template <class T>
void check(const std::vector<T>& values) {
  std::vector<T> a, b;
  for (const T x : values)
    for (const T y : values) a.push_back(x), b.push_back(y);
  for (const num::Isa isa : num::available_isas()) {
    ASSERT_TRUE(num::force_isa(isa).ok());
    for (const Relation relation : kRelations) {
      for (size_t n = 0; n <= a.size(); ++n) {
        std::vector<uint8_t> got(a.size(), 7), want(a.size(), 7);
        for (size_t i = 0; i < n; ++i) want[i] = holds(relation, a[i], b[i]);
        compare_spans(relation, a.data(), b.data(), n, got.data());
        EXPECT_EQ(got, want) << num::isa_name(isa) << " relation " << static_cast<int>(relation) << " of " << n;
      }
    }
  }
  ASSERT_TRUE(num::force_isa(num::Isa::best).ok());
}

TEST(Compare, SpansAreTheRelation) {
  using Float = std::numeric_limits<float>;
  using Int = std::numeric_limits<int32_t>;
  check<float>({0.0F, -0.0F, 1, -1, Float::denorm_min(), Float::infinity(), -Float::infinity(), Float::quiet_NaN()});
  check<int32_t>({0, 1, -1, Int::max(), Int::min(), 256, 65536});
  check<int64_t>({0, -1, int64_t{1} << 32, std::numeric_limits<int64_t>::min()});
}

}  // namespace
}  // namespace assay::ops

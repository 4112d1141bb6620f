#include "ops/integer/tile.h"

#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/integer/tile.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::integer::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Each lane of `sums` grows by the two products of one pair; a sum of two never leaves 32 bits.
template <class D, class V16>
HWY_INLINE hn::Vec<D> AddPairs(D d, V16 a, V16 b, hn::Vec<D> sums) {
  auto odd = hn::Zero(d);
  const auto even = hn::ReorderWidenMulAccumulate(d, a, b, hn::Zero(d), odd);
  return hn::Add(sums, hn::RearrangeToOddPlusEven(even, odd));
}

template <size_t kCount>
HWY_INLINE void Tile(const int16_t* rows, size_t stride, const int16_t* panel, size_t pairs, int32_t* out) {
  const hn::CappedTag<int32_t, kPanel> d;
  const hn::Repartition<int16_t, decltype(d)> d16;
  const size_t lanes = hn::Lanes(d);
  for (size_t column = 0; column < kPanel; column += lanes) {
    hn::Vec<decltype(d)> sums[kCount];
    for (auto& sum : sums) sum = hn::Zero(d);
    for (size_t p = 0; p < pairs; ++p) {
      const auto b = hn::LoadU(d16, panel + (p * kPanel + column) * 2);
      for (size_t r = 0; r < kCount; ++r) {
        int32_t both;
        std::memcpy(&both, rows + r * stride + 2 * p, sizeof(both));
        sums[r] = AddPairs(d, hn::BitCast(d16, hn::Set(d, both)), b, sums[r]);
      }
    }
    for (size_t r = 0; r < kCount; ++r) hn::StoreU(sums[r], d, out + r * kPanel + column);
  }
}

void MultiplyTile(const int16_t* rows, size_t stride, size_t count, const int16_t* panel, size_t pairs, int32_t* out) {
  switch (count) {
    case 1:
      return Tile<1>(rows, stride, panel, pairs, out);
    case 2:
      return Tile<2>(rows, stride, panel, pairs, out);
    case 3:
      return Tile<3>(rows, stride, panel, pairs, out);
    default:
      return Tile<kRows>(rows, stride, panel, pairs, out);
  }
}

}  // namespace assay::ops::integer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::integer {

HWY_EXPORT(MultiplyTile);

void multiply_tile(const int16_t* rows, size_t stride, size_t count, const int16_t* panel, size_t pairs, int32_t* out) {
  HWY_DYNAMIC_DISPATCH(MultiplyTile)(rows, stride, count, panel, pairs, out);
}

}  // namespace assay::ops::integer
#endif

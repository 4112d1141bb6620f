#include "ops/integer/tile.h"

#include <cstring>
#include <type_traits>

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

#if HWY_TARGET == HWY_AVX3
#define ASSAY_VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

/// AddPairs in one instruction, which not every processor with AVX-512 has. It wraps, as the two steps do.
template <size_t kCount>
ASSAY_VNNI HWY_INLINE void TileVnni(const int16_t* rows, size_t stride, const int16_t* panel, size_t pairs,
                                    int32_t* out) {
  __m512i sums[kCount];
#pragma GCC unroll 8
  for (size_t r = 0; r < kCount; ++r) sums[r] = _mm512_setzero_si512();
  for (size_t p = 0; p < pairs; ++p) {
    const __m512i b = _mm512_loadu_si512(panel + p * kPanel * 2);
#pragma GCC unroll 8
    for (size_t r = 0; r < kCount; ++r) {
      int32_t both;
      std::memcpy(&both, rows + r * stride + 2 * p, sizeof(both));
      sums[r] = _mm512_dpwssd_epi32(sums[r], _mm512_set1_epi32(both), b);
    }
  }
#pragma GCC unroll 8
  for (size_t r = 0; r < kCount; ++r) _mm512_storeu_si512(out + r * kPanel, sums[r]);
}

ASSAY_VNNI void MultiplyVnni(const int16_t* rows, size_t stride, size_t count, const int16_t* panel, size_t pairs,
                             int32_t* out) {
  for (; count >= kRows; count -= kRows, rows += kRows * stride, out += kRows * kPanel)
    TileVnni<kRows>(rows, stride, panel, pairs, out);
  for (; count >= 2; count -= 2, rows += 2 * stride, out += 2 * kPanel) TileVnni<2>(rows, stride, panel, pairs, out);
  if (count == 1) TileVnni<1>(rows, stride, panel, pairs, out);
}

bool HasVnni() {
  static const bool has = __builtin_cpu_supports("avx512vnni");
  return has;
}
#undef ASSAY_VNNI
#endif

/// Loops over rows are unrolled, so that sums stay in registers.
template <size_t kCount>
HWY_INLINE void Tile(const int16_t* rows, size_t stride, const int16_t* panel, size_t pairs, int32_t* out) {
  const hn::CappedTag<int32_t, kPanel> d;
  const hn::Repartition<int16_t, decltype(d)> d16;
  const size_t lanes = hn::Lanes(d);
  for (size_t column = 0; column < kPanel; column += lanes) {
    hn::Vec<decltype(d)> sums[kCount];
#pragma GCC unroll 8
    for (size_t r = 0; r < kCount; ++r) sums[r] = hn::Zero(d);
    for (size_t p = 0; p < pairs; ++p) {
      const auto b = hn::LoadU(d16, panel + (p * kPanel + column) * 2);
#pragma GCC unroll 8
      for (size_t r = 0; r < kCount; ++r) {
        int32_t both;
        std::memcpy(&both, rows + r * stride + 2 * p, sizeof(both));
        sums[r] = AddPairs(d, hn::BitCast(d16, hn::Set(d, both)), b, sums[r]);
      }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < kCount; ++r) hn::StoreU(sums[r], d, out + r * kPanel + column);
  }
}

void MultiplyTile(const int16_t* rows, size_t stride, size_t count, const int16_t* panel, size_t pairs, int32_t* out) {
#if HWY_TARGET == HWY_AVX3
  if (HasVnni()) return MultiplyVnni(rows, stride, count, panel, pairs, out);
#endif
  const auto several = [&]<size_t kCount>(std::integral_constant<size_t, kCount>) HWY_ATTR {
    for (; count >= kCount; count -= kCount, rows += kCount * stride, out += kCount * kPanel)
      Tile<kCount>(rows, stride, panel, pairs, out);
  };
  several(std::integral_constant<size_t, kRows>());
  several(std::integral_constant<size_t, 4>());
  several(std::integral_constant<size_t, 2>());
  several(std::integral_constant<size_t, 1>());
}

template <class Code>
void Widen(const Code* codes, int zero, int16_t* to, size_t n) {
  const hn::ScalableTag<int16_t> d;
  const hn::Rebind<Code, decltype(d)> dc;
  const size_t lanes = hn::Lanes(d);
  const auto less = hn::Set(d, static_cast<int16_t>(zero));
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(hn::Sub(hn::PromoteTo(d, hn::LoadU(dc, codes + i)), less), d, to + i);
  for (; i < n; ++i) to[i] = static_cast<int16_t>(codes[i] - zero);
}
void WidenU8(const uint8_t* codes, int zero, int16_t* to, size_t n) { Widen(codes, zero, to, n); }
void WidenI8(const int8_t* codes, int zero, int16_t* to, size_t n) { Widen(codes, zero, to, n); }

/// A vector of elements that are next to each other, or of every second one.
template <bool kSecond, class D>
HWY_INLINE hn::Vec<D> Elements(D d, const int16_t* from) {
  if constexpr (kSecond) {
    auto even = hn::Zero(d), odd = even;
    hn::LoadInterleaved2(d, from, even, odd);
    return even;
  } else {
    return hn::LoadU(d, from);
  }
}

template <bool kSecond>
HWY_INLINE void Pack(const int16_t* from, const int64_t* offsets, size_t pairs, int16_t* panel) {
  const hn::CappedTag<int16_t, kPanel> d;
  const size_t lanes = hn::Lanes(d), step = kSecond ? 2 : 1;
  for (size_t p = 0; p < pairs; ++p, panel += 2 * kPanel) {
    const int16_t *even = from + offsets[2 * p], *odd = from + offsets[2 * p + 1];
    for (size_t i = 0; i < kPanel; i += lanes)
      hn::StoreInterleaved2(Elements<kSecond>(d, even + i * step), Elements<kSecond>(d, odd + i * step), d,
                            panel + 2 * i);
  }
}

void PackPanel(const int16_t* from, size_t step, const int64_t* offsets, size_t pairs, int16_t* panel) {
  step == 2 ? Pack<true>(from, offsets, pairs, panel) : Pack<false>(from, offsets, pairs, panel);
}

template <bool kSecond>
HWY_INLINE void Taps(const int16_t* from, const int64_t* offsets, const int16_t* weights, size_t taps, int32_t* sums,
                     size_t n) {
  const hn::ScalableTag<int32_t> d;
  const hn::Rebind<int16_t, decltype(d)> d16;
  const size_t lanes = hn::Lanes(d), step = kSecond ? 2 : 1;
  for (size_t i = 0; i < n; i += lanes) {
    auto sum = hn::Zero(d);
    for (size_t t = 0; t < taps; ++t) {
      const auto x = hn::PromoteTo(d, Elements<kSecond>(d16, from + i * step + offsets[t]));
      sum = hn::Add(sum, hn::Mul(x, hn::Set(d, weights[t])));
    }
    hn::StoreU(sum, d, sums + i);
  }
}

void SumTaps(const int16_t* from, size_t step, const int64_t* offsets, const int16_t* weights, size_t taps,
             int32_t* sums, size_t n) {
  step == 2 ? Taps<true>(from, offsets, weights, taps, sums, n) : Taps<false>(from, offsets, weights, taps, sums, n);
}

}  // namespace assay::ops::integer::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::integer {

HWY_EXPORT(MultiplyTile);

void multiply_tile(const int16_t* rows, size_t stride, size_t count, const int16_t* panel, size_t pairs, int32_t* out) {
  HWY_DYNAMIC_DISPATCH(MultiplyTile)(rows, stride, count, panel, pairs, out);
}

HWY_EXPORT(WidenU8);
HWY_EXPORT(WidenI8);
HWY_EXPORT(PackPanel);
HWY_EXPORT(SumTaps);

void widen_codes(const uint8_t* codes, int zero, int16_t* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(WidenU8)(codes, zero, to, n);
}
void widen_codes(const int8_t* codes, int zero, int16_t* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(WidenI8)(codes, zero, to, n);
}
void pack_panel(const int16_t* from, size_t step, const int64_t* offsets, size_t pairs, int16_t* panel) {
  HWY_DYNAMIC_DISPATCH(PackPanel)(from, step, offsets, pairs, panel);
}
void sum_taps(const int16_t* from, size_t step, const int64_t* offsets, const int16_t* weights, size_t taps,
              int32_t* sums, size_t n) {
  HWY_DYNAMIC_DISPATCH(SumTaps)(from, step, offsets, weights, taps, sums, n);
}

}  // namespace assay::ops::integer
#endif

#include "ops/contraction/row_product.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/row_product.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace simd = assay::num::HWY_NAMESPACE;

struct ReadFloat {
  using Stored = float;
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, const float* from, size_t n) const {
    return simd::LoadN(d, from, n);
  }
};
struct ReadFloat16 {
  using Stored = uint16_t;
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, const uint16_t* from, size_t n) const {
    return simd::LoadFloat16N(d, from, n);
  }
};
struct ReadBfloat16 {
  using Stored = uint16_t;
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, const uint16_t* from, size_t n) const {
    return simd::LoadBfloat16N(d, from, n);
  }
};

/// y[j] = fma(a[k], b[k][j], y[j]) for k ascending; four steps of k for each load and store of y.
template <class Read>
HWY_INLINE void Rows(const float* a, const typename Read::Stored* b, size_t stride, size_t k_count, size_t n,
                     float* y) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t k = 0;
  for (; k + 4 <= k_count; k += 4, b += 4 * stride) {
    const auto a0 = hn::Set(d, a[k]), a1 = hn::Set(d, a[k + 1]), a2 = hn::Set(d, a[k + 2]), a3 = hn::Set(d, a[k + 3]);
    for (size_t j = 0; j < n; j += lanes) {
      const size_t left = n - j;
      auto acc = simd::LoadN(d, y + j, left);
      acc = simd::Fma(d, a0, Read()(d, b + j, left), acc);
      acc = simd::Fma(d, a1, Read()(d, b + stride + j, left), acc);
      acc = simd::Fma(d, a2, Read()(d, b + 2 * stride + j, left), acc);
      acc = simd::Fma(d, a3, Read()(d, b + 3 * stride + j, left), acc);
      simd::StoreN(acc, d, y + j, left);
    }
  }
  for (; k < k_count; ++k, b += stride) {
    const auto x = hn::Set(d, a[k]);
    for (size_t j = 0; j < n; j += lanes) {
      const size_t left = n - j;
      simd::StoreN(simd::Fma(d, x, Read()(d, b + j, left), simd::LoadN(d, y + j, left)), d, y + j, left);
    }
  }
}

void RowsOf(ir::ElemType elem, const float* a, const std::byte* b, size_t begin, size_t stride, size_t k, size_t n,
            float* y) {
  const auto* narrow = reinterpret_cast<const uint16_t*>(b) + begin;
  switch (elem) {
    case ir::ElemType::float16:
      return Rows<ReadFloat16>(a, narrow, stride, k, n, y);
    case ir::ElemType::bfloat16:
      return Rows<ReadBfloat16>(a, narrow, stride, k, n, y);
    default:
      return Rows<ReadFloat>(a, reinterpret_cast<const float*>(b) + begin, stride, k, n, y);
  }
}

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {
namespace {

HWY_EXPORT(RowsOf);

constexpr size_t kRun = 512;        // columns whose sums stay in L1
constexpr size_t kWorth = 1 << 16;  // multiply-adds that pay for a task of their own
constexpr size_t kRowSlot = 4;
constexpr size_t kSumSlot = 5;

bool plain_chain(const num::Policy& policy) {
  const num::Accumulator& acc = policy.accumulator;
  return acc == num::Accumulator{} && !rounds_operands(policy);
}

}  // namespace

bool suits_row_product(size_t m, const MatrixView& b, const num::Policy& policy) {
  return m == 1 && b.column_stride == 1 && b.elem != ir::ElemType::float64 && plain_chain(policy);
}

template <>
bool row_product<double>(KernelContext&, const MatrixProduct&, const Finish<double>&) {
  return false;
}

template <>
bool row_product<float>(KernelContext& c, const MatrixProduct& p, const Finish<float>& finish) {
  if (!suits_row_product(p.m, p.b, c.policy()) || p.a.elem == ir::ElemType::float64) return false;
  if (p.k > 1 && p.a.row_stride != 1) return false;
  if (p.n == 0) return true;
  const size_t runs = (p.n + kRun - 1) / kRun;
  const size_t pieces = std::max<size_t>(runs, std::min<size_t>(p.n * p.k / kWorth, (p.n + 63) / 64));
  const size_t run = ((p.n + pieces - 1) / pieces + 15) / 16 * 16;
  const size_t count = (p.n + run - 1) / run;
  const size_t grain = std::max<size_t>(1, kWorth / std::max<size_t>(1, run * p.k));
  c.threads.for_each(p.batches * count, grain, [&](size_t begin, size_t end) {
    float* const room = scratch<float>(kRowSlot, p.k);
    float* const y = scratch<float>(kSumSlot, run);
    for (size_t job = begin; job < end; ++job) {
      const size_t batch = job / count, n = job % count * run, columns = std::min(run, p.n - n);
      const size_t a_begin = p.a.begin + (p.a_offsets.empty() ? 0 : p.a_offsets[batch]);
      const float* a = room;
      if (p.a.elem == ir::ElemType::float32) {
        a = reinterpret_cast<const float*>(p.a.data) + a_begin;
      } else {
        widen<float>(p.a.data, p.a.elem, a_begin, p.k, room);
      }
      if (finish.starts()) {
        finish.start(batch, 0, n, columns, y);
      } else {
        std::fill(y, y + columns, 0.0f);
      }
      HWY_DYNAMIC_DISPATCH(RowsOf)
      (p.b.elem, a, p.b.data, p.b.begin + (p.b_offsets.empty() ? 0 : p.b_offsets[batch]) + n, p.b.row_stride, p.k,
       columns, y);
      finish.row(batch, 0, n, columns, y);
    }
  });
  return true;
}

}  // namespace assay::ops::contraction
#endif

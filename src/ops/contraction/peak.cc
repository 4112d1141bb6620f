#include "ops/contraction/peak.h"

#include <algorithm>
#include <chrono>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/peak.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace simd = assay::num::HWY_NAMESPACE;

/// 10 independent chains of `steps` multiply-adds: enough to hide their latency. Each starts elsewhere, as compilers
/// make one of equal ones. Returns something that depends on all.
float Spin(size_t steps, float start) {
  const hn::ScalableTag<float> d;
  const auto x = hn::Set(d, start), y = hn::Set(d, 1 - start);
  const auto from = [&](float factor) HWY_ATTR { return hn::Set(d, start * factor); };
  auto a = from(1), b = from(2), c = from(3), e = from(4), f = from(5), g = from(6), h = from(7), i = from(8),
       j = from(9), k = from(10);
  for (size_t n = 0; n < steps; ++n) {
    a = simd::Fma(d, a, y, x), b = simd::Fma(d, b, y, x), c = simd::Fma(d, c, y, x), e = simd::Fma(d, e, y, x);
    f = simd::Fma(d, f, y, x), g = simd::Fma(d, g, y, x), h = simd::Fma(d, h, y, x), i = simd::Fma(d, i, y, x);
    j = simd::Fma(d, j, y, x), k = simd::Fma(d, k, y, x);
  }
  const auto all = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, e)), hn::Add(hn::Add(f, g), hn::Add(h, i)));
  return hn::GetLane(hn::Add(all, hn::Add(j, k)));
}
size_t SpinLanes() { return hn::Lanes(hn::ScalableTag<float>()); }

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {
namespace {
HWY_EXPORT(Spin);
HWY_EXPORT(SpinLanes);
}  // namespace

double measured_peak_gflops(const Threads& threads) {
  using Clock = std::chrono::steady_clock;
  volatile float sink = 0.5f;
  size_t steps = 10000;
  double best = 0;
  const auto count = static_cast<size_t>(threads.count());
  const double flops_a_step = 2.0 * 10 * static_cast<double>(HWY_DYNAMIC_DISPATCH(SpinLanes)() * count);
  for (int trial = 0; trial < 12; ++trial) {
    const auto begin = Clock::now();
    threads.for_each(count, 1, [&](size_t first, size_t last) {
      for (size_t i = first; i < last; ++i) sink = HWY_DYNAMIC_DISPATCH(Spin)(steps, sink);
    });
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    if (trial > 1) best = std::max(best, flops_a_step * static_cast<double>(steps) / seconds / 1e9);
    if (seconds < 0.008) steps *= 2;
  }
  return best;
}

}  // namespace assay::ops::contraction
#endif

// Micro-kernels of the ordinary chain: acc = fma(a, b, acc) in float32 or float64, and its unfused form.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/fused.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/contraction/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {

struct FusedStep {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b, V acc) const {
    return simd::Fma(d, a, b, acc);
  }
};
struct UnfusedStep {
  template <class D, class V>
  HWY_INLINE V operator()(D, V a, V b, V acc) const {
    return hn::Add(acc, hn::Mul(a, b));
  }
};

/// Subnormal results become zeros of their sign; operands were flushed while packing.
struct FlushedStep {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b, V acc) const {
    return simd::FlushBelow(d, simd::Fma(d, a, b, acc), 0x1p-126f);
  }
};

template <class T, class Step>
struct Chain {
  template <size_t kM>
  struct Kernel {
    static void Run(size_t kc, const T* a, const T* b, T* c, size_t ldc, bool resume, const num::Policy&) {
      Tile<kM>(kc, a, b, c, ldc, resume, Step());
    }
  };
  template <size_t kM>
  struct Half {
    static void Run(size_t kc, const T* a, const T* b, T* c, size_t ldc, bool resume, const num::Policy&) {
      Tile<kM, kVectors / 2>(kc, a, b, c, ldc, resume, Step());
    }
  };
  static KernelSet<T> Set() {
    KernelSet<T> set = SetOf<T, Kernel>();
    set.half = SetOf<T, Half>().by_rows;
    return set;
  }
};

KernelSet<float> FusedFloat() { return Chain<float, FusedStep>::Set(); }
KernelSet<float> FlushedFloat() { return Chain<float, FlushedStep>::Set(); }
KernelSet<double> FusedDouble() { return Chain<double, FusedStep>::Set(); }
KernelSet<float> UnfusedFloat() { return Chain<float, UnfusedStep>::Set(); }
KernelSet<double> UnfusedDouble() { return Chain<double, UnfusedStep>::Set(); }

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "ops/contraction/kernel_sets.h"

namespace assay::ops::contraction {

HWY_EXPORT(FusedFloat);
HWY_EXPORT(FlushedFloat);
HWY_EXPORT(FusedDouble);
HWY_EXPORT(UnfusedFloat);
HWY_EXPORT(UnfusedDouble);

KernelSet<float> chain_float(bool fused) {
  return fused ? HWY_DYNAMIC_DISPATCH(FusedFloat)() : HWY_DYNAMIC_DISPATCH(UnfusedFloat)();
}
KernelSet<float> flushed_float() { return HWY_DYNAMIC_DISPATCH(FlushedFloat)(); }
KernelSet<double> chain_double(bool fused) {
  return fused ? HWY_DYNAMIC_DISPATCH(FusedDouble)() : HWY_DYNAMIC_DISPATCH(UnfusedDouble)();
}

}  // namespace assay::ops::contraction
#endif

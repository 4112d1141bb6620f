#include "ops/contraction/pack.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "num/format.h"
#include "num/special_values.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/pack.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace simd = assay::num::HWY_NAMESPACE;

// How a storage type is read into float lanes.
struct FromFloat {
  using Stored = float;
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, const float* from) const {
    return hn::LoadU(d, from);
  }
};
struct FromFloat16 {
  using Stored = uint16_t;
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, const uint16_t* from) const {
    return simd::LoadFloat16(d, from);
  }
};
struct FromBfloat16 {
  using Stored = uint16_t;
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, const uint16_t* from) const {
    return simd::LoadBfloat16(d, from);
  }
};

template <class Load>
HWY_INLINE void PackFullRows(const typename Load::Stored* from, size_t stride, size_t kc, size_t width, float* to) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t k = 0; k < kc; ++k, from += stride, to += width) {
    for (size_t j = 0; j < width; j += lanes) hn::StoreU(Load()(d, from + j), d, to + j);
  }
}

/// to[k * width + j] = from[k * stride + j]; width is a multiple of the lanes, all of it is there.
void PackRows(const std::byte* data, ir::ElemType elem, size_t begin, size_t stride, size_t kc, size_t width,
              float* to) {
  const auto* wide = reinterpret_cast<const float*>(data) + begin;
  const auto* narrow = reinterpret_cast<const uint16_t*>(data) + begin;
  switch (elem) {
    case ir::ElemType::float16:
      return PackFullRows<FromFloat16>(narrow, stride, kc, width, to);
    case ir::ElemType::bfloat16:
      return PackFullRows<FromBfloat16>(narrow, stride, kc, width, to);
    default:
      return PackFullRows<FromFloat>(wide, stride, kc, width, to);
  }
}

size_t FloatLanes() { return hn::Lanes(hn::ScalableTag<float>()); }

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {
namespace {

HWY_EXPORT(PackRows);
HWY_EXPORT(FloatLanes);

constexpr size_t kTemporary = 512;

void widen_double(const std::byte* data, ir::ElemType elem, size_t begin, size_t n, double* out) {
  if (elem == ir::ElemType::float64) {
    std::memcpy(out, reinterpret_cast<const double*>(data) + begin, n * sizeof(double));
    return;
  }
  float part[kTemporary];
  for (size_t i = 0; i < n; i += kTemporary) {
    const size_t count = std::min(kTemporary, n - i);
    widen<float>(data, elem, begin + i, count, part);  // by memcpy: constants lie in mapped files at any address
    for (size_t j = 0; j < count; ++j) out[i + j] = part[j];
  }
}

/// to[i * kWidth + j] = from[j * stride + i]
template <size_t kWidth, class T>
void interleave(const T* from, size_t stride, size_t n, T* to) {
  for (size_t i = 0; i < n; ++i, ++from, to += kWidth) {
#pragma GCC unroll 16
    for (size_t j = 0; j < kWidth; ++j) to[j] = from[j * stride];
  }
}

/// The same for the widths of full panels; false for another.
template <class T>
bool interleave_panel(const T* from, size_t stride, size_t n, size_t width, T* to) {
  if (width == 6) return interleave<6>(from, stride, n, to), true;
  if (width == 12) return interleave<12>(from, stride, n, to), true;
  if (width == 16) return interleave<16>(from, stride, n, to), true;
  return false;
}

// Contiguous along k: widen each row of k, then scatter it into its column of the panel.
template <class T>
void pack_columns(const MatrixView& from, size_t k0, size_t kc, size_t j0, size_t count, size_t width, T* to) {
  constexpr auto kOwn = sizeof(T) == 4 ? ir::ElemType::float32 : ir::ElemType::float64;
  if (from.elem == kOwn && count == width) {
    const T* first = reinterpret_cast<const T*>(from.data) + from.begin + j0 * from.column_stride + k0;
    if (interleave_panel(first, from.column_stride, kc, width, to)) return;
  }
  T row[kTemporary];
  for (size_t k = 0; k < kc; k += kTemporary) {
    const size_t n = std::min(kTemporary, kc - k);
    for (size_t j = 0; j < count; ++j) {
      const size_t begin = from.begin + (j0 + j) * from.column_stride + k0 + k;
      const T* values = row;
      if (from.elem == kOwn) {
        values = reinterpret_cast<const T*>(from.data) + begin;
      } else {
        widen<T>(from.data, from.elem, begin, n, row);
      }
      T* column = to + k * width + j;
      for (size_t i = 0; i < n; ++i) column[i * width] = values[i];
    }
  }
  if (count == width) return;
  for (size_t k = 0; k < kc; ++k) std::fill(to + k * width + count, to + (k + 1) * width, T{0});
}

template <class T>
void pack_rows(const MatrixView& from, size_t k0, size_t kc, size_t j0, size_t count, size_t width, T* to) {
  for (size_t k = 0; k < kc; ++k) {
    widen<T>(from.data, from.elem, from.begin + (k0 + k) * from.row_stride + j0, count, to + k * width);
    std::fill(to + k * width + count, to + (k + 1) * width, T{0});
  }
}

}  // namespace

template <>
void widen<float>(const std::byte* data, ir::ElemType elem, size_t begin, size_t n, float* out) {
  switch (elem) {
    case ir::ElemType::float16:
      return num::from_float16(reinterpret_cast<const uint16_t*>(data) + begin, out, n);
    case ir::ElemType::bfloat16:
      return num::from_bfloat16(reinterpret_cast<const uint16_t*>(data) + begin, out, n);
    case ir::ElemType::float64: {
      const double* values = reinterpret_cast<const double*>(data) + begin;
      for (size_t i = 0; i < n; ++i) out[i] = static_cast<float>(values[i]);
      return;
    }
    default:
      std::memcpy(out, reinterpret_cast<const float*>(data) + begin, n * sizeof(float));
  }
}

template <>
void widen<double>(const std::byte* data, ir::ElemType elem, size_t begin, size_t n, double* out) {
  widen_double(data, elem, begin, n, out);
}

template <>
void pack<float>(const MatrixView& from, size_t k0, size_t kc, size_t j0, size_t count, size_t width, float* to) {
  if (from.column_stride != 1 && from.row_stride == 1) return pack_columns(from, k0, kc, j0, count, width, to);
  const bool full = count == width && width % HWY_DYNAMIC_DISPATCH(FloatLanes)() == 0;
  if (!full || from.elem == ir::ElemType::float64) return pack_rows(from, k0, kc, j0, count, width, to);
  HWY_DYNAMIC_DISPATCH(PackRows)
  (from.data, from.elem, from.begin + k0 * from.row_stride + j0, from.row_stride, kc, width, to);
}

template <>
void pack<double>(const MatrixView& from, size_t k0, size_t kc, size_t j0, size_t count, size_t width, double* to) {
  if (from.column_stride != 1 && from.row_stride == 1) return pack_columns(from, k0, kc, j0, count, width, to);
  pack_rows(from, k0, kc, j0, count, width, to);
}

Operands operands_of(const num::Policy& policy, ir::ElemType a, ir::ElemType b) {
  if (policy.operand) {
    if (policy.operand->format == num::format(num::FormatId::float16)) return Operands::float16;
    return policy.operand->format.significand_bits <= 11 ? Operands::narrow : Operands::any;
  }
  if (a == ir::ElemType::float16 && b == ir::ElemType::float16) return Operands::float16;
  const auto narrow = [](ir::ElemType t) { return t == ir::ElemType::float16 || t == ir::ElemType::bfloat16; };
  return narrow(a) && narrow(b) ? Operands::narrow : Operands::any;
}

bool rounds_operands(const num::Policy& policy) {
  return policy.operand.has_value() || policy.flush_subnormals || policy.accumulator.flush_subnormals;
}

template <class T>
void round_operands(T* values, size_t n, const num::Policy& policy) {
  if (policy.operand) num::round_in_place(values, n, *policy.operand);
  if (!policy.flush_subnormals && !policy.accumulator.flush_subnormals) return;
  const num::Format& own = num::format(sizeof(T) == 4 ? num::FormatId::float32 : num::FormatId::float64);
  const auto& step = policy.accumulator.step;
  num::flush_below(values, n, static_cast<T>(num::min_normal(step ? step->format : own)));
}
template void round_operands<float>(float*, size_t, const num::Policy&);
template void round_operands<double>(double*, size_t, const num::Policy&);

}  // namespace assay::ops::contraction
#endif

#include "ops/quantised.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "num/arith.h"
#include "ops/code_spans.h"

namespace assay::ops {
namespace {

struct Range {
  double low, high;
};
Range range_of(ir::ElemType type) {
  const int bits = ir::elem_bits(type);
  if (!ir::is_signed_integer(type)) return {0, std::ldexp(1.0, bits) - 1};
  return {-std::ldexp(1.0, bits - 1), std::ldexp(1.0, bits - 1) - 1};
}

double code(double quotient, double zero, const Range& range) {
  const double rounded = std::nearbyint(quotient) + zero;
  return std::isnan(rounded) ? 0 : std::clamp(rounded, range.low, range.high);
}

template <class Code, class T>
void store_codes(Code* to, size_t n, const T* quotients, double zero) {
  if constexpr (std::is_same_v<T, float>) {
    codes_of(quotients, static_cast<float>(zero), to, n);
  } else {
    constexpr Range kRange{std::numeric_limits<Code>::min(), std::numeric_limits<Code>::max()};
    for (size_t i = 0; i < n; ++i) to[i] = static_cast<Code>(code(quotients[i], zero, kRange));
  }
}

template <class Code, class T>
void differences(const Code* codes, T zero, T* to, size_t n) {
  if constexpr (std::is_same_v<T, float>) {
    differences_of(codes, zero, to, n);
  } else {
    for (size_t i = 0; i < n; ++i) to[i] = static_cast<T>(codes[i]) - zero;
  }
}

}  // namespace

void put_quantised(ir::Tensor& out, int64_t i, double quotient, double zero, bool saturate) {
  if (const auto format = ir::elem_format(out.elem())) {
    num::Rounding rounding{.format = num::format(*format)};
    if (saturate) rounding.overflow = num::Overflow::clamp;
    out.set_int(i, static_cast<int64_t>(num::encode(num::round(quotient + zero, rounding), rounding.format)));
    return;
  }
  out.set_int(i, static_cast<int64_t>(code(quotient, zero, range_of(out.elem()))));
}

template <class T>
void store_quantised(ir::Tensor& out, int64_t at, size_t n, const T* quotients, double zero) {
  if (out.elem() == ir::ElemType::uint8) return store_codes(out.mutable_data<uint8_t>() + at, n, quotients, zero);
  if (out.elem() == ir::ElemType::int8) return store_codes(out.mutable_data<int8_t>() + at, n, quotients, zero);
  for (size_t i = 0; i < n; ++i)
    put_quantised(out, at + static_cast<int64_t>(i), static_cast<double>(quotients[i]), zero, true);
}

Result<double> only_value(const KernelContext& c, size_t i, std::string_view name, double absent) {
  if (!c.has(i)) return absent;
  if (c.in(i).size() != 1)
    return c.fail(Code::model_invalid,
                  std::string(name) + " has " + std::to_string(c.in(i).size()) + " elements, not one");
  return c.in(i).float_at(0);
}

template <class T>
void dequantise_run(const num::Arith<T>& arith, const ir::Tensor& t, int64_t at, size_t n, T scale, double zero,
                    T* to) {
  if (t.elem() == ir::ElemType::uint8) {
    differences(t.data<uint8_t>() + at, static_cast<T>(zero), to, n);
  } else if (t.elem() == ir::ElemType::int8) {
    differences(t.data<int8_t>() + at, static_cast<T>(zero), to, n);
  } else {
    for (size_t i = 0; i < n; ++i) to[i] = static_cast<T>(t.float_at(at + static_cast<int64_t>(i)) - zero);
  }
  arith.mul(to, scale, to, n);
}

template <class T>
DynamicCodes dynamic_codes(const num::Arith<T>& arith, T low, T high) {
  const T scale = arith.div(arith.sub(high, low), T(255));
  T zero = arith.sub(T(0), arith.div(low, scale));
  const T bottom = 0, top = 255;
  arith.clamp(&zero, &bottom, &top, &zero, 1);
  arith.round(&zero, &zero, 1);
  return {static_cast<double>(scale), std::isnan(zero) ? 0 : static_cast<double>(zero)};
}
template DynamicCodes dynamic_codes(const num::Arith<float>&, float, float);
template DynamicCodes dynamic_codes(const num::Arith<double>&, double, double);

template void store_quantised(ir::Tensor&, int64_t, size_t, const float*, double);
template void store_quantised(ir::Tensor&, int64_t, size_t, const double*, double);
template void dequantise_run(const num::Arith<float>&, const ir::Tensor&, int64_t, size_t, float, double, float*);
template void dequantise_run(const num::Arith<double>&, const ir::Tensor&, int64_t, size_t, double, double, double*);

}  // namespace assay::ops

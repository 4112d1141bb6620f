// Linear quantisation: codes and what they stand for, code = x / scale to the nearest integer + zero point.
#pragma once
#include <string_view>

#include "ops/kernel.h"

namespace assay::ops {

inline constexpr ir::TypeSet kCodes8 = type_set(ir::ElemType::uint8) | type_set(ir::ElemType::int8);
inline constexpr ir::TypeSet kCodesFloat8 = type_set(ir::ElemType::float8e4m3fn) |
                                            type_set(ir::ElemType::float8e4m3fnuz) |
                                            type_set(ir::ElemType::float8e5m2) | type_set(ir::ElemType::float8e5m2fnuz);

/// Writes a quotient x / scale as the output's type: to the nearest integer, ties to even, plus zero point, saturated
/// (NaN: 0); or, where the type is a small float, plus zero point, rounded once.
void put_quantised(ir::Tensor& out, int64_t i, double quotient, double zero, bool saturate);

/// The same for n quotients from element `at`, of any quantised type; small floats saturate.
template <class T>
void store_quantised(ir::Tensor& out, int64_t at, size_t n, const T* quotients, double zero);

/// The one element of input `i`, a scale or a zero point; `absent` where it is not given. `name` is for the message.
Result<double> only_value(const KernelContext& c, size_t i, std::string_view name, double absent = 0);

/// (code - zero) * scale for n elements of `t` from `at`; the difference is exact in T.
template <class T>
void dequantise_run(const num::Arith<T>& arith, const ir::Tensor& t, int64_t at, size_t n, T scale, double zero, T* to);

/// What DynamicQuantizeLinear finds for data from `low` <= 0 to `high` >= 0; its body in ONNX, step by step.
struct DynamicCodes {
  double scale, zero;
};
template <class T>
DynamicCodes dynamic_codes(const num::Arith<T>& arith, T low, T high);

}  // namespace assay::ops

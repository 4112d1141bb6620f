// What the operators of ai.onnx.ml share: rows of features, attributes that are numbers, errors that name a rule.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {

inline constexpr std::string_view kMl = "ai.onnx.ml";
inline constexpr ir::TypeSet kFeatures = type_set(ir::ElemType::float32) | type_set(ir::ElemType::float64) |
                                         type_set(ir::ElemType::int32) | type_set(ir::ElemType::int64);

/// More columns than this no attribute may ask for by a number alone.
inline constexpr int64_t kMaxColumns = int64_t{1} << 28;

/// model_invalid with the rule's label: what attributes of one op say contradicts itself.
Error contradiction(std::string_view label, std::string message, std::string where);

/// X as rows of features: [N, F], or [F] as one row.
struct Rows {
  int64_t n = 1, features = 0;
};
Result<Rows> rows_of(const KernelContext& c);
/// The number of rows as far as it is known; an error labelled `label` for other ranks than 1 and 2.
Result<ir::Dim> row_count(const InferContext& c, std::string_view label);

/// Row `r` of input 0 as T, however it is stored: in place, or in `buffer`.
template <class T>
const T* load_row(const KernelContext& c, const Rows& rows, int64_t r, std::vector<T>& buffer) {
  buffer.resize(static_cast<size_t>(rows.features));
  return load(c.in(0), r * rows.features, buffer.size(), buffer.data());
}

/// The numbers of an attribute as T, rounded as the policy rounds attributes.
template <class T>
std::vector<T> numbers_of(const ir::Op& op, std::string_view attr);
extern template std::vector<float> numbers_of(const ir::Op&, std::string_view);
extern template std::vector<double> numbers_of(const ir::Op&, std::string_view);

}  // namespace assay::ops

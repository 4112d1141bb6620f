#include "ops/ml/features.h"

namespace assay::ops {

Error contradiction(std::string_view label, std::string message, std::string where) {
  return Error{Code::model_invalid, std::string(label) + ": " + std::move(message), std::move(where),
               "the model's attributes contradict each other here; check the export"};
}

Result<Rows> rows_of(const KernelContext& c) {
  const ir::Dims& dims = c.in(0).dims();
  if (dims.size() == 1) return Rows{1, dims[0]};
  if (dims.size() == 2) return Rows{dims[0], dims[1]};
  return c.fail(Code::model_invalid, "X has shape " + ir::to_string(dims) + ", not [N, F] or [F]");
}

Result<ir::Dim> row_count(const InferContext& c, std::string_view label) {
  if (!c.ranked(0)) return ir::Dim();
  if (c.rank(0) == 1) return ir::Dim(1);
  if (c.rank(0) == 2) return c.shape(0)[0];
  return c.fail(label, "X has rank " + std::to_string(c.rank(0)) + ": it must be [N, F] or [F]");
}

template <class T>
std::vector<T> numbers_of(const ir::Op& op, std::string_view attr) {
  std::vector<float> values = op.attr_floats(attr);
  if (op.policy.attribute) num::round_in_place(values.data(), values.size(), *op.policy.attribute);
  return {values.begin(), values.end()};
}
template std::vector<float> numbers_of(const ir::Op&, std::string_view);
template std::vector<double> numbers_of(const ir::Op&, std::string_view);

}  // namespace assay::ops

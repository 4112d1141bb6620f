#include "ops/product_shape.h"

#include <algorithm>
#include <numeric>

namespace assay::ops {

Result<std::optional<std::vector<ir::Dim>>> infer_product(InferContext& c, size_t a_input, size_t b_input) {
  std::optional<std::vector<ir::Dim>> out;
  if (!c.ranked(a_input) || !c.ranked(b_input)) return out;
  std::vector<ir::Dim> a = c.shape(a_input), b = c.shape(b_input);
  if (a.empty() || b.empty()) return c.fail("matmul_c1", "an operand is a scalar");
  const bool row = a.size() == 1, column = b.size() == 1;
  if (row) a.insert(a.begin(), 1);
  if (column) b.emplace_back(1);
  const ir::Dim &inner = a.back(), &outer = b[b.size() - 2];
  if (inner.known() && outer.known() && inner.value != outer.value)
    return c.fail("matmul_c2", "inner dimensions " + std::to_string(inner.value) + " and " +
                                   std::to_string(outer.value) + " differ");
  out = broadcast_shapes({a.begin(), a.end() - 2}, {b.begin(), b.end() - 2});
  if (!out)
    return c.fail("matmul_c3", "batch dimensions of " + to_string(c.type(a_input)) + " and " +
                                   to_string(c.type(b_input)) + " do not broadcast");
  if (!row) out->push_back(a[a.size() - 2]);
  if (!column) out->push_back(b.back());
  return out;
}

ProductShapes product_shapes(ir::Dims a, ir::Dims b) {
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  ProductShapes s;
  s.m = static_cast<size_t>(a[a.size() - 2]), s.k = static_cast<size_t>(a.back());
  s.n = static_cast<size_t>(b.back());
  s.a_batch.assign(a.begin(), a.end() - 2);
  s.b_batch.assign(b.begin(), b.end() - 2);
  const size_t rank = std::max(s.a_batch.size(), s.b_batch.size());
  s.a_batch.insert(s.a_batch.begin(), rank - s.a_batch.size(), 1);
  s.b_batch.insert(s.b_batch.begin(), rank - s.b_batch.size(), 1);
  for (size_t i = 0; i < rank; ++i) s.batch.push_back(s.a_batch[i] == 1 ? s.b_batch[i] : s.a_batch[i]);
  return s;
}

size_t extent_of(const ir::Dims& dims) {
  return static_cast<size_t>(std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>()));
}

std::vector<size_t> matrix_offsets(const ir::Dims& own, const ir::Dims& all, size_t matrix) {
  std::vector<size_t> offsets(extent_of(all));
  for (size_t i = 0; i < offsets.size(); ++i) {
    size_t rest = i, at = 0, stride = matrix;
    for (size_t axis = all.size(); axis-- > 0;) {
      const size_t index = rest % static_cast<size_t>(all[axis]);
      rest /= static_cast<size_t>(all[axis]);
      if (own[axis] != 1) at += index * stride;
      stride *= static_cast<size_t>(own[axis]);
    }
    offsets[i] = at;
  }
  return offsets;
}

}  // namespace assay::ops

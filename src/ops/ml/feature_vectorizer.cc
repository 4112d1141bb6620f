// Inputs side by side as float32. Each takes the columns that `inputdimensions` gives it: what it has more is left out,
// what it has less is 0.
#include <algorithm>

#include "base/checked.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/features.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

/// An input as [rows, columns].
struct Block {
  int64_t rows, columns;
};
Block block_of(const ir::Tensor& t) {
  const ir::Dims& dims = t.dims();
  if (dims.size() < 2) return {1, t.size()};
  return {dims[0], volume({dims.begin() + 1, dims.end()})};
}

template <class T>
void place(KernelContext& c, const ir::Tensor& t, int64_t first, int64_t width, int64_t total) {
  const Block block = block_of(t);
  const auto n = static_cast<size_t>(std::min(block.columns, width));
  std::vector<T> buffer(static_cast<size_t>(block.columns)), row(static_cast<size_t>(width));
  for (int64_t r = 0; r < block.rows; ++r) {
    std::copy_n(load(t, r * block.columns, n, buffer.data()), n, row.data());
    store(c.out(0), r * total + first, row.size(), row.data(), c.policy());
    std::ranges::fill(row, T(0));
  }
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Dims widths = c.op.attr_ints("inputdimensions");
  const ir::Dims& out = c.out(0).dims();
  for (size_t i = 0; i < widths.size(); ++i)
    if (block_of(c.in(i)).rows != out[0])
      return c.fail(Code::model_invalid, "input " + std::to_string(i) + " has " +
                                             std::to_string(block_of(c.in(i)).rows) + " rows, input 0 has " +
                                             std::to_string(out[0]));
  int64_t first = 0;
  for (size_t i = 0; i < widths.size(); first += widths[i++])
    computes_float64(c) ? place<double>(c, c.in(i), first, widths[i], out[1])
                        : place<float>(c, c.in(i), first, widths[i], out[1]);
  return {};
}

Status infer(InferContext& c) {
  const ir::Dims widths = c.op().attr_ints("inputdimensions");
  if (widths.size() != c.input_count())
    return c.fail("featurevectorizer_c1", "inputdimensions has " + std::to_string(widths.size()) + " entries for " +
                                              std::to_string(c.input_count()) + " inputs");
  int64_t total = 0;
  for (const int64_t width : widths) {
    const auto sum = checked_add(total, width);
    if (width < 0 || !sum || *sum > kMaxColumns) return c.fail("featurevectorizer_c2", "inputdimensions are no counts");
    total = *sum;
  }
  const bool rows = c.ranked(0) && c.rank(0) >= 2;
  c.set(0, ir::ElemType::float32, std::vector<ir::Dim>{rows ? c.shape(0)[0] : c.ranked(0) ? 1 : ir::Dim(), total});
  return {};
}

constexpr In kIn[] = {{"X", kFeatures, kVariadic}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"inputdimensions", "-"}};

}  // namespace

extern const OpDef kFeatureVectorizer = {
    .domain = kMl,
    .name = "FeatureVectorizer",
    .doc = "Inputs side by side as float32, each cut or filled up with 0 to a stated width.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::convert,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no operator cuts and fills columns"},
    .to_nn = {nullptr, "no operator cuts and fills columns"},
};

}  // namespace assay::ops

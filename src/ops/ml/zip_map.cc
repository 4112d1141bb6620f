#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/features.h"
#include "ops/ml/labels.h"
#include "ops/ml/map.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Status eval(KernelContext& c) {
  ASSAY_TRY(const Rows rows, rows_of(c));
  const ClassLabels labels = labels_of(c.op, "classlabels_int64s");
  if (static_cast<int64_t>(labels.size()) != rows.features)
    return c.fail(Code::model_invalid,
                  std::to_string(labels.size()) + " labels for " + std::to_string(rows.features) + " columns");
  const ir::Tensor keys =
      labels.text() ? ir::Tensor::of_strings({rows.features}, labels.strings) : ir::Tensor::of_ints(labels.integers);
  // Maps hold float32, as declared, whatever tensors are stored in; under float64 nothing is rounded on the way out.
  const bool wide = c.in(0).elem() == ir::ElemType::float64;
  const ir::Tensor x = wide ? c.in(0) : as_storage(c.in(0), ir::ElemType::float32);
  std::vector<ir::Tensor> maps;
  for (int64_t r = 0; r < rows.n; ++r) {
    ir::Tensor values = ir::Tensor::allocate(x.elem(), {rows.features});
    copy_run(x, r * rows.features, values, 0, rows.features);
    maps.push_back(ir::Tensor::of_items({keys, std::move(values)}));
  }
  c.out(0) = ir::Tensor::of_items(std::move(maps));
  return {};
}

Status infer(InferContext& c) {
  const ClassLabels labels = labels_of(c.op(), "classlabels_int64s");
  if (labels.size() == 0 || (labels.text() && !labels.integers.empty()))
    return c.fail("zipmap_c1", "one list of labels must be given");
  ASSAY_CHECK(row_count(c, "zipmap_c2"));
  c.set(0, ir::Type::sequence_of(map_type(labels.elem(), ir::ElemType::float32)));
  return {};
}

constexpr In kIn[] = {{"X", type_set(ir::ElemType::float32)}};
constexpr Out kOut[] = {{"Z"}};
constexpr AttrDoc kAttrs[] = {{"classlabels_int64s", "-"}, {"classlabels_strings", "-"}};

}  // namespace

extern const OpDef kZipMap = {
    .domain = kMl,
    .name = "ZipMap",
    .doc = "Each row as a map from labels to its elements.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no maps in programs"},
    .to_nn = {nullptr, "no maps in layers"},
};

}  // namespace assay::ops

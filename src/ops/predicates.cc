// IsNaN and IsInf.
#include <cmath>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

template <class Test>
Status eval(KernelContext& c, Test test) {
  ASSAY_CHECK(allocate_outputs(c));
  auto* out = c.out(0).mutable_data<uint8_t>();
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    double buffer[kChunk];
    for (size_t begin = from; begin < to; begin += kChunk) {
      const size_t n = std::min(kChunk, to - begin);
      const double* x = load(c.in(0), static_cast<int64_t>(begin), n, buffer);
      for (size_t i = 0; i < n; ++i) out[begin + i] = test(x[i]);
    }
  });
  return {};
}

Status eval_nan(KernelContext& c) {
  return eval(c, [](double x) { return std::isnan(x); });
}
Status eval_inf(KernelContext& c) {
  const bool positive = c.op.attr_int("detect_positive", 1) != 0, negative = c.op.attr_int("detect_negative", 1) != 0;
  return eval(c, [=](double x) { return std::isinf(x) && (x > 0 ? positive : negative); });
}

Status infer_bool(InferContext& c) {
  c.set(0, ir::ElemType::boolean, c.type(0).shape);
  return {};
}

constexpr ir::TypeSet kFloats8 = type_set(ir::ElemType::float8e4m3fn) | type_set(ir::ElemType::float8e4m3fnuz) |
                                 type_set(ir::ElemType::float8e5m2) | type_set(ir::ElemType::float8e5m2fnuz);
constexpr In kIn[] = {{"X", kFloats | kFloats8}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kInfAttrs[] = {{"detect_negative", "1"}, {"detect_positive", "1"}};

}  // namespace

extern const OpDef kIsInf = {
    .name = "IsInf",
    .since = 20,
    .doc = "Whether elements are infinite, of the signs asked for.",
    .in = kIn,
    .out = kOut,
    .attrs = kInfAttrs,
    .infer = infer_bool,
    .eval = eval_inf,
};

extern const OpDef kIsNaN = {
    .name = "IsNaN",
    .since = 20,
    .doc = "Whether elements are NaN.",
    .in = kIn,
    .out = kOut,
    .infer = infer_bool,
    .eval = eval_nan,
};

}  // namespace assay::ops

// assay.Round: what `resolve` puts where a value changes its storage outside of any operation of the model.
#include <cstring>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {
namespace {

Status eval(KernelContext& c) {
  const ir::Tensor& in = c.in(0);
  if (c.out(0).empty_handle()) c.allocate(0, in.dims());
  ir::Tensor& out = c.out(0);
  const bool wide = in.elem() == ir::ElemType::float64 || out.elem() == ir::ElemType::float64;
  c.threads.for_each(static_cast<size_t>(in.size()), 1 << 16, [&](size_t begin, size_t end) {
    wide ? convert<double>(in, out, begin, end, c.policy()) : convert<float>(in, out, begin, end, c.policy());
  });
  return {};
}

/// Behind a contraction: the rounding is the store's.
template <class T>
void copy(const num::Arith<T>&, const float*, const T* const* in, T* out, size_t n) {
  if (in[0] != out) std::memcpy(out, in[0], n * sizeof(T));
}

constexpr In kIn[] = {{"x", type_set(ir::ElemType::float32)}};
constexpr Out kOut[] = {{"y"}};

}  // namespace

extern const OpDef kAssayRound = {
    .domain = "assay",
    .name = "Round",
    .since = 1,
    .doc = "The input rounded into the storage of the output; made by `resolve`, never found in files.",
    .in = kIn,
    .out = kOut,
    .numeric = Numeric::elementwise,
    .infer = infer_same,
    .eval = eval,
    .elementwise = {.f32 = copy<float>, .f64 = copy<double>},
    .to_mil = {nullptr, "part of a resolved program: the model itself is converted"},
    .to_nn = {nullptr, "part of a resolved program: the model itself is converted"},
};

}  // namespace assay::ops

// assay.Round: what `resolve` puts where a value changes its storage outside of any operation of the model.
#include <cstring>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {
namespace {

void round_into(const KernelContext& c, const ir::Tensor& in, ir::Tensor& out) {
  const bool wide = in.elem() == ir::ElemType::float64 || out.elem() == ir::ElemType::float64;
  c.threads.for_each(static_cast<size_t>(in.size()), 1 << 16, [&](size_t begin, size_t end) {
    wide ? convert<double>(in, out, begin, end, c.policy()) : convert<float>(in, out, begin, end, c.policy());
  });
}

/// Of a sequence or an optional, each tensor in it.
ir::Tensor rounded(const KernelContext& c, const ir::Tensor& in) {
  if (in.is_list()) {
    std::vector<ir::Tensor> items;
    for (const ir::Tensor& item : in.items()) items.push_back(rounded(c, item));
    return ir::Tensor::of_items(std::move(items));
  }
  ir::Tensor out = ir::Tensor::allocate(c.storage_out(0), in.dims());
  round_into(c, in, out);
  return out;
}

Status eval(KernelContext& c) {
  if (c.out(0).empty_handle())
    c.out(0) = rounded(c, c.in(0));
  else
    round_into(c, c.in(0), c.out(0));
  return {};
}

/// Behind a contraction: the rounding is the store's.
template <class T>
void copy(const num::Arith<T>&, const float*, const T* const* in, T* out, size_t n) {
  if (in[0] != out) std::memcpy(out, in[0], n * sizeof(T));
}

constexpr In kIn[] = {{"x", type_set(ir::ElemType::float32) | kSequences | kOptionals}};
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

// assay.Round: what `resolve` puts where a value changes its storage outside of any operation of the model.
#include <algorithm>
#include <cstring>

#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {
namespace {

constexpr size_t kPiece = 1024;

void read(const ir::Tensor& t, size_t begin, size_t n, float* buffer) {
  if (t.elem() == ir::ElemType::float16)
    num::from_float16(t.data<uint16_t>() + begin, buffer, n);
  else if (t.elem() == ir::ElemType::bfloat16)
    num::from_bfloat16(t.data<uint16_t>() + begin, buffer, n);
  else
    std::memcpy(buffer, t.data<float>() + begin, n * sizeof(float));
}

void write(const float* buffer, size_t n, ir::Tensor& t, size_t begin) {
  if (t.elem() == ir::ElemType::float16)
    num::to_float16(buffer, t.mutable_data<uint16_t>() + begin, n);
  else if (t.elem() == ir::ElemType::bfloat16)
    num::to_bfloat16(buffer, t.mutable_data<uint16_t>() + begin, n);
  else
    std::memcpy(t.mutable_data<float>() + begin, buffer, n * sizeof(float));
}

void round_wide(const ir::Tensor& in, ir::Tensor& out, size_t begin, size_t end,
                const std::optional<num::Rounding>& to) {
  for (size_t i = begin; i < end; ++i) {
    const double value = in.float_at(static_cast<int64_t>(i));
    out.set_float(static_cast<int64_t>(i), to ? num::round(value, *to) : value);
  }
}

bool is_narrow(const ir::Tensor& t) {
  return t.elem() == ir::ElemType::float32 || t.elem() == ir::ElemType::float16 || t.elem() == ir::ElemType::bfloat16;
}

Status eval(KernelContext& c) {
  const ir::Tensor& in = c.in(0);
  if (c.out(0).empty_handle()) c.allocate(0, in.dims());
  ir::Tensor& out = c.out(0);
  const auto& to = c.policy().result;
  const bool narrow = is_narrow(in) && is_narrow(out);
  c.threads.for_each(static_cast<size_t>(in.size()), 1 << 16, [&](size_t begin, size_t end) {
    if (!narrow) return round_wide(in, out, begin, end, to);
    float buffer[kPiece];
    for (size_t i = begin; i < end; i += kPiece) {
      const size_t n = std::min(kPiece, end - i);
      read(in, i, n, buffer);
      if (to) num::round_in_place(buffer, n, *to);
      write(buffer, n, out, i);
    }
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
};

}  // namespace assay::ops

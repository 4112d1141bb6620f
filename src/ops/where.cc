#include <cstring>

#include "ops/broadcast.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

// Elements of one width, bit for bit.
template <class U>
void select(KernelContext& c, const ir::Tensor& x, const ir::Tensor& y) {
  const ir::Dims& dims = c.out(0).dims();
  const Broadcast wc(c.in(0).dims(), dims), wx(x.dims(), dims), wy(y.dims(), dims);
  const auto* condition = c.in(0).data<uint8_t>();
  const U *from_x = x.data<U>(), *from_y = y.data<U>();
  U* out = c.out(0).mutable_data<U>();
  const auto copy = [](U* to, const U* from, size_t length, bool repeats) {
    repeats ? static_cast<void>(std::fill_n(to, length, *from)) : static_cast<void>(std::copy_n(from, length, to));
  };
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    uint8_t chosen[kChunk];
    U a[kChunk], b[kChunk];
    for (size_t begin = from; begin < to; begin += kChunk) {
      const size_t n = std::min(kChunk, to - begin);
      const auto at = static_cast<int64_t>(begin);
      wc.runs(at, n, [&](size_t position, int64_t offset, size_t length, bool repeats) {
        if (repeats)
          std::memset(chosen + position, condition[offset], length);
        else
          std::memcpy(chosen + position, condition + offset, length);
      });
      wx.runs(at, n, [&](size_t p, int64_t offset, size_t length, bool r) { copy(a + p, from_x + offset, length, r); });
      wy.runs(at, n, [&](size_t p, int64_t offset, size_t length, bool r) { copy(b + p, from_y + offset, length, r); });
      for (size_t i = 0; i < n; ++i) out[begin + i] = chosen[i] != 0 ? a[i] : b[i];
    }
  });
}

// Text, and elements of other widths: one by one, on this thread (neighbours share bytes).
void select_each(KernelContext& c, const ir::Tensor& x, const ir::Tensor& y) {
  const ir::Dims& dims = c.out(0).dims();
  const Broadcast wc(c.in(0).dims(), dims), wx(x.dims(), dims), wy(y.dims(), dims);
  for (int64_t i = 0; i < c.out(0).size(); ++i) {
    bool chosen = false;
    wc.runs(i, 1, [&](size_t, int64_t at, size_t, bool) { chosen = c.in(0).int_at(at) != 0; });
    const auto copy = [&](const ir::Tensor& t) {
      return [&](size_t, int64_t at, size_t, bool) { copy_run(t, at, c.out(0), i, 1); };
    };
    chosen ? wx.runs(i, 1, copy(x)) : wy.runs(i, 1, copy(y));
  }
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::ElemType type = c.out(0).elem();
  const ir::Tensor x = as_storage(c.in(1), type), y = as_storage(c.in(2), type);
  switch (ir::elem_bits(type)) {
    case 8:
      select<uint8_t>(c, x, y);
      return {};
    case 16:
      select<uint16_t>(c, x, y);
      return {};
    case 32:
      select<uint32_t>(c, x, y);
      return {};
    case 64:
      select<uint64_t>(c, x, y);
      return {};
    default:
      select_each(c, x, y);
      return {};
  }
}

Status infer(InferContext& c) { return c.broadcast(c.elem(1)); }

Status to_mil(MilContext& c) {
  const MilValue condition = c.in(0), x = mil_widened(c, 1), y = mil_widened(c, 2);
  ASSAY_CHECK(c.status());
  return mil_narrowed(c, c.select(condition, x, y));
}

constexpr In kIn[] = {{"condition", kBool}, {"X", kAnything}, {"Y", kAnything}};
constexpr Out kOut[] = {{"output"}};

}  // namespace

extern const OpDef kWhere = {
    .name = "Where",
    .since = 16,
    .doc = "X where the condition holds, else Y, bit for bit.",
    .in = kIn,
    .out = kOut,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "select"},
    .to_nn = {nn_plain<"whereBroadcastable">, "whereBroadcastable"},
};

}  // namespace assay::ops

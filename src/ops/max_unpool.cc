// MaxUnpool: each value goes to the flat position where MaxPool found it.
#include <algorithm>

#include "ops/move.h"

namespace assay::ops {
namespace {

/// The extents before pooling, as the attributes give them; nullopt when these are wrong.
std::optional<std::vector<ir::Dim>> unpooled(const ir::Op& op, const std::vector<ir::Dim>& in) {
  if (in.size() < 3) return std::nullopt;
  const size_t n = in.size() - 2;
  const ir::Dims kernel = op.attr_ints("kernel_shape"), strides = op.attr_ints("strides", ir::Dims(n, 1)),
                 pads = op.attr_ints("pads", ir::Dims(2 * n, 0));
  if (kernel.size() != n || strides.size() != n || pads.size() != 2 * n) return std::nullopt;
  const auto sane = [](int64_t v) { return v >= 0 && v < (int64_t{1} << 31); };
  std::vector<ir::Dim> out = in;
  for (size_t i = 0; i < n; ++i) {
    if (!sane(kernel[i]) || !sane(strides[i]) || !sane(pads[i]) || !sane(pads[n + i])) return std::nullopt;
    ir::Dim& d = out[i + 2];
    if (!d.known()) {
      d = ir::Dim();
      continue;
    }
    if (!sane(d.value)) return std::nullopt;
    const int64_t extent = (d.value - 1) * strides[i] - pads[i] - pads[n + i] + kernel[i];
    if (extent < 0) return std::nullopt;
    d = extent;
  }
  return out;
}

Status infer(InferContext& c) {
  if (const auto shape = constant_ints(c, 2)) {
    ASSAY_CHECK(check_size(c, *shape));
    c.set(0, ir::Type::of(c.elem(0), *shape));
    return {};
  }
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  auto out = unpooled(c.op(), c.shape(0));
  if (!out) return c.fail("max_unpool_c1", "kernel_shape, strides or pads do not fit the input");
  if (c.has(2)) out.emplace(c.shape(0).size());
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor &in = c.in(0), &indices = c.in(1);
  ir::Tensor& out = c.out(0);
  if (in.dims() != indices.dims()) return c.fail(Code::model_invalid, "one index a value is needed");
  const auto natural = unpooled(c.op, std::vector<ir::Dim>(in.dims().begin(), in.dims().end()));
  if (!natural || static_cast<int64_t>(natural->size()) != out.rank())
    return c.fail(Code::model_invalid, "kernel_shape, strides or pads do not fit the input");
  ir::Dims space;  // in which indices count: without a given output_shape it is the output
  for (const ir::Dim& d : *natural) space.push_back(d.value);
  ASSAY_CHECK(check_size(c, space));
  const int64_t limit = volume(space);
  std::fill_n(out.mutable_bytes(), out.byte_size(), std::byte{0});
  const ir::Dims strides = strides_of(out.dims());
  const bool flat_is_place = space == out.dims(), single = in.elem() == ir::ElemType::float32;
  for (int64_t n = 0; n < in.size(); ++n) {
    int64_t flat = indices.data<int64_t>()[n], to = 0;
    if (flat < 0 || flat >= limit)
      return c.fail(Code::value_range, "index " + std::to_string(flat) + " of " + std::to_string(limit));
    if (flat_is_place) {
      if (single)
        out.mutable_data<float>()[flat] = in.data<float>()[n];
      else
        copy_run(in, n, out, flat, 1);
      continue;
    }
    bool inside = true;
    for (size_t k = space.size(); k-- > 0;) {
      const int64_t at = flat % space[k];
      flat /= space[k];
      inside = inside && at < out.dims()[k];
      to += at * strides[k];
    }
    if (inside) copy_run(in, n, out, to, 1);
  }
  return {};
}

constexpr In kIn[] = {{"X", kFloats}, {"I", kInt64}, {"output_shape", kInt64, kOptional}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"kernel_shape", ""}, {"strides", "1"}, {"pads", "0"}};

}  // namespace

extern const OpDef kMaxUnpool = {
    .name = "MaxUnpool",
    .since = 22,
    .doc = "Pooled values put back where they came from; zero elsewhere.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "scatters by the positions that MaxPool gives, which Core ML's poolings do not"},
    .to_nn = {.says = "scatters by the positions that MaxPool gives, which Core ML's poolings do not"},
};

}  // namespace assay::ops

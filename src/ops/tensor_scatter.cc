// Writes rows into a cache: what changes lies beside each other along one axis, at an index of each sample's own.
#include "ops/move.h"
#include "ops/scatter.h"
#include "ops/shapes.h"

namespace assay::ops {
namespace {

constexpr size_t kCache = 0, kUpdate = 1, kIndices = 2;

Result<std::optional<size_t>> sequence_axis(const InputShapes& in) {
  const int64_t wanted = in.op().attr_int("axis", -2);
  const std::string mode = in.op().attr_string("mode", "linear");
  if (mode != "linear" && mode != "circular") return in.fail("tensorscatter_c1", "mode is '" + mode + "'");
  if (!in.ranked(kCache)) return std::optional<size_t>();
  const auto rank = static_cast<int64_t>(in.rank(kCache));
  const int64_t axis = normal_axis(wanted, rank);
  if (axis < 1)
    return in.fail("tensorscatter_c2",
                   "axis " + std::to_string(wanted) + " of rank " + std::to_string(rank) + ": axis 0 counts samples");
  return std::optional(static_cast<size_t>(axis));
}

Status check_shapes(const InputShapes& in, size_t axis) {
  const size_t rank = in.rank(kCache);
  ASSAY_CHECK(in.check_rank(kUpdate, rank, "tensorscatter_c3"));
  for (size_t k = 0; k < rank; ++k) {
    ir::Dim extent = in.dim(kCache, k);
    const ir::Dim update = in.dim(kUpdate, k);
    if (k != axis) ASSAY_CHECK(in.meet(extent, kUpdate, k, "tensorscatter_c3"));
    if (extent.known() && update.known() && update.value > extent.value)
      return in.fail("tensorscatter_c4", "an update of " + std::to_string(update.value) + " for a cache of " +
                                             std::to_string(extent.value));
  }
  if (!in.has(kIndices)) return {};
  ir::Dim samples = in.dim(kCache, 0);
  ASSAY_CHECK(in.check_rank(kIndices, 1, "tensorscatter_c5"));
  return in.meet(samples, kIndices, 0, "tensorscatter_c5");
}

Status check(const InputShapes& in) {
  ASSAY_TRY(const auto axis, sequence_axis(in));
  return axis ? check_shapes(in, *axis) : Status{};
}

Status infer(InferContext& c) {
  ASSAY_CHECK(check(InputShapes(c)));
  return infer_same(c);
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(check(InputShapes(c)));
  ASSAY_CHECK(copy_data(c));
  ir::Tensor& out = c.out(0);
  const ir::Tensor update = as_storage(c.in(kUpdate), out.elem());
  const int64_t axis = normal_axis(c.op.attr_int("axis", -2), out.rank());
  const bool circular = c.op.attr_string("mode", "linear") == "circular";
  const ir::Dims& dims = out.dims();
  const int64_t extent = dims[static_cast<size_t>(axis)], count = update.dims()[static_cast<size_t>(axis)];
  const int64_t inner = volume({dims.begin() + axis + 1, dims.end()});
  const int64_t between = volume({dims.begin() + 1, dims.begin() + axis});
  if (update.size() == 0) return {};
  for (int64_t sample = 0; sample < dims[0]; ++sample) {
    const int64_t index = c.has(kIndices) ? c.in(kIndices).int_at(sample) : 0;
    if (!circular && (index < 0 || index > extent - count))
      return c.fail(Code::value_range, "write_indices[" + std::to_string(sample) + "] is " + std::to_string(index) +
                                           ", not 0 to " + std::to_string(extent - count));
    const int64_t first = ((index % extent) + extent) % extent, before_end = std::min(count, extent - first);
    for (int64_t p = sample * between; p < (sample + 1) * between; ++p) {
      const int64_t to = p * extent * inner, from = p * count * inner;
      copy_run(update, from, out, to + first * inner, before_end * inner);
      if (before_end < count) copy_run(update, from + before_end * inner, out, to, (count - before_end) * inner);
    }
  }
  return {};
}

constexpr In kIn[] = {{"past_cache", kAnything}, {"update", kAnything}, {"write_indices", kInt64, kOptional}};
constexpr Out kOut[] = {{"present_cache"}};
constexpr AttrDoc kAttrs[] = {{"axis", "-2"}, {"mode", "linear"}};

}  // namespace

extern const OpDef kTensorScatter = {
    .name = "TensorScatter",
    .since = 24,
    .doc = "The cache with rows of the update written at an index for each sample, which may wrap around.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "each sample is written at an index of its own, and outside of the cache there is no result"},
    .to_nn = {nullptr, "each sample is written at an index of its own, and outside of the cache there is no result"},
};

}  // namespace assay::ops

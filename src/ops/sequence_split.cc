// Between tensors and sequences of parts: SplitToSequence, ConcatFromSequence.
#include <algorithm>
#include <limits>

#include "ops/move.h"
#include "ops/sequence.h"

namespace assay::ops {
namespace {

using ir::Type;

/// One part for each index, its axis left out.
bool drops_axis(const ir::Op& op) { return !op.has_input(1) && op.attr_int("keepdims", 1) == 0; }

Status infer_split(InferContext& c) {
  Type part = Type::tensor(c.elem(0));
  if (c.ranked(0)) {
    ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", 0), c.rank(0), "split_to_sequence_c1"));
    part.shape = c.shape(0);
    if (drops_axis(c.op()))
      part.shape->erase(part.shape->begin() + axis);
    else
      (*part.shape)[static_cast<size_t>(axis)] = c.has(1) ? ir::Dim() : ir::Dim(1);
  }
  c.set(0, Type::sequence_of(std::move(part)));
  return {};
}

Error bad_sizes(const KernelContext& c, int64_t extent) {
  return c.fail(Code::value_range,
                "split is " + ir::to_string(c.in(1).ints()) + " for an axis with extent " + std::to_string(extent));
}

/// Extents of the parts: one number is that of all but a smaller last one.
Result<ir::Dims> part_sizes(const KernelContext& c, int64_t extent) {
  if (!c.has(1)) return ir::Dims(static_cast<size_t>(extent), 1);
  ir::Dims sizes = c.in(1).ints();
  if (c.in(1).rank() == 0) {
    const int64_t each = sizes[0];
    if (each <= 0) return bad_sizes(c, extent);
    sizes.assign(static_cast<size_t>(extent / each), each);
    if (extent % each != 0) sizes.push_back(extent % each);
    return sizes;
  }
  int64_t left = extent;
  for (const int64_t n : sizes) {
    if (n < 0 || n > left) return bad_sizes(c, extent);
    left -= n;
  }
  if (left != 0) return bad_sizes(c, extent);
  return sizes;
}

Status eval_split(KernelContext& c) {
  const ir::Tensor in = as_storage(c.in(0), c.storage_out(0));
  const int64_t given = c.op.attr_int("axis", 0), axis = normal_axis(given, in.rank());
  if (axis < 0) return axis_error(c, given, in.rank());
  const auto k = static_cast<size_t>(axis);
  ASSAY_TRY(const ir::Dims sizes, part_sizes(c, in.dims()[k]));
  const ir::Dims strides = strides_of(in.dims());
  std::vector<ir::Tensor> parts;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    ir::Dims dims = in.dims();
    dims[k] = size;
    ir::Tensor part = ir::Tensor::allocate(in.elem(), dims);
    copy_strided(in, part, {dims, strides, strides_of(dims), begin * strides[k], 0}, c.threads);
    begin += size;
    if (drops_axis(c.op)) dims.erase(dims.begin() + axis);
    parts.push_back(part.reshaped(std::move(dims)));
  }
  c.out(0) = ir::Tensor::of_items(std::move(parts));
  return {};
}

Status infer_concat(InferContext& c) {
  if (c.type(0).kind != Type::Kind::sequence)
    return c.fail("concat_from_sequence_c1", "the input is " + to_string(c.type(0)) + ", not a sequence");
  const Type& element = *c.type(0).element;
  const bool stacks = c.op().attr_int("new_axis", 0) != 0;
  Type out = Type::tensor(element.elem);
  if (element.ranked()) {
    const auto rank = static_cast<int64_t>(element.shape->size()) + (stacks ? 1 : 0);
    ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", 0), rank, "concat_from_sequence_c2"));
    out.shape = element.shape;
    if (stacks)
      out.shape->insert(out.shape->begin() + axis, ir::Dim());
    else
      (*out.shape)[static_cast<size_t>(axis)] = ir::Dim();
  }
  c.set(0, std::move(out));
  return {};
}

/// The item's dimensions with the axis that a stack of such items has.
ir::Dims spread(ir::Dims dims, std::optional<int64_t> new_axis) {
  if (new_axis) dims.insert(dims.begin() + *new_axis, 1);
  return dims;
}

Status eval_concat(KernelContext& c) {
  const std::vector<ir::Tensor>& items = c.in(0).items();
  if (items.empty()) return c.fail(Code::value_range, "an empty sequence cannot be concatenated");
  const bool stacks = c.op.attr_int("new_axis", 0) != 0;
  const int64_t rank = items[0].rank() + (stacks ? 1 : 0), given = c.op.attr_int("axis", 0);
  const int64_t axis = normal_axis(given, rank);
  if (axis < 0) return axis_error(c, given, rank);
  const std::optional<int64_t> new_axis = stacks ? std::optional(axis) : std::nullopt;
  const auto k = static_cast<size_t>(axis);
  ir::Dims dims = spread(items[0].dims(), new_axis);
  const ir::Dims first = dims;
  dims[k] = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    ir::Dims part = spread(items[i].dims(), new_axis);
    const int64_t extent = part.size() == dims.size() ? part[k] : 0;
    if (part.size() == dims.size()) part[k] = first[k];
    if (part != first)
      return c.fail(Code::value_range, "item " + std::to_string(i) + " has shape " + ir::to_string(items[i].dims()) +
                                           ", item 0 " + ir::to_string(items[0].dims()));
    if (__builtin_add_overflow(dims[k], extent, &dims[k]))
      return c.fail(Code::limit_exceeded, "the result is too large");
  }
  ASSAY_CHECK(check_size(c, dims));
  c.allocate(0, dims);
  const ir::Dims strides = strides_of(dims);
  int64_t begin = 0;
  for (const ir::Tensor& item : items) {
    const ir::Dims part = spread(item.dims(), new_axis);
    const ir::Tensor in = as_storage(item, c.out(0).elem()).reshaped(part);
    copy_strided(in, c.out(0), {part, strides_of(part), strides, 0, begin * strides[k]}, c.threads);
    begin += part[k];
  }
  return {};
}

constexpr In kSplitIn[] = {{"input", kAnything}, {"split", kIndices, kOptional}};
constexpr In kConcatIn[] = {{"input_sequence", kSequences}};
constexpr Out kSplitOut[] = {{"output_sequence"}};
constexpr Out kConcatOut[] = {{"concat_result"}};
constexpr AttrDoc kSplitAttrs[] = {{"axis", "0"}, {"keepdims", "1"}};
constexpr AttrDoc kConcatAttrs[] = {{"axis", ""}, {"new_axis", "0"}};

}  // namespace

extern const OpDef kSplitToSequence = {
    .name = "SplitToSequence",
    .since = 24,
    .doc = "A sequence of parts of the input along an axis: of the given sizes, or of extent 1.",
    .in = kSplitIn,
    .out = kSplitOut,
    .attrs = kSplitAttrs,
    .mixed = true,
    .infer = infer_split,
    .eval = eval_split,
    .to_mil = {nullptr, kNoSequences},
    .to_nn = {nullptr, kNoSequences},
};

extern const OpDef kConcatFromSequence = {
    .name = "ConcatFromSequence",
    .since = 11,
    .doc = "The tensors of a sequence one behind the other along an axis, or stacked on a new one.",
    .in = kConcatIn,
    .out = kConcatOut,
    .attrs = kConcatAttrs,
    .infer = infer_concat,
    .eval = eval_concat,
    .to_mil = {nullptr, kNoSequences},
    .to_nn = {nullptr, kNoSequences},
};

}  // namespace assay::ops

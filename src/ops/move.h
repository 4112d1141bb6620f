// What data movement shares: bit-exact copies of any element type, views, and outputs whose shape depends on data.
#pragma once
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/threads.h"
#include "ir/tensor.h"
#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {

/// Row-major strides in elements.
ir::Dims strides_of(const ir::Dims& dims);
/// Number of elements of a box; its extents were checked before.
int64_t volume(const ir::Dims& dims);

/// out[to + i] = in[from + i] for i in [0, n). Both have the same element type.
void copy_run(const ir::Tensor& in, int64_t from, ir::Tensor& out, int64_t to, int64_t n);
/// out[to + i] = in[from], n times.
void fill_run(const ir::Tensor& in, int64_t from, ir::Tensor& out, int64_t to, int64_t n);

/// out[out_begin + sum(i_k * out_strides[k])] = in[in_begin + sum(i_k * in_strides[k])] over the box `extents`.
/// Strides count elements; input strides may be zero (repeats) or negative.
struct StridedCopy {
  ir::Dims extents;
  ir::Dims in_strides;
  ir::Dims out_strides;
  int64_t in_begin = 0;
  int64_t out_begin = 0;
};
void copy_strided(const ir::Tensor& in, ir::Tensor& out, StridedCopy copy, const Threads& threads);

/// `t` stored as `elem`: the same handle when it is already, else each element rounded once.
ir::Tensor as_storage(const ir::Tensor& t, ir::ElemType elem);

/// Whether a tensor of these dimensions may be made at all (no negative extent, no overflow, below the limit).
bool size_allowed(const ir::Dims& dims);
/// limit_exceeded or model_invalid, naming the op, unless size_allowed().
Status check_size(const InferContext& c, const ir::Dims& dims);
Status check_size(const KernelContext& c, const ir::Dims& dims);

/// Allocates the outputs that have no memory yet because their shapes needed values: runs the row's inference on the
/// operands themselves.
Status allocate_outputs(KernelContext& c);
/// eval of rows whose output is the input's bytes under another shape.
Status eval_view(KernelContext& c);

/// The integers of input `i` when they are known now.
std::optional<ir::Dims> constant_ints(const InferContext& c, size_t i);
/// Input `i` as integers, or nothing when it is absent.
std::optional<ir::Dims> ints_of(const KernelContext& c, size_t i);

/// `axis` in [-rank, rank) made non-negative, or -1 when it is out of range.
inline int64_t normal_axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) return -1;
  return axis < 0 ? axis + rank : axis;
}
Error axis_error(const KernelContext& c, int64_t axis, int64_t rank);

/// Steps a row-major counter over `extents`; false when it wraps around.
bool next_index(ir::Dims& index, const ir::Dims& extents);

}  // namespace assay::ops

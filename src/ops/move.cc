#include "ops/move.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "ops/fill.h"
#include "ops/propagate.h"
#include "ops/turn.h"

namespace assay::ops {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 40;
constexpr size_t kGrainBytes = size_t{1} << 16;

/// Bytes of one element; 0 for strings and for types narrower than a byte.
size_t whole_bytes(ir::ElemType elem) {
  const int bits = ir::elem_bits(elem);
  return bits >= 8 ? static_cast<size_t>(bits) / 8 : 0;
}

struct Loop {
  int64_t extent, in, out;
};

/// Drops axes of extent 1 and merges neighbours that are contiguous on both sides.
std::vector<Loop> coalesced(const StridedCopy& copy) {
  std::vector<Loop> loops;
  for (size_t k = 0; k < copy.extents.size(); ++k) {
    const Loop next{copy.extents[k], copy.in_strides[k], copy.out_strides[k]};
    if (next.extent == 1) continue;
    if (!loops.empty() && loops.back().in == next.in * next.extent && loops.back().out == next.out * next.extent)
      loops.back() = {loops.back().extent * next.extent, next.in, next.out};
    else
      loops.push_back(next);
  }
  return loops;
}

/// One row, strides in elements of type U.
template <class U>
void copy_row(const U* in, U* out, const Loop& row) {
  if (row.in == 1 && row.out == 1) {
    std::memcpy(out, in, static_cast<size_t>(row.extent) * sizeof(U));
  } else if (row.out == 1 && row.in == 0) {
    fill_long(out, static_cast<size_t>(row.extent), *in);
  } else {
    for (int64_t i = 0; i < row.extent; ++i) out[i * row.out] = in[i * row.in];
  }
}

/// Two inner loops. Where one side is contiguous along the one and the other side along the other, both are walked in
/// square tiles so that each cache line is used whole.
template <class U>
void copy_plane(const U* in, U* out, const Loop& outer, const Loop& row) {
  constexpr int64_t kTile = 16;
  if (row.in == 1 || outer.in != 1 || outer.extent < 4) {
    for (int64_t j = 0; j < outer.extent; ++j) copy_row(in + j * outer.in, out + j * outer.out, row);
    return;
  }
  if constexpr (sizeof(U) <= 8) {
    if (row.out == 1)
      return turn(in, row.in, out, outer.out, static_cast<size_t>(row.extent), static_cast<size_t>(outer.extent));
  }
  for (int64_t j0 = 0; j0 < outer.extent; j0 += kTile) {
    const int64_t j1 = std::min(j0 + kTile, outer.extent);
    for (int64_t i0 = 0; i0 < row.extent; i0 += kTile) {
      const int64_t i1 = std::min(i0 + kTile, row.extent);
      for (int64_t j = j0; j < j1; ++j) {
        const U* from = in + j;
        U* to = out + j * outer.out;
        for (int64_t i = i0; i < i1; ++i) to[i * row.out] = from[i * row.in];
      }
    }
  }
}

template <class Body>
void for_each_outer(const std::vector<Loop>& loops, size_t outer_count, size_t begin, size_t end, const Body& body) {
  int64_t in = 0, out = 0;
  std::vector<int64_t> index(outer_count);
  auto rest = static_cast<int64_t>(begin);
  for (size_t k = outer_count; k-- > 0;) {
    index[k] = rest % loops[k].extent;
    rest /= loops[k].extent;
    in += index[k] * loops[k].in;
    out += index[k] * loops[k].out;
  }
  for (size_t n = begin; n < end; ++n) {
    body(in, out);
    for (size_t k = outer_count; k-- > 0;) {
      in += loops[k].in;
      out += loops[k].out;
      if (++index[k] < loops[k].extent) break;
      in -= loops[k].in * loops[k].extent;
      out -= loops[k].out * loops[k].extent;
      index[k] = 0;
    }
  }
}

/// Puts the loop over which the input is contiguous right outside of the innermost: what copy_plane tiles.
void order_for_tiles(std::vector<Loop>& loops) {
  if (loops.size() < 2 || loops.back().in == 1) return;
  const auto last = loops.end() - 1;
  const auto unit = std::find_if(loops.begin(), last, [](const Loop& l) { return l.in == 1; });
  if (unit != last) std::rotate(unit, unit + 1, last);
}

template <class U>
void copy_typed(const ir::Tensor& in, ir::Tensor& out, const StridedCopy& copy, std::vector<Loop> loops,
                const Threads& threads) {
  const U* from = in.data<U>() + copy.in_begin;
  U* to = out.mutable_data<U>() + copy.out_begin;
  order_for_tiles(loops);
  while (loops.size() < 2) loops.insert(loops.begin(), Loop{1, 0, 0});
  const Loop row = loops.back(), plane = loops[loops.size() - 2];
  size_t outer_count = loops.size() - 2;
  if (outer_count == 0 && plane.extent > 1) {  // one plane: its rows are the parallel work
    const size_t bytes = static_cast<size_t>(row.extent) * sizeof(U);
    threads.for_each(static_cast<size_t>(plane.extent), std::max<size_t>(16, kGrainBytes / std::max<size_t>(bytes, 1)),
                     [&](size_t begin, size_t end) {
                       const auto j = static_cast<int64_t>(begin);
                       const Loop part{static_cast<int64_t>(end) - j, plane.in, plane.out};
                       copy_plane(from + j * plane.in, to + j * plane.out, part, row);
                     });
    return;
  }
  size_t planes = 1;
  for (size_t k = 0; k < outer_count; ++k) planes *= static_cast<size_t>(loops[k].extent);
  const size_t bytes = static_cast<size_t>(plane.extent * row.extent) * sizeof(U);
  threads.for_each(planes, std::max<size_t>(1, kGrainBytes / std::max<size_t>(bytes, 1)),
                   [&](size_t begin, size_t end) {
                     for_each_outer(loops, outer_count, begin, end,
                                    [&](int64_t a, int64_t b) { copy_plane(from + a, to + b, plane, row); });
                   });
}

struct Wide {
  uint64_t halves[2];
};

/// One element narrower than a byte, by its bits (a signed read is undone by the wrapping write).
void copy_packed(const ir::Tensor& in, int64_t from, ir::Tensor& out, int64_t to) { out.set_int(to, in.int_at(from)); }

}  // namespace

ir::Dims strides_of(const ir::Dims& dims) {
  ir::Dims strides(dims.size(), 1);
  for (size_t k = dims.size(); k-- > 1;) strides[k - 1] = strides[k] * std::max<int64_t>(dims[k], 1);
  return strides;
}

int64_t volume(const ir::Dims& dims) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  return n;
}

void copy_run(const ir::Tensor& in, int64_t from, ir::Tensor& out, int64_t to, int64_t n) {
  if (n <= 0) return;
  if (const size_t bytes = whole_bytes(in.elem())) {
    std::memcpy(out.mutable_bytes() + static_cast<size_t>(to) * bytes, in.bytes() + static_cast<size_t>(from) * bytes,
                static_cast<size_t>(n) * bytes);
  } else if (in.elem() == ir::ElemType::string) {
    std::copy_n(in.strings().begin() + from, n, out.mutable_strings().begin() + to);
  } else {
    for (int64_t i = 0; i < n; ++i) copy_packed(in, from + i, out, to + i);
  }
}

void fill_run(const ir::Tensor& in, int64_t from, ir::Tensor& out, int64_t to, int64_t n) {
  const auto fill = [&]<class U>(U) {
    fill_long(out.mutable_data<U>() + to, static_cast<size_t>(std::max<int64_t>(n, 0)), in.data<U>()[from]);
  };
  switch (whole_bytes(in.elem())) {
    case 1:
      return fill(uint8_t{});
    case 2:
      return fill(uint16_t{});
    case 4:
      return fill(uint32_t{});
    case 8:
      return fill(uint64_t{});
    default:
      for (int64_t i = 0; i < n; ++i) copy_run(in, from, out, to + i, 1);
  }
}

void copy_strided(const ir::Tensor& in, ir::Tensor& out, StridedCopy copy, const Threads& threads) {
  if (std::ranges::find(copy.extents, 0) != copy.extents.end()) return;
  std::vector<Loop> loops = coalesced(copy);
  switch (whole_bytes(in.elem())) {
    case 1:
      return copy_typed<uint8_t>(in, out, copy, std::move(loops), threads);
    case 2:
      return copy_typed<uint16_t>(in, out, copy, std::move(loops), threads);
    case 4:
      return copy_typed<uint32_t>(in, out, copy, std::move(loops), threads);
    case 8:
      return copy_typed<uint64_t>(in, out, copy, std::move(loops), threads);
    case 16:
      return copy_typed<Wide>(in, out, copy, std::move(loops), threads);
    default:  // strings and packed elements: one by one, on this thread (neighbours share bytes)
      break;
  }
  size_t count = 1;
  for (const Loop& l : loops) count *= static_cast<size_t>(l.extent);
  for_each_outer(loops, loops.size(), 0, count,
                 [&](int64_t a, int64_t b) { copy_run(in, copy.in_begin + a, out, copy.out_begin + b, 1); });
}

ir::Tensor as_storage(const ir::Tensor& t, ir::ElemType elem) {
  if (t.elem() == elem) return t;
  ir::Tensor out = ir::Tensor::allocate(elem, t.dims());
  for (int64_t i = 0; i < t.size(); ++i) {
    if (ir::is_float(elem))
      out.set_float(i, t.float_at(i));
    else
      out.set_int(i, ir::is_float(t.elem()) ? static_cast<int64_t>(t.float_at(i)) : t.int_at(i));
  }
  return out;
}

bool size_allowed(const ir::Dims& dims) {
  const auto n = checked_product(dims);
  return n && *n <= kMaxElements && !is_absurd(ir::Type::of(ir::ElemType::undefined, dims));
}

namespace {

bool has_negative(const ir::Dims& dims) {
  return std::ranges::any_of(dims, [](int64_t d) { return d < 0; });
}
std::string too_large(const ir::Dims& dims) {
  return "the result would have shape " + ir::to_string(dims) +
         (has_negative(dims) ? ", with a negative extent" : "; a tensor has at most 2^40 elements");
}

}  // namespace

Status check_size(const InferContext& c, const ir::Dims& dims) {
  if (size_allowed(dims)) return {};
  if (has_negative(dims)) return c.fail("negative_extent", too_large(dims));
  Error e = c.fail("size_limit", too_large(dims));
  e.code = Code::limit_exceeded;
  return e;
}

Status check_size(const KernelContext& c, const ir::Dims& dims) {
  if (size_allowed(dims)) return {};
  return c.fail(has_negative(dims) ? Code::model_invalid : Code::limit_exceeded, too_large(dims));
}

Status allocate_outputs(KernelContext& c) {
  const auto missing = [&](size_t i) { return c.wants(i) && i < c.outputs.size() && c.outputs[i].empty_handle(); };
  bool any = false;
  for (size_t i = 0; i < c.outputs.size(); ++i) any = any || missing(i);
  if (!any) return {};
  std::vector<ir::Value> values(c.inputs.size());
  std::vector<const ir::Value*> pointers(c.inputs.size(), nullptr);
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    if (!c.has(i)) continue;
    values[i].type = ir::Type::of(c.declared_in(i), c.in(i).dims());
    values[i].constant = std::make_shared<const ir::Tensor>(c.in(i));
    pointers[i] = &values[i];
  }
  InferContext infer(c.graph, c.op, pointers);
  ASSAY_CHECK(c.op.def->infer(infer));
  for (size_t i = 0; i < c.outputs.size(); ++i) {
    if (!missing(i)) continue;
    const auto& type = infer.outputs()[i];
    if (!type || !type->is_static()) return c.fail(Code::internal, "the shape of an output is not known");
    const ir::Dims dims = type->dims();
    ASSAY_CHECK(check_size(c, dims));
    c.allocate(i, dims);
  }
  return {};
}

Status eval_view(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  if (c.in(0).elem() == ir::ElemType::string)
    c.out(0).mutable_strings() = c.in(0).strings();
  else if (c.in(0).byte_size() != 0 && c.out(0).bytes() != c.in(0).bytes())
    std::memcpy(c.out(0).mutable_bytes(), c.in(0).bytes(), c.in(0).byte_size());
  return {};
}

std::optional<ir::Dims> constant_ints(const InferContext& c, size_t i) {
  const ir::Tensor* t = c.constant(i);
  return t && !ir::is_float(t->elem()) && t->elem() != ir::ElemType::string ? std::optional(t->ints()) : std::nullopt;
}

std::optional<ir::Dims> ints_of(const KernelContext& c, size_t i) {
  return c.has(i) ? std::optional(c.in(i).ints()) : std::nullopt;
}

Error axis_error(const KernelContext& c, int64_t axis, int64_t rank) {
  return c.fail(Code::model_invalid, "axis " + std::to_string(axis) + " for rank " + std::to_string(rank));
}

bool next_index(ir::Dims& index, const ir::Dims& extents) {
  for (size_t k = extents.size(); k-- > 0;) {
    if (++index[k] < extents[k]) return true;
    index[k] = 0;
  }
  return false;
}

}  // namespace assay::ops

// Gather and GatherElements: elements picked along one axis.
#include <algorithm>

#include "ops/elementwise.h"
#include "ops/lower/move_nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Error index_error(const KernelContext& c, int64_t index, int64_t extent) {
  return c.fail(Code::value_range,
                "index " + std::to_string(index) + " is outside of an axis with extent " + std::to_string(extent));
}

/// All indices made non-negative; an error when one is out of range.
Result<ir::Dims> normal_indices(const KernelContext& c, const ir::Tensor& t, int64_t extent) {
  ir::Dims indices(static_cast<size_t>(t.size()));
  if (const int64_t* given = load(t, 0, indices.size(), indices.data()); given != indices.data())
    std::copy_n(given, indices.size(), indices.data());
  for (int64_t& i : indices) {
    const int64_t normal = normal_axis(i, extent);
    if (normal < 0) return index_error(c, i, extent);
    i = normal;
  }
  return indices;
}

Status infer_gather(InferContext& c) {
  if (!c.ranked(0) || !c.ranked(1)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", 0), c.rank(0), "gather_c1"));
  std::vector<ir::Dim> out(c.shape(0).begin(), c.shape(0).begin() + axis);
  out.insert(out.end(), c.shape(1).begin(), c.shape(1).end());
  out.insert(out.end(), c.shape(0).begin() + axis + 1, c.shape(0).end());
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval_gather(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor& in = c.in(0);
  const auto axis = static_cast<size_t>(normal_axis(c.op.attr_int("axis", 0), in.rank()));
  const int64_t extent = in.dims()[axis];
  ASSAY_TRY(const ir::Dims indices, normal_indices(c, c.in(1), extent));
  const int64_t inner = volume({in.dims().begin() + static_cast<std::ptrdiff_t>(axis) + 1, in.dims().end()});
  const int64_t outer = volume({in.dims().begin(), in.dims().begin() + static_cast<std::ptrdiff_t>(axis)});
  const auto count = static_cast<int64_t>(indices.size());
  if (c.out(0).size() == 0) return {};
  const auto run = [&](size_t begin, size_t end) {
    for (auto n = static_cast<int64_t>(begin); n < static_cast<int64_t>(end); ++n) {
      const int64_t from = (n / count) * extent + indices[static_cast<size_t>(n % count)];
      copy_run(in, from * inner, c.out(0), n * inner, inner);
    }
  };
  const auto rows = static_cast<size_t>(outer * count);
  if (ir::elem_bits(in.elem()) < 8)  // strings, and types whose neighbours share bytes
    run(0, rows);
  else
    c.threads.for_each(rows, static_cast<size_t>(std::max<int64_t>(1, 16384 / inner)), run);
  return {};
}

Status infer_elements(InferContext& c) {
  if (c.ranked(0) && c.ranked(1) && c.rank(0) != c.rank(1))
    return c.fail("gather_elements_c1", "data and indices have different ranks");
  if (c.ranked(0)) {
    ASSAY_TRY([[maybe_unused]] const int64_t axis, c.axis(c.op().attr_int("axis", 0), c.rank(0), "gather_elements_c2"));
  }
  c.set(0, c.elem(0), c.type(1).shape);
  return {};
}

/// Where the elements picked along an axis lie: rows of indices along their last axis, each with a place in the data.
class Picks {
 public:
  Picks(const ir::Dims& data, const ir::Dims& indices, size_t axis) : extents_(indices), strides_(strides_of(data)) {
    const size_t last = indices.size() - 1;
    width_ = indices[last];
    picked_ = strides_[axis];
    step_ = axis == last ? 0 : 1;
    strides_[axis] = 0;
    extents_.pop_back();
    for (const int64_t extent : extents_) count_ *= static_cast<size_t>(extent);
  }
  size_t count() const { return count_; }   ///< of rows
  int64_t width() const { return width_; }  ///< of a row
  /// Of the element at column j whose index is `index`, from the row's place.
  int64_t offset(int64_t index, int64_t j) const { return index * picked_ + j * step_; }

  /// use(row, place) for each row.
  template <class Use>
  void rows(size_t begin, size_t end, Use use) const {
    ir::Dims index(extents_.size());
    auto rest = static_cast<int64_t>(begin);
    for (size_t k = extents_.size(); k-- > 0; rest /= extents_[k]) index[k] = rest % extents_[k];
    for (size_t row = begin; row < end; ++row) {
      int64_t place = 0;
      for (size_t k = 0; k < index.size(); ++k) place += index[k] * strides_[k];
      use(row, place);
      next_index(index, extents_);
    }
  }

 private:
  ir::Dims extents_, strides_;
  int64_t width_ = 1, picked_ = 1, step_ = 1;
  size_t count_ = 1;
};

/// Elements of one width, bit for bit.
template <class U>
void pick(KernelContext& c, const Picks& where, const ir::Dims& picks) {
  const U* from = c.in(0).data<U>();
  U* to = c.out(0).mutable_data<U>();
  const size_t grain = std::max<size_t>(1, 16384 / static_cast<size_t>(where.width()));
  c.threads.for_each(where.count(), grain, [&](size_t begin, size_t end) {
    where.rows(begin, end, [&](size_t row, int64_t base) {
      const size_t first = row * static_cast<size_t>(where.width());
      for (int64_t j = 0; j < where.width(); ++j)
        to[first + static_cast<size_t>(j)] = from[base + where.offset(picks[first + static_cast<size_t>(j)], j)];
    });
  });
}

Status eval_elements(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor &in = c.in(0), &indices = c.in(1);
  if (in.rank() != indices.rank()) return c.fail(Code::model_invalid, "data and indices have different ranks");
  if (in.rank() == 0) return c.fail(Code::model_invalid, "a scalar has no axis");
  const auto axis = static_cast<size_t>(normal_axis(c.op.attr_int("axis", 0), in.rank()));
  for (size_t k = 0; k < in.dims().size(); ++k) {
    if (k != axis && indices.dims()[k] > in.dims()[k])
      return c.fail(Code::model_invalid, "indices of extent " + std::to_string(indices.dims()[k]) + " along axis " +
                                             std::to_string(k) + ", data of " + std::to_string(in.dims()[k]));
  }
  ASSAY_TRY(const ir::Dims picks, normal_indices(c, indices, in.dims()[axis]));
  if (picks.empty()) return {};
  const Picks where(in.dims(), indices.dims(), axis);
  switch (ir::elem_bits(in.elem())) {
    case 8:
      pick<uint8_t>(c, where, picks);
      return {};
    case 16:
      pick<uint16_t>(c, where, picks);
      return {};
    case 32:
      pick<uint32_t>(c, where, picks);
      return {};
    case 64:
      pick<uint64_t>(c, where, picks);
      return {};
    default:  // strings and others: one by one, on this thread (neighbours may share bytes)
      where.rows(0, where.count(), [&](size_t row, int64_t base) {
        for (int64_t j = 0; j < where.width(); ++j) {
          const auto n = static_cast<int64_t>(row) * where.width() + j;
          copy_run(in, base + where.offset(picks[static_cast<size_t>(n)], j), c.out(0), n, 1);
        }
      });
      return {};
  }
}

Status gather_to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesSmall));
  const int64_t axis = axis_of(c.op, 0, x.rank());
  ASSAY_TRY(const MilValue at, indices_of(c, 1, x, {axis}, false, c.version() < kCountsFromStart));
  return emit_carried(c, "gather", {{"x", x}, {"indices", at}, {"axis", mil::of_int(static_cast<int32_t>(axis))}},
                      x.data());
}

/// Axes along which the indices are certainly as large as the data, and `axis` itself: 1.
template <class Context>
std::vector<int64_t> uncut_axes(const Context& c, int64_t axis) {
  std::vector<int64_t> masks;
  for (int64_t i = 0; i < c.rank(0); ++i) {
    const auto k = static_cast<size_t>(i);
    masks.push_back(i == axis || same_extent((*c.type(0).shape)[k], (*c.type(1).shape)[k]));
  }
  return masks;
}

/// gather_along_axis wants indices as large as the data along all other axes: the data is cut to them.
MilValue cut_to_indices(MilContext& c, const MilValue& x, const MilValue& at, int64_t axis) {
  const std::vector<int64_t> masks = uncut_axes(c, axis);
  if (std::ranges::find(masks, 0) == masks.end()) return x;
  mil::Dims dims = at.dims();
  dims[static_cast<size_t>(axis)] = x.dims()[static_cast<size_t>(axis)];
  return c.make("slice_by_index",
                {{"x", x},
                 {"begin", repeated(0, x.rank())},
                 {"end", extents_of(c, at, 0, x.rank())},
                 {"begin_mask", mil::of_bools({masks.begin(), masks.end()})},
                 {"end_mask", mil::of_bools({masks.begin(), masks.end()})}},
                mil::Type::tensor(x.data(), std::move(dims)));
}

Status elements_to_mil(MilContext& c) {
  ASSAY_TRY(MilValue x, operand(c, 0, kTakesSmall));
  const int64_t axis = axis_of(c.op, 0, x.rank());
  ASSAY_TRY(const MilValue at, indices_of(c, 1, x, {axis}, false, c.version() < kCountsFromStart));
  x = cut_to_indices(c, x, at, axis);
  return emit_carried(c, "gather_along_axis",
                      {{"x", x}, {"indices", at}, {"axis", mil::of_int(static_cast<int32_t>(axis))}}, x.data());
}

Status gather_to_nn(NnContext& c) {
  ASSAY_TRY(std::string x, nn_operand(c, 0));
  const int64_t axis = axis_of(c.op, 0, c.rank(0));
  ASSAY_TRY(const std::string at, nn_indices(c, 1, {axis}, true));
  x = c.make("gather", {x, at}, c.params("gather").set("axis", axis));
  // A scalar index is a blob of one element, whose axis stays.
  if (c.rank(1) == 0 && c.rank(0) > 1) x = c.make("squeeze", {x}, c.params("squeeze").set("axes", ir::Dims{axis}));
  return c.result(x);
}

Status elements_to_nn(NnContext& c) {
  ASSAY_TRY(std::string x, nn_operand(c, 0));
  const int64_t axis = axis_of(c.op, 0, c.rank(0));
  ASSAY_TRY(const std::string at, nn_indices(c, 1, {axis}, true));
  const std::vector<int64_t> masks = uncut_axes(c, axis);
  if (std::ranges::find(masks, 0) != masks.end()) {
    const auto rank = static_cast<size_t>(c.rank(0));
    x = c.make(
        "sliceDynamic", {x, nn_ints(c, ir::Dims(rank, 0)), nn_extents(c, 1, 0, c.rank(0))},
        c.params("sliceDynamic").set("beginMasks", masks).set("endMasks", masks).set("strides", ir::Dims(rank, 1)));
  }
  return c.layer("gatherAlongAxis", {x, at}, c.params("gatherAlongAxis").set("axis", axis));
}

constexpr In kIn[] = {{"data", kAnything}, {"indices", kIndices}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"axis", "0"}};

}  // namespace

extern const OpDef kGather = {
    .name = "Gather",
    .since = 13,
    .doc = "Slices picked along an axis; negative indices count from its end.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer_gather,
    .eval = eval_gather,
    .to_mil = {gather_to_mil, "gather"},
    .to_nn = {gather_to_nn, "gather, squeeze"},
};

extern const OpDef kGatherElements = {
    .name = "GatherElements",
    .since = 13,
    .doc = "For each position of the indices, the element there along an axis.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer_elements,
    .eval = eval_elements,
    .to_mil = {elements_to_mil, "gather_along_axis"},
    .to_nn = {elements_to_nn, "gatherAlongAxis"},
};

}  // namespace assay::ops

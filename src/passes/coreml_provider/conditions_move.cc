// Conditions on operators that move data.
#include <algorithm>
#include <numeric>

#include "ops/move.h"
#include "passes/coreml_provider/conditions.h"

namespace assay::passes::provider {
namespace {

using ir::ElemType;

constexpr size_t kMostAxes = 5;

bool is_index(ElemType type) { return type == ElemType::int32 || type == ElemType::int64; }

bool concat_network(const Node& n) {
  if (n.ml_program()) return true;
  return n.rank(0) == 4 && ops::normal_axis(n.attr("axis", 1), 4) == 1;
}

bool gather_nd_shape(const Node& n) {
  if (!n.is_static(1) || n.rank(1) == 0) return false;
  const int64_t depth = n.type(1).dims().back();
  if (depth > static_cast<int64_t>(n.rank(0))) return false;
  for (int64_t k = 0; k < depth; ++k)
    if (n.dim(0, static_cast<size_t>(k)) < 0) return false;
  return true;
}

/// For each padded axis its number and both amounts; nothing where they are not known.
struct Padded {
  int64_t axis, before, after;
};
std::optional<std::vector<Padded>> padded(const Node& n) {
  const auto pads = n.ints(1);
  if (!pads || !n.constant_or_absent(3)) return std::nullopt;
  const auto rank = static_cast<int64_t>(n.rank(0));
  ir::Dims axes(pads->size() / 2);
  std::iota(axes.begin(), axes.end(), 0);
  if (n.has(3)) {
    const auto given = n.ints(3);
    if (!given || given->size() * 2 != pads->size()) return std::nullopt;
    axes = *given;
  }
  std::vector<Padded> out;
  for (size_t i = 0; i < axes.size(); ++i)
    out.push_back({ops::normal_axis(axes[i], rank), (*pads)[i], (*pads)[i + axes.size()]});
  return out;
}

bool pad_amounts(const Node& n) {
  const auto pads = padded(n);
  if (!pads) return false;
  const bool reflects = n.attr_is("mode", "constant", "reflect");
  return std::ranges::all_of(*pads, [&](const Padded& p) {
    if (p.before < 0 || p.after < 0) return false;
    const int64_t size = reflects ? n.dim(0, static_cast<size_t>(p.axis)) : INT64_MAX;
    return p.before < size && p.after < size;
  });
}

/// ML Programs pad any axis with a constant.
bool pad_places(const Node& n) {
  if (n.ml_program() && n.attr_is("mode", "constant", "constant")) return true;
  const auto pads = padded(n);
  return pads && std::ranges::all_of(*pads, [&](const Padded& p) {
           return p.axis >= static_cast<int64_t>(n.rank(0)) - 2 || (p.before == 0 && p.after == 0);
         });
}

bool pad_value(const Node& n) {
  if (!n.attr_is("mode", "constant", "constant")) return true;
  return n.has(2) ? n.constant(2) && (n.ml_program() || n.elem(2) == ElemType::float32) : n.ml_program();
}

bool pad_shape(const Node& n) {
  const size_t least = n.ml_program() ? 1 : 2;
  if (n.rank(0) < least) return false;
  for (size_t k = 0; k < n.rank(0); ++k)
    if (n.dim(0, k) == 0) return false;
  return true;
}

bool reshape_shape(const Node& n) {
  if (!n.constant(1) || !n.is_static(0) || n.rank(0) == 0) return false;
  const auto shape = n.ints(1);
  if (!shape) return true;  // computed beforehand, to numbers that are not known here
  return !shape->empty() && (n.attr("allowzero", 0) == 0 || !std::ranges::count(*shape, 0));
}

bool reshape_rank(const Node& n) {
  return n.is_static(1) && n.rank(1) == 1 && n.dim(1, 0) <= static_cast<int64_t>(kMostAxes);
}

bool shape_slice(const Node& n) {
  const int64_t start = n.attr("start", 0);
  if (!n.ml_program()) return start == 0 && !n.op().has_attr("end");
  const auto rank = static_cast<int64_t>(n.rank(0));
  const auto from_front = [&](int64_t axis) { return axis < 0 ? axis + rank : axis; };
  const int64_t end = n.op().has_attr("end") ? from_front(n.attr("end", -1)) : rank;
  return end != from_front(start);
}

/// Where a slice of an axis of `size` starts and ends, as ONNX clamps it.
bool range_is_empty(int64_t start, int64_t end, int64_t step, int64_t size) {
  const auto clamped = [&](int64_t at, int64_t low, int64_t high) {
    return std::clamp(at < 0 ? at + size : at, low, high);
  };
  if (step > 0) return clamped(start, 0, size) >= clamped(end, 0, size);
  return clamped(start, 0, size - 1) <= clamped(end, -1, size - 1);
}

bool slice_range(const Node& n) {
  const auto starts = n.ints(1), ends = n.ints(2);
  if (!starts || !ends) return true;  // computed beforehand
  const auto rank = static_cast<int64_t>(n.rank(0));
  const auto given = n.has(3) ? n.ints(3) : std::nullopt;
  const auto steps = n.has(4) ? n.ints(4) : std::nullopt;
  for (size_t i = 0; i < starts->size(); ++i) {
    const int64_t axis = ops::normal_axis(given ? (*given)[i] : static_cast<int64_t>(i), rank);
    if (axis < 0) return false;
    if (range_is_empty((*starts)[i], (*ends)[i], steps ? (*steps)[i] : 1, n.dim(0, static_cast<size_t>(axis))))
      return false;
  }
  return true;
}

bool split_sizes(const Node& n) {
  const int64_t axis = ops::normal_axis(n.attr("axis", 0), static_cast<int64_t>(n.rank(0)));
  if (axis < 0) return false;
  const int64_t size = n.dim(0, static_cast<size_t>(axis));
  const auto outputs = static_cast<int64_t>(n.op().outputs.size());
  if (n.has(1)) {
    const auto sizes = n.ints(1);
    return sizes && sizes->size() >= 2 && !std::ranges::count(*sizes, 0) &&
           std::accumulate(sizes->begin(), sizes->end(), int64_t{0}) == size;
  }
  if (outputs < 2) return false;
  constexpr int kUnevenSince = 18;
  return n.context().opset >= kUnevenSince ? outputs <= size : size > 0 && size % outputs == 0;
}

bool unsqueeze_rank(const Node& n) {
  return n.is_static(1) && n.rank(1) == 1 && n.rank(0) + static_cast<size_t>(n.dim(1, 0)) <= kMostAxes;
}

bool tile_repeats(const Node& n) {
  if (!n.constant(1)) return n.ml_program();
  const auto repeats = n.ints(1);
  return !repeats || (repeats->size() == n.rank(0) && std::ranges::all_of(*repeats, [](int64_t r) { return r >= 1; }));
}

bool depth_mode(const Node& n) {
  const bool columns = n.attr_is("mode", "DCR", "CRD");
  if (n.ml_program()) return !columns || n.is_static(0);
  return !columns && n.rank(0) == 4 && n.dim(0, 0) == 1;
}

}  // namespace

const Condition kConcatInputs{"of two arrays or more", [](const Node& n) { return n.inputs() >= 2; }};
const Condition kConcatNetwork{"of arrays of four axes along the second in a NeuralNetwork", concat_network};
const Condition kFlattenRank{"for arrays with axes", [](const Node& n) { return n.rank(0) > 0; }};
const Condition kGatherIndices{"with int32 or int64 indices", [](const Node& n) { return is_index(n.elem(1)); }};
const Condition kGatherScalar{"at a single index where the data has known sizes and up to four axes",
                              [](const Node& n) { return n.rank(1) > 0 || (n.is_static(0) && n.rank(0) < kMostAxes); }};
const Condition kGatherRank{"to results of up to five axes",
                            [](const Node& n) { return n.rank(0) + n.rank(1) <= kMostAxes + 1; }};
const Condition kGatherNdIndices{"with constant int32 or int64 indices",
                                 [](const Node& n) { return n.constant(1) && is_index(n.elem(1)); }};
const Condition kGatherNdBatch{"with batch_dims 0", [](const Node& n) { return n.attr("batch_dims", 0) == 0; }};
const Condition kGatherNdShape{"along axes of known sizes", gather_nd_shape};
const Condition kPadShape{"for arrays with axes (two in a NeuralNetwork) that are not empty", pad_shape};
const Condition kPadMode{"in mode constant, in an ML Program reflect too", [](const Node& n) {
                           return n.attr_is("mode", "constant", "constant") ||
                                  (n.ml_program() && n.attr_is("mode", "constant", "reflect"));
                         }};
const Condition kPadValue{"with a constant value, which a NeuralNetwork wants stated", pad_value};
const Condition kPadAmounts{"with constant pads from 0 on, reflected ones smaller than the axis", pad_amounts};
const Condition kPadPlaces{"along the last two axes, in an ML Program with a constant value along any", pad_places};
const Condition kReshapeShape{"from known sizes to a constant shape", reshape_shape};
const Condition kReshapeRank{"to up to five axes", reshape_rank};
const Condition kShapeSlice{"whole in a NeuralNetwork, and not for no axes", shape_slice};
const Condition kSliceStatic{"for arrays of known sizes", [](const Node& n) { return n.is_static(0); }};
const Condition kSliceConstants{
    "with constant starts, ends, axes and steps",
    [](const Node& n) { return n.constant(1) && n.constant(2) && n.constant_or_absent(3) && n.constant_or_absent(4); }};
const Condition kSliceRange{"to results that are not empty", slice_range};
const Condition kSplitSizes{"into two parts or more that are not empty, of constant sizes", split_sizes};
const Condition kAxesConstant{"with constant axes", [](const Node& n) { return n.constant_or_absent(1); }};
const Condition kUnsqueezeRank{"to up to five axes", unsqueeze_rank};
const Condition kTileRepeats{"with repeats from 1 on, constant ones in a NeuralNetwork", tile_repeats};
const Condition kDepthMode{"in mode DCR for a batch of one (an ML Program: any batch, and CRD for known sizes)",
                           depth_mode};

}  // namespace assay::passes::provider

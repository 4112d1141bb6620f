// Operators that ai.onnx has too, under other names or with other forms of their parameters.
#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

Status same(Compose& c) {
  c.give(0, c.op(c.node().type, c.node().inputs, c.node().attrs));
  return {};
}

Id as_int64(Compose& c, Id x) { return c.type(x).elem == ir::ElemType::int64 ? x : c.cast(x, ir::ElemType::int64); }

Status gather_nd(Compose& c) {
  c.give(0, c.op("GatherND", {c.in(0), as_int64(c, c.in(1))}));
  return {};
}

Status expand_dims(Compose& c) {
  c.give(0, c.op("Unsqueeze", {c.in(0), c.reshape(as_int64(c, c.in(1)), {1})}));
  return {};
}

/// start, limit and delta may be vectors of one element; delta is 1 when it is left out.
Status range(Compose& c) {
  std::vector<Id> in;
  for (size_t i = 0; i < 2; ++i) in.push_back(c.reshape(c.in(i), {}));
  in.push_back(c.has(2) ? c.reshape(c.in(2), {}) : c.number(1, c.in(0)));
  c.give(0, c.op("Range", std::move(in)));
  return {};
}

/// pads may be a matrix of one row.
Status pad(Compose& c) {
  c.give(0, c.op("Pad", {c.in(0), c.reshape(c.in(1), {-1}), c.has(2) ? c.reshape(c.in(2), {}) : ir::kNoValue},
                 {{"mode", c.node().attr_string("mode", "constant")}}));
  return {};
}

Status grid_sample(Compose& c) {
  std::string mode = c.node().attr_string("mode", "bilinear");
  if (mode == "bilinear") mode = "linear";
  if (mode == "bicubic") mode = "cubic";
  c.give(0, c.op("GridSample", {c.in(0), c.in(1)},
                 {{"mode", mode},
                  {"padding_mode", c.node().attr_string("padding_mode", "zeros")},
                  {"align_corners", c.node().attr_int("align_corners", 0)}}));
  return {};
}

/// In order of appearance: values, where each element is among them, how often each occurs.
Status unique(Compose& c) {
  const auto output = [&](size_t i) { return c.wants(i) ? c.node().outputs[i] : ir::kNoValue; };
  c.write("Unique", {c.in(0)}, {{"sorted", int64_t{0}}}, {output(0), ir::kNoValue, output(1), output(2)});
  return {};
}

Status embedding(Compose& c) {
  c.give(0, c.op("Gather", {c.in(0), c.in(1)}));
  return {};
}

/// Real and imaginary parts stand in the last axis.
template <bool kConjugate>
Status complex_product(Compose& c) {
  const auto part = [&](size_t i, int64_t k) { return c.slice(c.in(i), -1, k, k + 1); };
  const Id ar = part(0, 0), ai = part(0, 1), br = part(1, 0), bi = part(1, 1);
  const auto times = [&](Id a, Id b) { return c.op("Mul", {a, b}); };
  const Id real = c.op(kConjugate ? "Add" : "Sub", {times(ar, br), times(ai, bi)});
  const Id imaginary =
      kConjugate ? c.op("Sub", {times(ai, br), times(ar, bi)}) : c.op("Add", {times(ar, bi), times(ai, br)});
  c.give(0, c.concat({real, imaginary}, -1));
  return {};
}

/// Distances of all rows of A from all rows of B.
Status distances(Compose& c) {
  const std::string metric = c.node().attr_string("metric", "sqeuclidean");
  if (metric != "sqeuclidean" && metric != "euclidean")
    return c.refuse("metric '" + metric + "' is not written", "use 'euclidean' or 'sqeuclidean'");
  const Id difference = c.op("Sub", {c.unsqueeze(c.in(0), {1}), c.unsqueeze(c.in(1), {0})});
  const Id squares = c.op("ReduceSumSquare", {difference, c.ints({2})}, {{"keepdims", int64_t{0}}});
  c.give(0, metric == "euclidean" ? c.op("Sqrt", {squares}) : squares);
  return {};
}

constexpr ir::TypeSet kPads = kInt64;
constexpr In kTriluIn[] = {{"X", kAnything}, {"k", kInt64, kOptional}};
constexpr In kUniqueIn[] = {{"x", kAnything}};
constexpr In kGatherIn[] = {{"data", kAnything}, {"indices", kIndices}};
constexpr In kExpandIn[] = {{"X", kAnything}, {"axis", kIndices}};
constexpr In kRangeIn[] = {{"start", kNumbers}, {"limit", kNumbers}, {"delta", kNumbers, kOptional}};
constexpr In kPadIn[] = {{"data", kFloats}, {"pads", kPads}, {"value", kFloats, kOptional}};
constexpr In kGridIn[] = {{"X", kFloats}, {"Grid", kFloats}};
constexpr In kEmbeddingIn[] = {{"weight", kAnything},
                               {"indices", kInt64},
                               {"padding_idx", kInt64, kOptional},
                               {"scale_grad_by_freq", kBool, kOptional}};
constexpr In kAB[] = {{"A", kFloats}, {"B", kFloats}};
constexpr Out kY[] = {{"Y"}};
constexpr Out kUniqueOut[] = {{"y"}, {"idx"}, {"counts"}};
constexpr AttrDoc kTriluAttrs[] = {{"upper", "1"}};
constexpr AttrDoc kPadAttrs[] = {{"mode", "constant"}};
constexpr AttrDoc kGridAttrs[] = {{"align_corners", "0"}, {"mode", "bilinear"}, {"padding_mode", "zeros"}};
constexpr AttrDoc kMetric[] = {{"metric", "sqeuclidean"}};

}  // namespace

ASSAY_COMPOSED(kMicrosoftCDist, kMicrosoft, "CDist", kAB, kY, kMetric, distances,
               "Distances of all rows of A from all rows of B.")
ASSAY_COMPOSED(kMicrosoftComplexMul, kMicrosoft, "ComplexMul", kAB, kY, {}, complex_product<false>,
               "The product of complex numbers whose parts stand in the last axis.")
ASSAY_COMPOSED(kMicrosoftComplexMulConj, kMicrosoft, "ComplexMulConj", kAB, kY, {}, complex_product<true>,
               "A times the conjugate of B.")
ASSAY_COMPOSED(kMicrosoftExpandDims, kMicrosoft, "ExpandDims", kExpandIn, kY, {}, expand_dims, "Unsqueeze at one axis.")
ASSAY_COMPOSED(kMicrosoftGatherND, kMicrosoft, "GatherND", kGatherIn, kY, {}, gather_nd, "ai.onnx's GatherND.")
ASSAY_COMPOSED(kMicrosoftGridSample, kMicrosoft, "GridSample", kGridIn, kY, kGridAttrs, grid_sample,
               "ai.onnx's GridSample.")
ASSAY_COMPOSED(kMicrosoftPad, kMicrosoft, "Pad", kPadIn, kY, kPadAttrs, pad, "ai.onnx's Pad.")
ASSAY_COMPOSED(kMicrosoftRange, kMicrosoft, "Range", kRangeIn, kY, {}, range, "ai.onnx's Range.")
ASSAY_COMPOSED(kMicrosoftTorchEmbedding, kMicrosoft, "TorchEmbedding", kEmbeddingIn, kY, {}, embedding,
               "Gather of rows.")
ASSAY_COMPOSED(kMicrosoftTrilu, kMicrosoft, "Trilu", kTriluIn, kY, kTriluAttrs, same, "ai.onnx's Trilu.")
ASSAY_COMPOSED(kMicrosoftUnique, kMicrosoft, "Unique", kUniqueIn, kUniqueOut, {}, unique,
               "ai.onnx's Unique in order of appearance.")

}  // namespace assay::ops

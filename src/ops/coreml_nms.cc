// Core ML's non-maximum suppression: each box has one score, the highest of its classes. Boxes go by falling score (of
// equals the lower index first); one that overlaps a kept box by more than the threshold is dropped. What is kept is
// padded to a fixed number. A NaN score ranks below every number.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/move.h"

namespace assay::ops {
namespace {

/// How much two boxes overlap, of centre x, centre y, width, height: intersection over union.
float overlap(const float* a, const float* b) {
  float common = 1;
  for (size_t k = 0; k < 2; ++k) {
    const float first = std::min(a[k] + a[k + 2] * 0.5f, b[k] + b[k + 2] * 0.5f);
    const float last = std::max(a[k] - a[k + 2] * 0.5f, b[k] - b[k + 2] * 0.5f);
    if (!(first - last > 0)) return 0;
    common *= first - last;
  }
  const float joined = a[2] * a[3] + b[2] * b[3] - common;
  return joined > 0 ? common / joined : 0;
}

struct Candidate {
  float score;
  int64_t box, kind;  ///< `kind`: the class with the highest score, the first of several
};

std::vector<Candidate> candidates(const ir::Tensor& scores, int64_t batch) {
  const int64_t boxes = scores.dims()[1], classes = scores.dims()[2];
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  std::vector<Candidate> out;
  for (int64_t i = 0; i < boxes; ++i) {
    Candidate c{kLowest, i, 0};
    for (int64_t k = 0; k < classes; ++k) {
      const auto score = static_cast<float>(scores.float_at((batch * boxes + i) * classes + k));
      if (score > c.score) c = {score, i, k};
    }
    out.push_back(c);
  }
  std::ranges::stable_sort(out, std::greater<>{}, &Candidate::score);
  return out;
}

struct Limits {
  float iou, score;
  int64_t boxes;
  bool per_class;
};

/// Indices of the boxes that stay; the best one when no score reaches the threshold, so that the result is never empty.
ir::Dims kept(const ir::Tensor& boxes, const ir::Tensor& scores, int64_t batch, const Limits& limits) {
  const int64_t count = boxes.dims()[1];
  std::vector<float> at(static_cast<size_t>(count * 4));
  for (size_t i = 0; i < at.size(); ++i)
    at[i] = static_cast<float>(boxes.float_at(batch * count * 4 + static_cast<int64_t>(i)));
  const std::vector<Candidate> order = candidates(scores, batch);
  std::vector<Candidate> stay;
  for (const Candidate& c : order) {
    if (static_cast<int64_t>(stay.size()) >= limits.boxes) break;
    if (!(c.score >= limits.score)) continue;
    const bool dropped = std::ranges::any_of(stay, [&](const Candidate& s) {
      return (!limits.per_class || s.kind == c.kind) &&
             overlap(&at[static_cast<size_t>(c.box * 4)], &at[static_cast<size_t>(s.box * 4)]) > limits.iou;
    });
    if (!dropped) stay.push_back(c);
  }
  if (stay.empty() && limits.boxes > 0 && !order.empty()) stay.push_back(order.front());
  ir::Dims out;
  for (const Candidate& c : stay) out.push_back(c.box);
  return out;
}

Status infer(InferContext& c) {
  const auto most = constant_ints(c, 2);
  if (most && (most->size() != 1 || most->front() < 0)) return c.fail("coreml_nms_c1", "max_boxes is no count");
  const ir::Dim rows = most ? ir::Dim(most->front()) : ir::Dim();
  ir::Dim batch, classes;
  if (c.ranked(1)) {
    if (c.rank(1) != 3) return c.fail("coreml_nms_c2", "scores are not [n, B, K]");
    batch = c.shape(1)[0];
    classes = c.shape(1)[2];
  }
  if (c.ranked(0) && (c.rank(0) != 3 || (c.shape(0)[2].known() && c.shape(0)[2].value != 4)))
    return c.fail("coreml_nms_c3", "boxes are not [n, B, 4]");
  c.set(0, c.elem(0), std::vector<ir::Dim>{batch, rows, 4});
  c.set(1, c.elem(1), std::vector<ir::Dim>{batch, rows, classes});
  c.set(2, ir::ElemType::int64, std::vector<ir::Dim>{batch, rows});
  c.set(3, ir::ElemType::int64, std::vector<ir::Dim>{batch});
  return {};
}

void write(KernelContext& c, int64_t batch, const ir::Dims& indices) {
  const int64_t count = c.in(0).dims()[1], rows = c.in(2).int_at(0), classes = c.in(1).dims()[2];
  const auto copy = [&](size_t i, int64_t width) {
    if (!c.wants(i)) return;
    const ir::Tensor from = as_storage(c.in(i), c.out(i).elem());
    for (size_t k = 0; k < indices.size(); ++k)
      copy_run(from, (batch * count + indices[k]) * width, c.out(i), (batch * rows + static_cast<int64_t>(k)) * width,
               width);
  };
  copy(0, 4);
  copy(1, classes);
  for (int64_t k = 0; c.wants(2) && k < rows; ++k)
    c.out(2).set_int(batch * rows + k,
                     k < static_cast<int64_t>(indices.size()) ? indices[static_cast<size_t>(k)] : int64_t{-1});
  if (c.wants(3)) c.out(3).set_int(batch, static_cast<int64_t>(indices.size()));
}

Status eval(KernelContext& c) {
  const ir::Tensor &boxes = c.in(0), &scores = c.in(1);
  if (boxes.rank() != 3 || scores.rank() != 3 || boxes.dims()[2] != 4 || boxes.dims()[0] != scores.dims()[0] ||
      boxes.dims()[1] != scores.dims()[1])
    return c.fail(Code::model_invalid, "boxes and scores do not fit together");
  for (size_t i = 2; i < 5; ++i)
    if (c.has(i) && c.in(i).size() != 1) return c.fail(Code::model_invalid, "limits and thresholds are single numbers");
  if (c.in(2).int_at(0) < 0) return c.fail(Code::value_range, "max_boxes is no count");
  ASSAY_CHECK(allocate_outputs(c));
  for (size_t i = 0; i < 2; ++i)
    if (c.wants(i)) std::fill_n(c.out(i).mutable_bytes(), c.out(i).byte_size(), std::byte{0});
  const Limits limits{static_cast<float>(c.in(3).float_at(0)),
                      c.has(4) ? static_cast<float>(c.in(4).float_at(0)) : -std::numeric_limits<float>::infinity(),
                      c.in(2).int_at(0), c.op.attr_int("per_class_suppression", 0) != 0};
  for (int64_t n = 0; n < boxes.dims()[0]; ++n) write(c, n, kept(boxes, scores, n, limits));
  return {};
}

constexpr In kIn[] = {{"boxes", kFloats},
                      {"scores", kFloats},
                      {"max_boxes", kInt64},
                      {"iou_threshold", kFloats, kExempt},
                      {"score_threshold", kFloats, kOptional | kExempt}};
constexpr Out kOut[] = {{"boxes"}, {"scores"}, {"indices"}, {"count", kOptional}};
constexpr AttrDoc kAttrs[] = {{"per_class_suppression", "0"}};

}  // namespace

extern const OpDef kCoremlNonMaximumSuppression = {
    .domain = "coreml",
    .name = "NonMaximumSuppression",
    .doc =
        "The boxes that survive, by falling score, with their scores and indices, padded with zeros (indices: -1), "
        "and how many they are.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .numeric = Numeric::composite,
    .infer = infer,
    .eval = eval,
};

}  // namespace assay::ops

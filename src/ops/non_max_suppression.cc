// NonMaxSuppression: boxes by falling score (ties: lower index first); one that overlaps a kept box by more than the
// threshold is dropped. A NaN score ranks below every number and is never selected under a threshold.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/move.h"

namespace assay::ops {
namespace {

struct Box {
  float y1, x1, y2, x2;
  float area() const { return (y2 - y1) * (x2 - x1); }
};

Box box_at(const ir::Tensor& t, int64_t i, bool centred) {
  float v[4];
  for (int64_t k = 0; k < 4; ++k) v[k] = static_cast<float>(t.float_at(i * 4 + k));
  if (centred)  // x, y of the centre, width, height
    return {v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2};
  return {std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]), std::max(v[1], v[3])};
}

bool overlap(const Box& a, const Box& b, float threshold) {
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1), width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  if (!(height > 0) || !(width > 0)) return false;
  const float common = height * width, joined = a.area() + b.area() - common;
  return joined > 0 && common / joined > threshold;
}

Status infer(InferContext& c) {
  c.set(0, ir::ElemType::int64, std::vector<ir::Dim>{ir::Dim(), 3});
  return {};
}

Status eval(KernelContext& c) {
  const ir::Tensor &boxes = c.in(0), &scores = c.in(1);
  if (boxes.rank() != 3 || scores.rank() != 3 || boxes.dims()[2] != 4 || boxes.dims()[0] != scores.dims()[0] ||
      boxes.dims()[1] != scores.dims()[2])
    return c.fail(Code::model_invalid, "boxes and scores do not fit together");
  for (size_t i = 2; i < 5; ++i)
    if (c.has(i) && c.in(i).size() != 1) return c.fail(Code::model_invalid, "limits and thresholds are single numbers");
  const int64_t limit = c.has(2) ? std::max<int64_t>(0, c.in(2).int_at(0)) : 0, count = boxes.dims()[1];
  const float iou = c.has(3) ? static_cast<float>(c.in(3).float_at(0)) : 0;
  const bool filtered = c.has(4);
  const float least = filtered ? static_cast<float>(c.in(4).float_at(0)) : 0;
  const bool centred = c.op.attr_int("center_point_box", 0) != 0;
  ir::Dims selected;
  for (int64_t line = 0; line < scores.dims()[0] * scores.dims()[1]; ++line) {
    const int64_t batch = line / scores.dims()[1];
    std::vector<std::pair<float, int64_t>> order;
    for (int64_t i = 0; i < count && limit > 0; ++i) {
      const auto score = static_cast<float>(scores.float_at(line * count + i));
      if (!filtered || score > least)
        order.emplace_back(std::isnan(score) ? -std::numeric_limits<float>::infinity() : score, i);
    }
    std::ranges::stable_sort(order, std::greater<>{}, &std::pair<float, int64_t>::first);
    std::vector<Box> kept;
    for (const auto& [score, i] : order) {
      if (static_cast<int64_t>(kept.size()) >= limit) break;
      const Box box = box_at(boxes, batch * count + i, centred);
      if (std::ranges::any_of(kept, [&](const Box& k) { return overlap(box, k, iou); })) continue;
      kept.push_back(box);
      selected.insert(selected.end(), {batch, line % scores.dims()[1], i});
    }
  }
  c.allocate(0, {static_cast<int64_t>(selected.size()) / 3, 3});
  for (size_t i = 0; i < selected.size(); ++i) c.out(0).set_int(static_cast<int64_t>(i), selected[i]);
  return {};
}

constexpr ir::TypeSet kFloat32 = ir::type_set(ir::ElemType::float32);
constexpr In kIn[] = {{"boxes", kFloat32},
                      {"scores", kFloat32},
                      {"max_output_boxes_per_class", kInt64, kOptional},
                      {"iou_threshold", kFloat32, kOptional | kExempt},
                      {"score_threshold", kFloat32, kOptional | kExempt}};
constexpr Out kOut[] = {{"selected_indices"}};
constexpr AttrDoc kAttrs[] = {{"center_point_box", "0"}};

}  // namespace

extern const OpDef kNonMaxSuppression = {
    .name = "NonMaxSuppression",
    .since = 11,
    .doc = "Indices of the boxes that survive, by batch, class and falling score.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "Core ML's pads its result to a fixed number of boxes, all classes at once, where the "
                       "operator's result has a row for each box that is kept"},
    .to_nn = {.says = "Core ML's pads its result to a fixed number of boxes, all classes at once, where the operator's "
                      "result has a row for each box that is kept"},
};

}  // namespace assay::ops

// The end of a classifier.
#include "coreml/lift/classifier.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

/// The labels: strings, or int64. An error is kept when they are neither.
ir::Tensor labels(MilLift& c) {
  const mil::Value* list = c.other("classes");
  const auto* members = list == nullptr ? nullptr : list->members();
  if (members == nullptr || members->empty()) {
    c.bad("'classes' is no list of labels");
    return {};
  }
  const auto count = static_cast<int64_t>(members->size());
  if (members->front().strings() != nullptr) {
    std::vector<std::string> texts;
    for (const mil::Value& v : *members) texts.emplace_back(v.text());
    return ir::Tensor::of_strings({count}, std::move(texts));
  }
  ir::Dims numbers;
  for (const mil::Value& v : *members)
    for (const int64_t n : v.ints()) numbers.push_back(n);
  if (static_cast<int64_t>(numbers.size()) != count) c.bad("'classes' is no list of labels");
  return ir::Tensor::of_ints(numbers);
}

void lift_classify(MilLift& c) {
  const ValueId probabilities = c.in("probabilities");
  ir::Tensor classes = labels(c);
  if (c.failed()) return;
  const Classified out = classified(c, probabilities, std::move(classes), c.rank(probabilities) != 1);
  c.result(out.label, 0);
  c.result(out.probabilities, 1);
}

constexpr MilRow kRows[] = {{"classify", lift_classify}};

}  // namespace

std::span<const MilRow> mil_classify_rows() { return kRows; }

}  // namespace assay::coreml

#include "coreml/lift/classifier.h"

#include <nlohmann/json.hpp>

#include "base/checked.h"

namespace assay::coreml {
namespace {

std::string labels_json(const ir::Tensor& labels) {
  const bool strings = labels.elem() == ir::ElemType::string;
  const nlohmann::json list = strings ? nlohmann::json(labels.strings()) : nlohmann::json(labels.ints());
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

bool one_each(const ir::Type& scores, int64_t labels) {
  return !scores.is_static() || checked_product(scores.dims()) == labels;
}

}  // namespace

Classified classified(GraphBuilder& builder, ValueId scores, ir::Tensor labels, bool sample_axis) {
  const int64_t count = labels.size();
  if (count == 0 || !one_each(builder.type(scores), count)) {
    builder.fail({Code::model_invalid,
                  std::to_string(count) + " labels for probabilities of type " + ir::to_string(builder.type(scores)),
                  "", "check the export"});
    return {scores, scores};
  }
  builder.graph.metadata[kLabelsKey] = labels_json(labels);
  const ValueId probabilities = builder.reshape(scores, sample_axis ? ir::Dims{1, count} : ir::Dims{count});
  const ValueId best =
      builder.op("ArgMax", {builder.reshape(probabilities, {count})}, {{"axis", int64_t{0}}, {"keepdims", int64_t{0}}});
  return {builder.op("Gather", {builder.parameter(std::move(labels), "classes"), best}), probabilities};
}

}  // namespace assay::coreml

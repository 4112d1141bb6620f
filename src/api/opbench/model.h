// A case as a model: ONNX bytes and the inputs of a run.
#pragma once
#include <string>
#include <vector>

#include "api/opbench/cases.h"
#include "base/result.h"
#include "ir/tensor.h"

namespace assay::api::opbench {

struct Model {
  std::string onnx;
  std::vector<ir::Tensor> inputs;
};
/// Errors: internal for a text that cannot be read; those of writing.
Result<Model> make_model(const Case& c);

/// "com.microsoft.FastGelu (2 inputs)": as reports and --op name it.
std::string name_of(const Case& c);

}  // namespace assay::api::opbench

// Core ML models as programs of the IR, which every command runs, compares and converts.
#pragma once
#include <span>
#include <string>

#include "base/result.h"
#include "ir/graph.h"
#include "ir/unknown.h"
#include "mil/model.h"

namespace assay::coreml {

/// The model's graph in the vocabulary of ONNX's operators: ML Program values have the types that they declare,
/// NeuralNetwork intermediates are unstated. Every operation keeps its Core ML kind and name (ir::Op::origin).
/// `function`: of models with several; empty: the default one.
/// `given`: names of optional inputs that the caller has values for.
/// Errors: model_invalid, op_unsupported (all that is missing at once), type_unsupported.
Result<ir::Graph> lift(const mil::Model& model, Warnings& warnings, const std::string& function = {},
                       std::span<const std::string> given = {}, ir::Unknown unknown = ir::Unknown::refused);

}  // namespace assay::coreml

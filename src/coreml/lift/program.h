// Drivers: a whole ML Program, a whole NeuralNetwork.
#pragma once
#include <span>
#include <string>

#include "base/result.h"
#include "coreml/lift/mil.h"
#include "ir/graph.h"
#include "ir/unknown.h"
#include "mil/model.h"

namespace assay::coreml {

/// One function of a program; `name` empty: the default one, "main".
Result<ir::Graph> lift_program(const mil::Program& program, const mil::Description& description,
                               const std::string& name, ir::Unknown unknown);
/// `given`: optional inputs that the caller has values for; the others are constants.
Result<ir::Graph> lift_network(const mil::NetworkModel& model, const mil::Description& description,
                               std::span<const std::string> given, Warnings& warnings, ir::Unknown unknown);
/// Networks one behind the other, joined by the names of their features. Errors: coreml_kind when one is no network.
Result<ir::Graph> lift_pipeline(const mil::Pipeline& pipeline, const mil::Description& description,
                                std::span<const std::string> given, Warnings& warnings, ir::Unknown unknown);

/// Operations of a block in order, into the lift's graph. What is not lifted is listed at once (op_unsupported), or
/// kept as the lift says.
Status lift_operations(const std::vector<mil::Operation>& operations, MilLift& lift);

}  // namespace assay::coreml

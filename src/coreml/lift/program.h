// Drivers: a whole ML Program, a whole NeuralNetwork.
#pragma once
#include <string>

#include "base/result.h"
#include "coreml/lift/mil.h"
#include "ir/graph.h"
#include "mil/model.h"

namespace assay::coreml {

/// One function of a program; `name` empty: the default one, "main".
Result<ir::Graph> lift_program(const mil::Program& program, const mil::Description& description,
                               const std::string& name, Warnings& warnings);
Result<ir::Graph> lift_network(const mil::NetworkModel& model, const mil::Description& description, Warnings& warnings);

/// Operations of a block in order, into the lift's graph. What is not lifted is listed at once (op_unsupported).
Status lift_operations(const std::vector<mil::Operation>& operations, MilLift& lift);

}  // namespace assay::coreml

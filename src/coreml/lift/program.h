// Drivers: a whole ML Program, a whole NeuralNetwork.
#pragma once
#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "coreml/lift/mil.h"
#include "ir/graph.h"
#include "ir/unknown.h"
#include "mil/model.h"

namespace assay::coreml {

/// Features by name, as their descriptions have them: arrays with their declared type and axes, images [1, C, H, W].
using FeatureValues = std::map<std::string, ValueId, std::less<>>;

/// One function of a program into `graph`. Inputs are among `features` or become inputs of the graph; outputs join
/// `features`. `given`: optional inputs that the caller has values for; others that state a default are constants.
Status lift_function(const mil::Program& program, const mil::Description& description, const std::string& name,
                     std::span<const std::string> given, ir::Unknown unknown, ir::Graph& graph, FeatureValues& features,
                     Warnings& warnings);
/// One function of a program; `name` empty: the default one, "main".
Result<ir::Graph> lift_program(const mil::Program& program, const mil::Description& description,
                               const std::string& name, std::span<const std::string> given, Warnings& warnings,
                               ir::Unknown unknown);
/// `given`: optional inputs that the caller has values for; the others are constants.
Result<ir::Graph> lift_network(const mil::NetworkModel& model, const mil::Description& description,
                               std::span<const std::string> given, Warnings& warnings, ir::Unknown unknown);
/// Networks and programs one behind the other, joined by the names of their features. Errors: coreml_kind when one is
/// neither.
Result<ir::Graph> lift_pipeline(const mil::Pipeline& pipeline, const mil::Description& description,
                                std::span<const std::string> given, Warnings& warnings, ir::Unknown unknown);

/// Operations of a block in order, into the lift's graph. What is not lifted is listed at once (op_unsupported), or
/// kept as the lift says.
Status lift_operations(const std::vector<mil::Operation>& operations, MilLift& lift);

}  // namespace assay::coreml

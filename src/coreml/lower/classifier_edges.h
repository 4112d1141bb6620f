// Classifiers from one Core ML format to the other: the outputs that only Core ML has.
#pragma once
#include <optional>

#include "coreml/lower.h"

namespace assay::coreml {

/// Where the graph's outputs have a label as lift/classifier.h makes it: the label and the probabilities are outputs no
/// more, but the numbers behind them are the last one. nullopt where `interface` is of no classifier.
std::optional<Classifier> take_classifier(ir::Graph& graph, const mil::FunctionDescription& interface);
/// Gives the model, which was lowered from such a graph, its classifier back: `classify` at the end of a program,
/// labels in a network.
void add_classifier(const Classifier& classifier, mil::Model& model);

}  // namespace assay::coreml

// Attributes of tree ensembles of the size that gradient boosting makes.
#pragma once
#include <string>

namespace assay::api::opbench {

/// Of TreeEnsembleRegressor (`stem` "target") and TreeEnsembleClassifier ("class"): full binary trees that ask `depth`
/// features each; leaf i of tree t votes for number t modulo `ids`.
std::string tree_attributes(const std::string& stem, int trees, int depth, int features, int ids);
/// Of TreeEnsemble: the same trees, one target.
std::string tree_ensemble_attributes(int trees, int depth, int features);

}  // namespace assay::api::opbench

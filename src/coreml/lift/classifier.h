// The end of a classifier of either format. Core ML gives the most likely label, and a dictionary from labels to
// probabilities; here that is the label, and the array of probabilities in the order of the labels.
#pragma once
#include "coreml/lift/builder.h"

namespace assay::coreml {

/// Key of Graph::metadata under which a classifier's labels stand, as a JSON array in the order of the probabilities.
inline constexpr char kLabelsKey[] = "assay.class_labels";

struct Classified {
  ValueId label;          ///< string or int64, rank 0
  ValueId probabilities;  ///< [labels], or [1, labels] behind an axis of samples
};
/// `labels`: strings or int64. Of equal probabilities the first counts. An error is kept where there is not one
/// probability a label. (src/coreml/lower/classifier_edges.h finds what this makes.)
Classified classified(GraphBuilder& builder, ValueId scores, ir::Tensor labels, bool sample_axis);

}  // namespace assay::coreml

// Reductions.
#pragma once
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/reduce.h"

namespace assay::ops {

Status reduce_to_mil(MilContext& c, Reduction kind);
Status reduce_to_nn(NnContext& c, Reduction kind);
template <Reduction kKind>
Status reduction_to_mil(MilContext& c) {
  return reduce_to_mil(c, kKind);
}
template <Reduction kKind>
Status reduction_to_nn(NnContext& c) {
  return reduce_to_nn(c, kKind);
}

/// ArgMax and ArgMin.
Status arg_to_mil(MilContext& c, bool largest);
Status arg_to_nn(NnContext& c, bool largest);

}  // namespace assay::ops

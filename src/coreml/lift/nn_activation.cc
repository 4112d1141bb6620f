// The activation layer: one of several functions.
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

void lift_activation(NnLift& c) {
  if (c.params().has("ReLU")) return c.result(c.op("Relu", {c.in(0)}));
  c.unsupported("an activation without a function");
}

constexpr NnRow kRows[] = {
    {"activation", lift_activation},
};

}  // namespace

std::span<const NnRow> nn_activation_rows() { return kRows; }

}  // namespace assay::coreml

// Activations: functions of one value, most with settings.
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

template <const char* kType>
void lift_unary(MilLift& c) {
  c.result(c.op(kType, {c.in("x")}));
}
constexpr char kRelu[] = "Relu";

constexpr MilRow kRows[] = {
    {"relu", lift_unary<kRelu>},
};

}  // namespace

std::span<const MilRow> mil_activation_rows() { return kRows; }

}  // namespace assay::coreml

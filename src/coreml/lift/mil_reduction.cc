// Reductions. Axes that are not given are all of them.
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

template <const char* kType>
void lift_reduce(MilLift& c) {
  const ValueId axes = c.has("axes") ? c.ints(c.integers("axes")) : ir::kNoValue;
  c.result(c.op(kType, {c.in("x"), axes}, {{"keepdims", int64_t{c.flag("keep_dims", false)}}}));
}

/// Of equal elements the first one's index, as NumPy has it.
template <const char* kType>
void lift_arg(MilLift& c) {
  c.result(
      c.op(kType, {c.in("x")}, {{"axis", c.integer("axis", -1)}, {"keepdims", int64_t{c.flag("keep_dims", false)}}}));
}

constexpr char kArgMax[] = "ArgMax", kArgMin[] = "ArgMin";
constexpr char kL1[] = "ReduceL1", kL2[] = "ReduceL2", kLogSum[] = "ReduceLogSum", kLogSumExp[] = "ReduceLogSumExp";
constexpr char kMax[] = "ReduceMax", kMean[] = "ReduceMean", kMin[] = "ReduceMin", kProd[] = "ReduceProd";
constexpr char kSum[] = "ReduceSum", kSumSquare[] = "ReduceSumSquare";

constexpr MilRow kRows[] = {
    {"reduce_argmax", lift_arg<kArgMax>},     {"reduce_argmin", lift_arg<kArgMin>},
    {"reduce_l1_norm", lift_reduce<kL1>},     {"reduce_l2_norm", lift_reduce<kL2>},
    {"reduce_log_sum", lift_reduce<kLogSum>}, {"reduce_log_sum_exp", lift_reduce<kLogSumExp>},
    {"reduce_max", lift_reduce<kMax>},        {"reduce_mean", lift_reduce<kMean>},
    {"reduce_min", lift_reduce<kMin>},        {"reduce_prod", lift_reduce<kProd>},
    {"reduce_sum", lift_reduce<kSum>},        {"reduce_sum_square", lift_reduce<kSumSquare>},
};

}  // namespace

std::span<const MilRow> mil_reduction_rows() { return kRows; }

}  // namespace assay::coreml

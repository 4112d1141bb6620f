// Reductions: the layer over channels, height and width, and one layer for each function over any axes.
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

enum : int64_t { kLogSum = 3, kArgMax = 9 };  // of ReduceOperation
constexpr std::string_view kOperators[] = {"ReduceSum", "ReduceMean", "ReduceProd", "ReduceSum", "ReduceSumSquare",
                                           "ReduceL1",  "ReduceL2",   "ReduceMax",  "ReduceMin", "ArgMax"};

void lift_reduce(NnLift& c) {
  const ir::Dims kAxes[] = {{-3, -2, -1}, {-2, -1}, {-3}, {-2}, {-1}};
  const mil::Message& p = c.params();
  const int64_t mode = p.integer("mode"), axis = p.integer("axis");
  if (mode < 0 || mode >= static_cast<int64_t>(std::size(kOperators))) return c.bad("mode " + std::to_string(mode));
  if (axis < 0 || axis >= static_cast<int64_t>(std::size(kAxes))) return c.bad("axis " + std::to_string(axis));
  const ir::Dims& axes = kAxes[axis];
  ValueId x = c.in(0);
  rank_of(c, x, -axes.front());
  if (mode == kArgMax) {
    if (axes.size() != 1) return c.bad("an index over more than one axis");
    return c.result(c.op("ArgMax", {x}, {{"axis", axes.front()}}));
  }
  if (mode == kLogSum)
    x = c.op("coreml.Log", {x}, {{"epsilon", static_cast<float>(unless_zero(p.number("epsilon"), 1e-6))}});
  c.result(c.op(kOperators[mode], {x, c.ints(axes)}));
}

void lift_reduce_axes(NnLift& c) {
  const mil::Message& p = c.params();
  ir::Dims axes = p.integers("axes");
  if (p.integer("reduceAll") != 0) {
    axes.clear();
    for (int64_t i = 0; i < rank_of(c, c.in(0)); ++i) axes.push_back(i);
  } else if (axes.empty()) {
    return c.bad("no axes are stated");
  }
  c.result(c.op(c.row->op, {c.in(0), c.ints(axes)}, {{"keepdims", int64_t{p.integer("keepDims") != 0}}}));
}

/// argMax and argMin.
void lift_arg(NnLift& c) {
  const mil::Message& p = c.params();
  c.result(
      c.op(c.row->op, {c.in(0)}, {{"axis", p.integer("axis")}, {"keepdims", int64_t{p.integer("removeDim") == 0}}}));
}

constexpr NnRow kRows[] = {
    {"argMax", lift_arg, "ArgMax"},
    {"argMin", lift_arg, "ArgMin"},
    {"reduce", lift_reduce},
    {"reduceL1", lift_reduce_axes, "ReduceL1"},
    {"reduceL2", lift_reduce_axes, "ReduceL2"},
    {"reduceLogSum", lift_reduce_axes, "ReduceLogSum"},
    {"reduceLogSumExp", lift_reduce_axes, "ReduceLogSumExp"},
    {"reduceMax", lift_reduce_axes, "ReduceMax"},
    {"reduceMean", lift_reduce_axes, "ReduceMean"},
    {"reduceMin", lift_reduce_axes, "ReduceMin"},
    {"reduceProd", lift_reduce_axes, "ReduceProd"},
    {"reduceSum", lift_reduce_axes, "ReduceSum"},
    {"reduceSumSquare", lift_reduce_axes, "ReduceSumSquare"},
};

}  // namespace

std::span<const NnRow> nn_reduction_rows() { return kRows; }

}  // namespace assay::coreml

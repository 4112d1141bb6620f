// Each row with nodes that are taken and nodes that miss one condition.
#include <gtest/gtest.h>

#include <algorithm>

#include "ops/def.h"
#include "passes/coreml_provider.h"
#include "passes/coreml_provider/node.h"
#include "passes/infer_shapes.h"

namespace assay::passes {
namespace {

using ir::ElemType;
using ir::Tensor;
using ir::Type;

/// An input: what it is, and its value where it is constant.
struct Arg {
  Type type{};
  std::optional<Tensor> constant{};
  bool absent = false;
};
Arg x(ir::Dims dims, ElemType elem = ElemType::float32) { return {Type::of(elem, dims)}; }
Arg free(std::vector<ir::Dim> dims, ElemType elem = ElemType::float32) { return {Type::tensor(elem, std::move(dims))}; }
Arg ints(const ir::Dims& values) { return {{}, Tensor::of_ints(values)}; }
Arg index(int64_t value) { return {{}, Tensor::scalar(value)}; }
Arg floats(const ir::Dims& dims, float value = 1) {
  Tensor t = Tensor::allocate(ElemType::float32, dims);
  for (int64_t i = 0; i < t.size(); ++i) t.set_float(i, value);
  return {{}, std::move(t)};
}
Arg scales(std::vector<float> values) {
  return {{},
          Tensor::of<float>(ElemType::float32, {static_cast<int64_t>(values.size())}, std::span<const float>(values))};
}
Arg none() { return {{}, {}, true}; }

struct Case {
  const char* op;
  std::vector<Arg> args;
  std::vector<ir::Attr> attrs;
  const char* taken;  ///< "np": in both formats, "n", "p" or ""
  int opset = 17;
  size_t outputs = 1;
};

ir::Attr attr(const char* name, int64_t value) { return {name, value}; }
ir::Attr attr(const char* name, ir::Dims values) { return {name, std::move(values)}; }
ir::Attr attr(const char* name, const char* text) { return {name, std::string(text)}; }

/// The node behind a Relu, which keeps partitions of trivial nodes, and before another for each output.
ir::Graph graph_of(const Case& c) {
  ir::Graph g;
  g.metadata["onnx.opset"] = std::to_string(c.opset);
  ir::Op op{.domain = "", .type = c.op, .name = "node"};
  for (size_t i = 0; i < c.args.size(); ++i) {
    const std::string name = "x" + std::to_string(i);
    if (c.args[i].absent) {
      op.inputs.push_back(ir::kNoValue);
    } else if (c.args[i].constant) {
      op.inputs.push_back(g.add_constant(name, *c.args[i].constant));
    } else {
      op.inputs.push_back(g.add_value(name, c.args[i].type));
      g.inputs.push_back(op.inputs.back());
    }
  }
  const ir::ValueId first = op.inputs[0];
  const bool is_float = g.at(first).type.elem == ElemType::float32 && g.at(first).constant == nullptr;
  if (is_float) {
    ir::Op relu{.domain = "", .type = "Relu", .name = "before"};
    relu.inputs = {first};
    relu.outputs = {g.add_value("before", {})};
    relu.def = ops::find_op("", "Relu");
    op.inputs[0] = relu.outputs[0];
    g.add_op(std::move(relu));
  }
  op.attrs = c.attrs;
  for (size_t i = 0; i < c.outputs; ++i) op.outputs.push_back(g.add_value("y" + std::to_string(i), {}));
  g.outputs = op.outputs;
  op.def = ops::find_op("", c.op);
  g.add_op(std::move(op));
  const Status inferred = infer_shapes(g);
  EXPECT_TRUE(inferred.ok()) << c.op << ": " << (inferred.ok() ? "" : inferred.error().message);
  return g;
}

std::string reason(const Case& c, const ProviderOptions& options) {
  const ir::Graph g = graph_of(c);
  const auto node = std::ranges::find(g.ops, std::string("node"), &ir::Op::name);
  if (node == g.ops.end()) return "folded";
  return place_on_coreml(g, options).reasons[static_cast<size_t>(node - g.ops.begin())];
}

const std::vector<Case>& cases() {
  const auto half = ElemType::float16;
  static const std::vector<Case> all = {
      {"Add", {x({2, 3}), x({2, 3})}, {}, "np"},
      {"Add", {x({2, 3}), x({2, 3})}, {}, "", 6},
      {"Add", {x({2, 3}, half), x({2, 3}, half)}, {}, "p"},
      {"Add", {x({2, 3}, ElemType::int32), x({2, 3}, ElemType::int32)}, {}, ""},
      {"Add", {x({1, 1, 1, 1, 1, 2}), x({2})}, {}, ""},
      {"Add", {x({2, 20000}), x({1})}, {}, ""},
      {"Add", {x({2, 0}), x({1})}, {}, ""},
      {"Sub", {x({2}), x({2})}, {}, "np"},
      {"Mul", {x({2}), x({2})}, {}, "np"},
      {"Div", {x({2}), x({2})}, {}, "np"},
      {"Max", {x({2}), x({2})}, {}, "p"},
      {"Pow", {x({2}), x({2})}, {}, "np"},
      {"Pow", {x({2}), x({2}, ElemType::int32)}, {}, ""},
      {"And", {x({2}, ElemType::boolean), x({2}, ElemType::boolean)}, {}, "p"},
      {"Where", {x({2}, ElemType::boolean), x({2}), x({2})}, {}, "p"},
      {"Where", {x({2}, ElemType::boolean), x({2}, ElemType::int32), x({2}, ElemType::int32)}, {}, ""},
      {"Sqrt", {x({2})}, {}, "np"},
      {"Reciprocal", {x({2})}, {}, "np"},
      {"Erf", {x({2})}, {}, "p"},
      {"Exp", {x({2})}, {}, "p"},
      {"Sin", {x({2})}, {}, "p"},
      {"Sin", {x({2})}, {}, "", 22},
      {"Cos", {x({2})}, {}, "p"},
      {"Ceil", {x({2})}, {}, "p"},
      {"Round", {x({2})}, {}, "p"},
      {"Neg", {x({2})}, {}, ""},
      {"Log", {x({2})}, {}, ""},
      {"Relu", {x({2})}, {}, "np"},
      {"Relu", {x({2})}, {}, "", 5},
      {"Sigmoid", {x({2})}, {}, "np"},
      {"Tanh", {x({2})}, {}, "np"},
      {"LeakyRelu", {x({2})}, {}, "np"},
      {"HardSigmoid", {x({2})}, {}, "np"},
      {"Elu", {x({2})}, {}, "p"},
      {"Gelu", {x({2})}, {}, "p", 20},
      {"Softplus", {x({2})}, {}, "p"},
      {"Clip", {x({2}), floats({}), floats({})}, {}, "np"},
      {"Clip", {x({2}), none(), floats({})}, {}, "np"},
      {"Clip", {x({2}), x({})}, {}, ""},
      {"Dropout", {x({2})}, {}, "np"},
      {"Identity", {x({2})}, {}, "np", 21},
      {"PRelu", {x({1, 3, 4, 4}), floats({3, 1, 1})}, {}, "np"},
      {"PRelu", {x({1, 3, 4, 4}), floats({1})}, {}, "np"},
      {"PRelu", {x({1, 1, 4, 4}), floats({1})}, {}, ""},
      {"PRelu", {x({1, 3, 4, 4}), x({3, 1, 1})}, {}, ""},
      {"PRelu", {x({3, 4}), floats({1})}, {}, ""},
      {"ArgMax", {x({2, 3})}, {attr("select_last_index", 1)}, ""},
      {"ArgMax", {x({2, 3})}, {}, "n"},  // an ML Program wants one reader
      {"Cast", {x({2})}, {attr("to", 10)}, "p"},
      {"Cast", {x({2})}, {attr("to", 11)}, ""},
      {"Cast", {x({2}, half)}, {attr("to", 1)}, ""},  // reads an input of the graph
      {"AveragePool", {x({1, 3, 8, 8})}, {attr("kernel_shape", {2, 2})}, "np"},
      {"AveragePool", {x({1, 3, 8, 8})}, {attr("kernel_shape", {2, 2})}, "", 22},
      {"AveragePool", {x({1, 3, 8})}, {attr("kernel_shape", ir::Dims{2})}, ""},
      {"AveragePool", {x({1, 3, 8, 8})}, {attr("kernel_shape", {2, 2}), attr("ceil_mode", 1)}, ""},
      {"MaxPool", {x({1, 3, 8, 8})}, {attr("kernel_shape", {2, 2})}, "np"},
      {"MaxPool", {x({1, 3, 8, 8})}, {attr("kernel_shape", {2, 2}), attr("dilations", {2, 2})}, ""},
      {"MaxPool", {x({1, 3, 8, 8})}, {attr("kernel_shape", {2, 2}), attr("storage_order", 1)}, ""},
      {"MaxPool", {x({1, 3, 8, 8})}, {attr("kernel_shape", {2, 2})}, "", 17, 2},
      {"GlobalAveragePool", {x({1, 3, 8, 8})}, {}, "np"},
      {"GlobalMaxPool", {x({1, 3, 8, 8})}, {}, "np"},
      {"GlobalMaxPool", {x({1, 3, 8})}, {}, ""},
      {"BatchNormalization", {x({1, 3, 4, 4}), floats({3}), floats({3}), floats({3}), floats({3})}, {}, "np"},
      {"BatchNormalization", {x({1, 3, 4}), floats({3}), floats({3}), floats({3}), floats({3})}, {}, ""},
      {"BatchNormalization", {x({1, 3, 4, 4}), x({3}), floats({3}), floats({3}), floats({3})}, {}, ""},
      {"InstanceNormalization", {x({1, 3, 4}), floats({3}), floats({3})}, {}, "p"},
      {"InstanceNormalization", {x({1, 3, 4}), x({3}), floats({3})}, {}, ""},
      {"LayerNormalization", {x({2, 4}), floats({4}), floats({4})}, {}, "p"},
      {"LayerNormalization", {x({2, 4}), x({4})}, {}, ""},
      {"LayerNormalization", {x({2, 4}), floats({4})}, {attr("stash_type", 10)}, ""},
      {"GroupNormalization", {x({1, 4, 3}), floats({4}), floats({4})}, {attr("num_groups", 2)}, "p", 18},
      {"GroupNormalization", {x({1, 4, 3}), floats({4}), floats({4})}, {attr("num_groups", 2)}, "", 21},
      {"LRN", {x({1, 3, 4, 4})}, {attr("size", 3)}, "n"},
      {"Conv", {x({1, 3, 8, 8}), floats({2, 3, 3, 3}), floats({2})}, {}, "np"},
      {"Conv", {x({1, 3, 8}), floats({2, 3, 3})}, {}, "np"},
      {"Conv", {x({1, 3, 4, 4, 4}), floats({2, 3, 3, 3, 3})}, {}, ""},
      {"Conv", {x({1, 3, 8, 8}), x({2, 3, 3, 3})}, {}, "p"},
      {"Conv", {x({1, 3, 8, 8}), floats({2, 3, 3, 3}), x({2})}, {}, ""},
      {"Conv", {x({1, 3, 8, 8}), floats({2, 3, 3, 3})}, {}, "", 22},
      {"ConvTranspose", {x({1, 3, 8, 8}), floats({3, 2, 3, 3})}, {attr("pads", {1, 1, 1, 1})}, "p"},
      {"ConvTranspose", {x({1, 3, 8, 8}), floats({3, 2, 3, 3})}, {attr("pads", {0, 1, 1, 1})}, ""},
      {"ConvTranspose", {x({1, 3, 8, 8}), floats({3, 2, 3, 3})}, {attr("auto_pad", "SAME_UPPER")}, ""},
      {"ConvTranspose",
       {x({1, 3, 8, 8}), floats({3, 2, 3, 3})},
       {attr("output_padding", {1, 1}), attr("strides", {2, 2})},
       ""},
      {"ConvTranspose", {x({1, 3, 8, 8}), x({3, 2, 3, 3})}, {}, ""},
      {"MatMul", {x({2, 3}), floats({3, 4})}, {}, "np"},
      {"MatMul", {free({ir::Dim("n"), 3}), floats({3, 4})}, {}, "np"},
      {"MatMul", {x({2, 3}), x({3, 4})}, {}, "p"},
      {"MatMul", {x({1, 2, 3}), floats({3, 4})}, {}, "p"},
      {"Gemm", {x({2, 3}), floats({3, 4}), floats({4})}, {}, "np"},
      {"Gemm", {x({2, 3}), floats({4, 3}), floats({1, 4})}, {attr("transB", 1)}, "np"},
      {"Gemm", {x({2, 3}), floats({3, 4}), floats({2, 1})}, {}, ""},
      {"Gemm", {x({2, 3}), floats({3, 4}), x({4})}, {}, ""},
      {"Gemm", {x({2, 3}), x({3, 4})}, {}, ""},
      {"Gemm", {x({3, 2}), floats({3, 4})}, {attr("transA", 1)}, ""},
      {"Gemm", {x({2, 3}), floats({3, 4})}, {ir::Attr{"alpha", 0.5F}}, ""},
      {"Concat", {x({1, 2, 3, 3}), x({1, 2, 3, 3})}, {attr("axis", 1)}, "np"},
      {"Concat", {x({1, 2, 3, 3}), x({1, 2, 3, 3})}, {attr("axis", -3)}, "np"},
      {"Concat", {x({1, 2, 3, 3}), x({1, 2, 3, 3})}, {attr("axis", 2)}, "p"},
      {"Concat", {x({2, 3}), x({2, 3})}, {attr("axis", 1)}, "p"},
      {"Concat", {x({1, 2, 3, 3})}, {attr("axis", 1)}, ""},
      {"DepthToSpace", {x({1, 8, 3, 3})}, {attr("blocksize", 2)}, "np"},
      {"DepthToSpace", {x({2, 8, 3, 3})}, {attr("blocksize", 2)}, "p"},
      {"DepthToSpace", {x({1, 8, 3, 3})}, {attr("blocksize", 2), attr("mode", "CRD")}, "p"},
      {"Flatten", {x({1, 8, 3, 3})}, {}, "n"},
      {"Gather", {x({4, 3}), ints({1, 2})}, {}, "np"},
      {"Gather", {x({4, 3}), index(1)}, {}, "np"},
      {"Gather", {free({ir::Dim("n"), 3}), index(1)}, {}, ""},
      {"Gather", {x({2, 2, 2, 2, 2}), index(1)}, {}, ""},
      {"Gather", {x({4, 3}, ElemType::int32), ints({1})}, {}, ""},
      {"GatherND", {x({4, 3}), {{}, ints({1, 2}).constant->reshaped({2, 1})}}, {}, "p"},
      {"GatherND", {x({4, 3}), x({2, 1}, ElemType::int64)}, {}, ""},
      {"GatherND", {x({4, 3}), {{}, ints({1, 2, 0, 1}).constant->reshaped({4, 1})}}, {attr("batch_dims", 1)}, ""},
      {"GridSample", {x({1, 1, 4, 4}), x({1, 2, 2, 2})}, {}, "p", 20},
      {"GridSample", {x({1, 1, 4, 4}), x({1, 2, 2, 2})}, {}, "", 16},
      {"GridSample", {x({1, 1, 4, 4}), x({1, 2, 2, 2})}, {attr("mode", "nearest")}, "", 20},
      {"GridSample", {x({1, 1, 4, 4}), x({1, 2, 2, 2})}, {attr("padding_mode", "reflection")}, "", 20},
      {"Pad", {x({1, 1, 3, 3}), ints({0, 0, 1, 1, 0, 0, 1, 1}), floats({}, 0)}, {}, "np"},
      {"Pad", {x({1, 1, 3, 3}), ints({0, 0, 1, 1, 0, 0, 1, 1}), floats({}, 0)}, {}, "", 21},
      {"Pad", {x({1, 1, 3, 3}), ints({0, 0, 1, 1, 0, 0, 1, 1})}, {}, "p"},
      {"Pad", {x({1, 1, 3, 3}), ints({0, 1, 1, 1, 0, 0, 1, 1}), floats({}, 0)}, {}, "p"},
      {"Pad", {x({1, 1, 3, 3}), ints({0, 0, -1, 1, 0, 0, 1, 1}), floats({}, 0)}, {}, ""},
      {"Pad", {x({1, 1, 3, 3}), ints({0, 0, 1, 1, 0, 0, 1, 1})}, {attr("mode", "reflect")}, "p"},
      {"Pad", {x({1, 3, 3, 3}), ints({0, 1, 1, 1, 0, 0, 1, 1})}, {attr("mode", "reflect")}, ""},
      {"Pad", {x({1, 1, 3, 3}), ints({0, 0, 1, 1, 0, 0, 1, 1})}, {attr("mode", "edge")}, ""},
      {"ReduceMean", {x({2, 3}), ints({1})}, {}, "np"},
      {"ReduceMean", {x({2, 3}), x({1}, ElemType::int64)}, {}, ""},
      {"ReduceSum", {x({2, 3})}, {attr("noop_with_empty_axes", 1)}, "p"},
      {"ReduceMax", {x({2, 3}), ints({1})}, {}, "p", 18},
      {"ReduceMin", {x({2, 3}), ints({1})}, {}, "p", 18},
      {"ReduceProd", {x({2, 3}), ints({1})}, {}, "p"},
      {"ReduceL2", {x({2, 3}), ints({1})}, {}, ""},
      {"Reshape", {x({2, 3}), ints({3, -1})}, {}, "np"},
      {"Reshape", {x({2, 3}), ints({3, -1})}, {}, "", 21},
      {"Reshape", {x({2, 3}), x({2}, ElemType::int64)}, {}, ""},
      {"Reshape", {free({ir::Dim("n"), 3}), ints({-1})}, {}, ""},
      {"Reshape", {x({2, 3}), ints({1, 1, 1, 1, 2, 3})}, {}, ""},
      {"Resize",
       {x({1, 1, 4, 4}), none(), scales({1, 1, 2, 2})},
       {attr("nearest_mode", "floor"), attr("coordinate_transformation_mode", "asymmetric")},
       "np"},
      {"Resize",
       {x({1, 1, 4, 4}), none(), scales({1, 1, 2, 2})},
       {attr("nearest_mode", "floor"), attr("coordinate_transformation_mode", "asymmetric")},
       "",
       10},
      {"Resize",
       {x({1, 1, 4, 4}), none(), scales({1, 1, 2, 2})},
       {attr("coordinate_transformation_mode", "asymmetric")},
       ""},
      {"Resize", {x({1, 1, 4, 4}), none(), scales({1, 1, 2, 2})}, {attr("mode", "linear")}, "p"},
      {"Resize", {x({1, 1, 4, 4}), none(), scales({1, 1, 1.5F, 2})}, {attr("mode", "linear")}, ""},
      {"Resize", {x({1, 1, 4, 4}), none(), scales({1, 1, 0.5F, 0.25F})}, {attr("mode", "linear")}, "p"},
      {"Resize", {x({1, 1, 4, 4}), none(), scales({1, 2, 2, 2})}, {attr("mode", "linear")}, ""},
      {"Resize",
       {x({1, 1, 4, 4}), none(), none(), ints({1, 1, 8, 8})},
       {attr("mode", "linear"), attr("coordinate_transformation_mode", "asymmetric")},
       "np"},
      {"Resize",
       {x({1, 1, 4, 4}), none(), none(), ints({1, 1, 6, 6})},
       {attr("mode", "linear"), attr("coordinate_transformation_mode", "asymmetric")},
       "p"},
      {"Resize", {x({1, 1, 4, 4}), none(), scales({1, 1, 2, 2})}, {attr("mode", "cubic")}, ""},
      {"Shape", {free({ir::Dim("n"), 3})}, {}, "np"},
      {"Shape", {free({ir::Dim("n"), 3})}, {attr("end", 1)}, "p"},
      {"Slice", {x({4, 3}), ints({0}), ints({2}), ints({0})}, {}, "np"},
      {"Slice", {x({4, 3}), ints({0}), ints({2}), ints({0})}, {}, "", 9},
      {"Slice", {x({4, 3}), ints({3}), ints({-9}), ints({0}), ints({-1})}, {}, "np"},
      {"Slice", {free({ir::Dim("n"), 3}), ints({0}), ints({2}), ints({1})}, {}, ""},
      {"Slice", {x({4, 3}), ints({2}), ints({2}), ints({0})}, {}, ""},
      {"Slice", {x({4, 3}), x({1}, ElemType::int64), ints({2}), ints({0})}, {}, ""},
      {"Softmax", {x({2, 3})}, {}, "np"},
      {"Softmax", {free({ir::Dim("n"), 3})}, {}, ""},
      {"Split", {x({4, 3}), ints({1, 3})}, {}, "np", 17, 2},
      {"Split", {x({4, 3}), ints({0, 4})}, {}, "", 17, 2},
      {"Split", {x({4, 3})}, {}, "np", 17, 2},
      {"Split", {x({4, 3})}, {attr("axis", 1), attr("num_outputs", 2)}, "", 17, 2},
      {"Split", {x({4, 3})}, {attr("axis", 1), attr("num_outputs", 2)}, "np", 18, 2},
      {"Squeeze", {x({1, 3}), ints({0})}, {}, "np"},
      {"Squeeze", {x({1, 3}), ints({0})}, {}, "", 21},
      {"Unsqueeze", {x({2, 3}), ints({0})}, {}, "p"},
      {"Unsqueeze", {x({1, 1, 1, 2, 3}), ints({0})}, {}, ""},
      {"Tile", {x({2, 3}), ints({2, 1})}, {}, "np"},
      {"Tile", {x({2, 3}), ints({0, 1})}, {}, ""},
      {"Tile", {x({2, 3}), x({2}, ElemType::int64)}, {}, "p"},
      {"Transpose", {x({2, 3})}, {}, "np"},
      {"Transpose", {x({2, 3})}, {}, "", 21},
  };
  return all;
}

TEST(CoreMlProvider, TakesWhatTheTableSays) {
  for (const Case& c : cases()) {
    const std::string taken = c.taken;
    const size_t at = static_cast<size_t>(&c - cases().data());
    EXPECT_EQ(reason(c, {.ml_program = false}).empty(), taken.find('n') != std::string::npos)
        << c.op << " #" << at << " NeuralNetwork: " << reason(c, {.ml_program = false});
    EXPECT_EQ(reason(c, {.ml_program = true}).empty(), taken.find('p') != std::string::npos)
        << c.op << " #" << at << " ML Program: " << reason(c, {.ml_program = true});
  }
}

TEST(CoreMlProvider, EveryRowHasANodeThatIsTaken) {
  for (const provider::Row& row : provider::rows()) {
    const bool some =
        std::ranges::any_of(cases(), [&](const Case& c) { return row.op == c.op && std::string(c.taken) != ""; });
    EXPECT_TRUE(some) << row.op;
  }
}

TEST(CoreMlProvider, ReasonsNameWhatIsMissing) {
  EXPECT_EQ(reason({"Log", {x({2})}, {}, ""}, {}), "the provider has no such operator");
  EXPECT_EQ(reason({"Erf", {x({2})}, {}, ""}, {}), "the provider takes it only in an ML Program");
  EXPECT_EQ(reason({"Reshape", {x({2, 3}), ints({6})}, {}, "", 23}, {}),
            "the provider takes it only as it was before operator set 21");
  EXPECT_EQ(reason({"MatMul", {x({2, 3}), x({3, 4})}, {}, ""}, {}),
            "the provider takes it only with constant weights in a NeuralNetwork");
  EXPECT_EQ(reason({"Add", {x({2, 20000}), x({1})}, {}, ""}, {}), "input 0 has an axis of 20000, over 16384");
  EXPECT_EQ(reason({"MatMul", {free({ir::Dim("n"), 3}), floats({3, 4})}, {}, ""}, {.static_shapes = true}),
            "input 0 has no fixed sizes, which RequireStaticInputShapes wants");
}

}  // namespace
}  // namespace assay::passes

#include "audit/probe/probes.h"

#include <fmt/format.h>

#include <algorithm>

#include "audit/probe/patterns.h"
#include "base/hash.h"
#include "base/text.h"
#include "ir/text.h"
#include "ops/def.h"
#include "passes/infer_shapes.h"

namespace assay::audit {
namespace {

using patterns::Fill;

struct Operand {
  std::string_view name;  ///< empty: no more operands
  std::string_view dims;  ///< "320,32"
  Fill fill;
  bool weight = false;  ///< a constant of the model
};

struct Row {
  std::string_view name, group, doc;
  std::string_view nodes;
  Operand operands[3];
};

constexpr std::string_view kProduct = "%y: undefined[...] = MatMul(%x, %w)";
constexpr std::string_view kConv =
    "%y: undefined[...] = Conv(%x, %w, %b) {pads = ints[1, 1, 1, 1], kernel_shape = ints[3, 3]}";
constexpr std::string_view kGemm = "%y: undefined[...] = Gemm(%x, %w, %b)";
constexpr std::string_view kSum =
    "%axes: int64[1] = Constant() {value = tensor int64[1] {1}}\n"
    "%y: undefined[...] = ReduceSum(%x, %axes) {keepdims = 0}";
constexpr std::string_view kSumDown =
    "%axes: int64[1] = Constant() {value = tensor int64[1] {0}}\n"
    "%y: undefined[...] = ReduceSum(%x, %axes) {keepdims = 0}";
constexpr std::string_view kMean =
    "%axes: int64[1] = Constant() {value = tensor int64[1] {1}}\n"
    "%y: undefined[...] = ReduceMean(%x, %axes) {keepdims = 0}";
constexpr std::string_view kSoftmax = "%y: undefined[...] = Softmax(%x) {axis = -1}";
constexpr std::string_view kNorm =
    "%y: undefined[...] = LayerNormalization(%x, %w, %b) {axis = -1, epsilon = float 1e-05}";

#define UNARY(op) "%y: undefined[...] = " op "(%x)"
#define BINARY(op) "%y: undefined[...] = " op "(%x, %w)"

constexpr Row kRows[] = {
    {"matmul_operands",
     "matmul",
     "how operands are rounded: values times the identity",
     kProduct,
     {{"x", "640,16", patterns::significands}, {"w", "16,16", patterns::identity, true}}},
    {"matmul_counts",
     "matmul",
     "how wide the accumulator is: thousands of ones, alone and beside large values",
     kProduct,
     {{"x", "19,4096", patterns::counts}, {"w", "4096,2", patterns::ones, true}}},
    {"matmul_positions",
     "matmul",
     "order and blocks of the sum: a one at each place among small values",
     kProduct,
     {{"x", "320,32", patterns::positions}, {"w", "32,2", patterns::ones, true}}},
    {"matmul_cancelling",
     "matmul",
     "what a large value that goes away takes with it",
     kProduct,
     {{"x", "360,32", patterns::cancelling}, {"w", "32,2", patterns::ones, true}}},
    {"matmul_ties",
     "matmul",
     "how the accumulator rounds",
     kProduct,
     {{"x", "160,32", patterns::ties}, {"w", "32,2", patterns::ones, true}}},
    {"matmul_range",
     "matmul",
     "overflow: 32768, 65504, float32's range, and inside of sums",
     kProduct,
     {{"x", "24,8", patterns::range}, {"w", "8,2", patterns::ones, true}}},
    {"matmul_subnormals",
     "matmul",
     "subnormal operands, products and sums",
     kProduct,
     {{"x", "52,8", patterns::subnormals}, {"w", "8,4", patterns::small_factors, true}}},
    {"matmul_fused",
     "matmul",
     "multiply-adds rounded once, twice, or product and sum apart",
     kProduct,
     {{"x", "3,2", patterns::double_roundings}, {"w", "2,3", patterns::double_factors, true}}},
    {"matmul_pairs",
     "matmul",
     "pairs of bfloat16 products: which comes first",
     kProduct,
     {{"x", "32,32", patterns::bfloat16_bell}, {"w", "32,16", patterns::bfloat16_bell, true}}},
    {"matmul_short",
     "matmul",
     "order of 16 products",
     kProduct,
     {{"x", "32,16", patterns::bell}, {"w", "16,16", patterns::other_bell, true}}},
    {"matmul_random",
     "matmul",
     "order of 256 products",
     kProduct,
     {{"x", "16,256", patterns::wide_bell}, {"w", "256,16", patterns::other_bell, true}}},
    {"matmul_long",
     "matmul",
     "order of 4096 products, k in parts",
     kProduct,
     {{"x", "4,4096", patterns::bell}, {"w", "4096,4", patterns::other_bell, true}}},
    {"matmul_residues",
     "matmul",
     "what is left of a sum that should be 0: order, blocks and bits, whatever the storage",
     kProduct,
     {{"x", "32,512", patterns::residues}, {"w", "512,8", patterns::mirrored, true}}},
    {"matmul_inputs",
     "matmul",
     "both operands given at run time",
     kProduct,
     {{"x", "16,64", patterns::bell}, {"w", "64,16", patterns::other_bell}}},
    {"matmul_vector",
     "matmul",
     "one row: a vector may take another way than a matrix",
     kProduct,
     {{"x", "1,256", patterns::bell}, {"w", "256,16", patterns::other_bell, true}}},
    {"gemm_bias",
     "gemm",
     "when the bias is added",
     kGemm,
     {{"x", "32,64", patterns::bell}, {"w", "64,16", patterns::other_bell, true}, {"b", "16", patterns::biases, true}}},
    {"gemm_undone",
     "gemm",
     "the bias undoes a large product, before or after the small ones",
     kGemm,
     {{"x", "32,64", patterns::beside_large},
      {"w", "64,16", patterns::large_first, true},
      {"b", "16", patterns::undoing_biases, true}}},
    {"conv_random",
     "conv",
     "order of a convolution, and its bias",
     kConv,
     {{"x", "1,16,8,8", patterns::bell},
      {"w", "8,16,3,3", patterns::other_bell, true},
      {"b", "8", patterns::biases, true}}},
    {"conv_positions",
     "conv",
     "order and blocks of a convolution's sum",
     kConv,
     {{"x", "1,32,4,8", patterns::positions},
      {"w", "2,32,3,3", patterns::ones, true},
      {"b", "2", patterns::ones, true}}},
    {"sum_counts", "sum", "how wide a reduction's accumulator is", kSum, {{"x", "19,4096", patterns::counts}}},
    {"sum_positions", "sum", "order of a reduction", kSum, {{"x", "320,32", patterns::positions}}},
    {"sum_ties", "sum", "how a reduction rounds", kSum, {{"x", "160,32", patterns::ties}}},
    {"sum_range", "sum", "overflow of a reduction", kSum, {{"x", "24,8", patterns::range}}},
    {"sum_random", "sum", "order of 1000 terms", kSum, {{"x", "16,1000", patterns::wide_bell}}},
    {"sum_down", "sum", "order along the first axis", kSumDown, {{"x", "300,16", patterns::wide_bell}}},
    {"mean_random", "mean", "a sum and a division", kMean, {{"x", "16,300", patterns::bell}}},
    {"softmax_random", "softmax", "sums inside a softmax", kSoftmax, {{"x", "16,100", patterns::bell}}},
    {"norm_random",
     "norm",
     "sums and steps inside a normalisation",
     kNorm,
     {{"x", "16,96", patterns::bell}, {"w", "96", patterns::other_bell, true}, {"b", "96", patterns::bell, true}}},
    {"norm_epsilon",
     "norm",
     "how the epsilon of a normalisation is rounded",
     kNorm,
     {{"x", "16,96", patterns::small_bell}, {"w", "96", patterns::ones, true}, {"b", "96", patterns::bell, true}}},
    {"mul_specials",
     "mul",
     "storage: overflow, subnormals, NaN, ties",
     BINARY("Mul"),
     {{"x", "32", patterns::specials}, {"w", "32", patterns::ones, true}}},
    {"mul_random",
     "mul",
     "products of two values",
     BINARY("Mul"),
     {{"x", "1024", patterns::bell}, {"w", "1024", patterns::other_bell, true}}},
    {"add_specials",
     "add",
     "infinities and NaN: differences of infinities",
     BINARY("Add"),
     {{"x", "32,32", patterns::specials}, {"w", "32,1", patterns::specials, true}}},
    {"add_random",
     "add",
     "sums of two values",
     BINARY("Add"),
     {{"x", "1024", patterns::bell}, {"w", "1024", patterns::other_bell, true}}},
    {"div_constant",
     "div",
     "division, or a product with the reciprocal",
     BINARY("Div"),
     {{"x", "128,8", patterns::bell}, {"w", "8", patterns::divisors, true}}},
    {"exp", "exp", "the exponential function", UNARY("Exp"), {{"x", "1024", patterns::ramp}}},
    {"log", "log", "the logarithm", UNARY("Log"), {{"x", "1000", patterns::positive_ramp}}},
    {"log_specials",
     "log",
     "logarithms of 0, negative numbers and infinities",
     UNARY("Log"),
     {{"x", "32", patterns::specials}}},
    {"sqrt", "sqrt", "the square root", UNARY("Sqrt"), {{"x", "1000", patterns::positive_ramp}}},
    {"reciprocal",
     "reciprocal",
     "one divided by values",
     UNARY("Reciprocal"),
     {{"x", "1000", patterns::positive_ramp}}},
    {"tanh", "tanh", "the hyperbolic tangent, by table or not", UNARY("Tanh"), {{"x", "1024", patterns::ramp}}},
    {"sigmoid", "sigmoid", "the logistic function, by table or not", UNARY("Sigmoid"), {{"x", "1024", patterns::ramp}}},
    {"softplus", "softplus", "where log(exp(x) + 1) overflows", UNARY("Softplus"), {{"x", "1024", patterns::ramp}}},
    {"erf", "erf", "the error function", UNARY("Erf"), {{"x", "1024", patterns::ramp}}},
    {"gelu", "gelu", "Gelu", UNARY("Gelu"), {{"x", "1024", patterns::ramp}}},
};

#undef UNARY
#undef BINARY

ir::Tensor filled(const Operand& operand) {
  ir::Dims dims;
  for (const std::string& dim : split(operand.dims, ',')) dims.push_back(std::stoll(dim));
  ir::Tensor tensor = ir::Tensor::allocate(ir::ElemType::float32, dims);
  operand.fill({tensor.mutable_data<float>(), static_cast<size_t>(tensor.size())}, dims);
  return tensor;
}

Result<Probe> make_probe(const Row& row) {
  Probe probe{.name = std::string(row.name), .group = std::string(row.group), .doc = std::string(row.doc)};
  std::string text = "graph \"" + probe.name + "\" {\n";
  Arrays constants;
  for (const Operand& operand : row.operands) {
    if (operand.name.empty()) continue;
    text += fmt::format("const %{}: float32[{}] = #blob\n", operand.name, operand.dims);
    (operand.weight ? constants : probe.inputs).push_back({std::string(operand.name), filled(operand)});
  }
  text += std::string(row.nodes) + "\nreturn %y\n}";
  ASSAY_TRY(ir::Graph graph, graph_of(text, constants, probe.inputs));
  probe.graph = std::make_shared<const ir::Graph>(std::move(graph));
  return probe;
}

}  // namespace

Result<ir::Graph> graph_of(const std::string& text, const Arrays& constants, const Arrays& inputs) {
  ASSAY_TRY(ir::Graph graph, ir::parse(text, [&](std::string_view name, const ir::Type&) {
              const ir::Tensor* constant = find(constants, name);
              if (constant == nullptr) constant = find(inputs, name);
              return constant == nullptr ? ir::Tensor() : *constant;
            }));
  for (const NamedArray& input : inputs) {
    const auto id = graph.find(input.name);
    if (!id) return Error{Code::internal, "the graph has no value '" + input.name + "'"};
    graph.at(*id).constant.reset();
    graph.inputs.push_back(*id);
  }
  ops::set_rows(graph);
  ASSAY_CHECK(passes::infer_shapes(graph));
  return graph;
}

std::shared_ptr<const backends::Model> model_of(const ir::Graph& graph) {
  auto model = std::make_shared<backends::Model>();
  model->inputs = backends::ports_of(graph, graph.inputs);
  model->outputs = backends::ports_of(graph, graph.outputs);
  model->graph = std::make_shared<const ir::Graph>(graph);
  return model;
}

std::vector<std::string> probe_groups() {
  std::vector<std::string> groups;
  for (const Row& row : kRows)
    if (std::ranges::find(groups, row.group) == groups.end()) groups.emplace_back(row.group);
  return groups;
}

Result<std::vector<Probe>> make_probes(std::span<const std::string> groups) {
  const auto known = probe_groups();
  for (const std::string& group : groups)
    if (std::ranges::find(known, group) == known.end()) {
      const std::string meant = did_you_mean(group, known);
      return Error{Code::usage, "there are no probes for '" + group + "'", "",
                   meant.empty() ? "there are: " + join(known, ", ") : "did you mean '" + meant + "'?"};
    }
  std::vector<Probe> probes;
  for (const Row& row : kRows) {
    if (!groups.empty() && std::ranges::find(groups, row.group) == groups.end()) continue;
    ASSAY_TRY(Probe probe, make_probe(row));
    probes.push_back(std::move(probe));
  }
  return probes;
}

std::string probes_identity(std::span<const Probe> probes) {
  Hash hash;
  for (const Probe& probe : probes) {
    hash.add(probe.name);
    hash.add(backends::identity_of(*probe.graph));
    for (const NamedArray& input : probe.inputs) hash.add(input.tensor.bytes(), input.tensor.byte_size());
  }
  return hash.text();
}

}  // namespace assay::audit

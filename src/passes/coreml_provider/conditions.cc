// Conditions on ranks, types, windows, products and normalisations. Those of operators that move data stand in
// conditions_move.cc, those of Resize in conditions_resize.cc.
#include "passes/coreml_provider/conditions.h"

#include <algorithm>

namespace assay::passes::provider {
namespace {

using ir::ElemType;

bool all_equal(const ir::Dims& values) {
  return std::ranges::all_of(values, [&](int64_t v) { return v == values.front(); });
}

bool is_wide_or_half(ElemType type) { return type == ElemType::float32 || type == ElemType::float16; }

bool has_cast_type(const ir::Type& type) {
  return is_wide_or_half(type.elem) || type.elem == ElemType::int32 || type.elem == ElemType::int64 ||
         type.elem == ElemType::boolean;
}

int64_t cast_target(const Node& n) { return n.attr("to", 0); }

bool is_int32_cast(const Node& reader) {
  return reader.op().type == "Cast" && cast_target(reader) == static_cast<int64_t>(ElemType::int32);
}

/// One reader, which may not cast to another type than int32; several in a NeuralNetwork, none of which casts.
bool argmax_readers(const Node& n) {
  const std::vector<size_t> readers = n.readers();
  const auto at = [&](size_t number) { return Node(n.context(), number); };
  if (readers.size() > 1 && std::ranges::any_of(readers, [&](size_t r) { return is_int32_cast(at(r)); })) return false;
  if (!n.ml_program()) return true;
  return readers.size() == 1 && (at(readers[0]).op().type != "Cast" || is_int32_cast(at(readers[0])));
}

bool gemm_bias(const Node& n) {
  if (!n.has(2)) return true;
  if (!n.constant(2) || !n.type(2).is_static() || n.rank(1) != 2) return false;
  const int64_t columns = n.dim(1, n.attr("transB", 0) != 0 ? 0 : 1);
  const ir::Dims shape = n.type(2).dims();
  if (shape.empty()) return true;
  if (shape.size() == 1) return shape[0] == 1 || shape[0] == columns;
  return shape.size() == 2 && shape[0] == 1 && shape[1] == columns;
}

bool prelu_slope(const Node& n) {
  if (!n.constant(1) || !n.is_static(1)) return false;
  const ir::Dims slope = n.type(1).dims();
  const bool channels = slope.size() == 3 && slope[1] == 1 && slope[2] == 1;
  const bool single = std::ranges::all_of(slope, [](int64_t d) { return d == 1; });
  const int64_t count = n.dim(0, n.rank(0) - 3);
  return count != -1 && (channels || single) && !(single && count == 1);
}

bool deconv_pads(const Node& n) {
  const std::string pad = n.op().attr_string("auto_pad", "NOTSET");
  if (pad.starts_with("SAME")) return false;
  const ir::Dims pads = n.op().attr_ints("pads");
  return pad != "NOTSET" || pads.empty() || all_equal(pads);
}

bool zeros(const ir::Dims& values) {
  return std::ranges::all_of(values, [](int64_t v) { return v == 0; });
}

bool ones(const ir::Dims& values) {
  return std::ranges::all_of(values, [](int64_t v) { return v == 1; });
}

bool follows_argmax(const Node& n) {
  if (n.ml_program()) return true;
  const auto producer = n.producer(0);
  return producer && n.context().graph.ops[*producer].type == "ArgMax" && n.context().taken[*producer] &&
         is_int32_cast(n);
}

bool is_last_constant(const Node& n, size_t first, size_t last) {
  for (size_t i = first; i <= last; ++i)
    if (!n.constant_or_absent(i)) return false;
  return true;
}

}  // namespace

const Condition kFirstRank4{"for arrays of four axes", [](const Node& n) { return n.rank(0) == 4; }};
const Condition kOneOutput{"with one output", [](const Node& n) { return n.results() == 1; }};
const Condition kWeightsConstant{"with constant weights", [](const Node& n) { return n.constant(1); }};
const Condition kNetworkWeightsConstant{"with constant weights in a NeuralNetwork",
                                        [](const Node& n) { return n.ml_program() || n.constant(1); }};
const Condition kBiasConstant{"with a constant bias", [](const Node& n) { return n.constant_or_absent(2); }};
const Condition kNormConstants{"with constant scale and bias of the input's type", [](const Node& n) {
                                 return n.constant(1) && n.constant_or_absent(2) && n.elem(1) == n.elem(0) &&
                                        (!n.has(2) || n.elem(2) == n.elem(0));
                               }};
const Condition kFourConstants{"with constant scale, bias, mean and variance",
                               [](const Node& n) { return n.inputs() == 5 && is_last_constant(n, 1, 4); }};
const Condition kClipBounds{"with constant bounds", [](const Node& n) { return is_last_constant(n, 1, 2); }};
const Condition kConvWeights{"in one or two dimensions",
                             [](const Node& n) { return n.rank(1) == 3 || n.rank(1) == 4; }};
const Condition kDeconvPads{"with equal pads and without auto_pad SAME", deconv_pads};
const Condition kDeconvSizes{"without output_shape and output_padding", [](const Node& n) {
                               return !n.op().has_attr("output_shape") && zeros(n.op().attr_ints("output_padding"));
                             }};
const Condition kWindow2d{"with windows of two dimensions",
                          [](const Node& n) { return n.op().attr_ints("kernel_shape").size() == 2; }};
const Condition kCeilModeOff{"with ceil_mode 0", [](const Node& n) { return n.attr("ceil_mode", 0) == 0; }};
const Condition kNoDilations{"without dilations", [](const Node& n) { return ones(n.op().attr_ints("dilations")); }};
const Condition kRowMajorIndices{"with storage_order 0", [](const Node& n) { return n.attr("storage_order", 0) == 0; }};
const Condition kCastTypes{"between float32, float16, int32, int64 and bool", [](const Node& n) {
                             return !n.ml_program() || (has_cast_type(n.type(0)) &&
                                                        has_cast_type(n.context().graph.at(n.op().outputs[0]).type));
                           }};
const Condition kCastProduced{"behind another node", [](const Node& n) { return n.producer(0).has_value(); }};
const Condition kCastNetwork{"to int32 behind an ArgMax in a NeuralNetwork", follows_argmax};
const Condition kArgMaxLast{"with select_last_index 0",
                            [](const Node& n) { return n.attr("select_last_index", 0) == 0; }};
const Condition kArgMaxReaders{
    "with one reader, which may cast to int32 alone (a NeuralNetwork: with several, none "
    "of which casts to int32, too)",
    argmax_readers};
const Condition kSameTypes{"with inputs of one type", [](const Node& n) { return n.elem(0) == n.elem(1); }};
const Condition kBothBoolean{"for booleans", [](const Node& n) { return n.elem(1) == ElemType::boolean; }};
const Condition kBranchTypes{"between float32 or float16 branches",
                             [](const Node& n) { return is_wide_or_half(n.elem(1)) && is_wide_or_half(n.elem(2)); }};
const Condition kGemmPlain{"with transA 0, alpha 1 and beta 1", [](const Node& n) {
                             return n.attr("transA", 0) == 0 && n.op().attr_float("alpha", 1) == 1 &&
                                    n.op().attr_float("beta", 1) == 1;
                           }};
const Condition kGemmBias{"with a constant C of shape [], [1], [N] or [1, N]", gemm_bias};
const Condition kMatMulNetwork{"of two matrices in a NeuralNetwork",
                               [](const Node& n) { return n.ml_program() || (n.rank(0) == 2 && n.rank(1) == 2); }};
const Condition kGridSample{
    "linear, and not with padding_mode reflection unless align_corners is 1", [](const Node& n) {
      return n.attr_is("mode", "linear", "linear") &&
             (!n.attr_is("padding_mode", "zeros", "reflection") || n.attr("align_corners", 0) != 0);
    }};
const Condition kLrnRank{"for arrays of three or four axes",
                         [](const Node& n) { return n.rank(0) == 3 || n.rank(0) == 4; }};
const Condition kStashType{"with stash_type 1", [](const Node& n) { return n.attr("stash_type", 1) == 1; }};
const Condition kPReluRank{"for arrays of three or four axes",
                           [](const Node& n) { return n.rank(0) == 3 || n.rank(0) == 4; }};
const Condition kPReluSlope{"with a constant slope of shape [C, 1, 1] or, for several channels, of one element",
                            prelu_slope};
const Condition kSoftmaxShape{"for arrays of known sizes that are not empty",
                              [](const Node& n) { return n.is_static(0) && !std::ranges::count(n.type(0).dims(), 0); }};
const Condition kReduceAxes{"with constant axes", [](const Node& n) { return n.constant_or_absent(1); }};
const Condition kReduceNetwork{"with axes, or noop_with_empty_axes 0, in a NeuralNetwork", [](const Node& n) {
                                 const auto axes = n.ints(1);
                                 return n.ml_program() || (axes && !axes->empty()) ||
                                        n.attr("noop_with_empty_axes", 0) == 0;
                               }};

}  // namespace assay::passes::provider

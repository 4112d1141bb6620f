// The QLinear operators of com.microsoft: the operands' codes as floats, an operator of ONNX on them, and its result as
// codes; what DequantizeLinear, that operator and QuantizeLinear give one after the other.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "ops/elementwise.h"
#include "ops/inner_op.h"
#include "ops/lower/families.h"
#include "ops/move.h"
#include "ops/quantised.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

constexpr size_t kChannels = 1;

/// (codes - zero point) * scale, codes at input `x`, the others behind it; in the compute type.
template <class T>
Result<ir::Tensor> dequantised(const KernelContext& c, size_t x) {
  ASSAY_TRY(const double scale, only_value(c, x + 1, "a scale"));
  ASSAY_TRY(const double zero, only_value(c, x + 2, "a zero point"));
  const num::Arith<T> arith(c.policy());
  ir::Tensor out = ir::Tensor::allocate(compute_type(c), c.in(x).dims());
  for_each_chunk(c.threads, static_cast<size_t>(out.size()), [&](size_t from, size_t to) {
    dequantise_run(arith, c.in(x), static_cast<int64_t>(from), to - from, static_cast<T>(scale), zero,
                   out.mutable_data<T>() + from);
  });
  return out;
}

// ---- Of one operand, element by element: what becomes of each code is found once.

using Table = std::array<uint8_t, 256>;

/// `steps` takes all codes that input `x` may hold, as floats, to results; their codes by the bits of the code.
template <class T, class Steps>
Result<Table> table_of(const KernelContext& c, size_t x, size_t scale_input, const Steps& steps) {
  ASSAY_TRY(const double scale, only_value(c, x + 1, "a scale"));
  ASSAY_TRY(const double zero, only_value(c, x + 2, "a zero point"));
  ASSAY_TRY(const double to_scale, only_value(c, scale_input, "a scale"));
  ASSAY_TRY(const double to_zero, only_value(c, scale_input + 1, "a zero point"));
  const num::Arith<T> arith(c.policy());
  ir::Tensor codes = ir::Tensor::allocate(c.in(x).elem(), {256});
  for (size_t i = 0; i < 256; ++i) codes.mutable_bytes()[i] = static_cast<std::byte>(i);
  ir::Tensor values = ir::Tensor::allocate(compute_type(c), {256});
  dequantise_run(arith, codes, 0, 256, static_cast<T>(scale), zero, values.mutable_data<T>());
  ASSAY_TRY(ir::Tensor results, steps(std::move(values)));
  arith.div(results.data<T>(), static_cast<T>(to_scale), results.mutable_data<T>(), 256);
  ir::Tensor out = ir::Tensor::allocate(c.outputs[0].elem(), {256});
  store_quantised(out, 0, 256, results.data<T>(), to_zero);
  Table table;
  std::copy_n(out.data<uint8_t>(), 256, table.begin());
  return table;
}

/// The table of code x -> codes of the same number.
template <class Steps>
Result<Table> table_as_computed(const KernelContext& c, size_t x, size_t scale_input, const Steps& steps) {
  return computes_float64(c) ? table_of<double>(c, x, scale_input, steps) : table_of<float>(c, x, scale_input, steps);
}

/// Eight codes at a time.
void look_up(const Table& table, const ir::Tensor& from, ir::Tensor& to, const Threads& threads) {
  const auto* codes = from.data<uint8_t>();
  auto* out = to.mutable_data<uint8_t>();
  for_each_chunk(threads, static_cast<size_t>(from.size()), [&](size_t begin, size_t end) {
    size_t i = begin;
    for (; i + 8 <= end; i += 8) {
      uint64_t eight = 0, found = 0;
      std::memcpy(&eight, codes + i, 8);
      for (int k = 0; k < 64; k += 8) found |= uint64_t{table[eight >> k & 0xff]} << k;
      std::memcpy(out + i, &found, 8);
    }
    for (; i < end; ++i) out[i] = table[codes[i]];
  });
}

bool changes_nothing(const Table& table) {
  for (size_t i = 0; i < table.size(); ++i)
    if (table[i] != i) return false;
  return true;
}

/// Output 0: the codes of `values` under the scale at input `scale` and the zero point behind it.
template <class T>
Status quantise(KernelContext& c, ir::Tensor values, size_t scale_input) {
  ASSAY_TRY(const double scale, only_value(c, scale_input, "a scale"));
  ASSAY_TRY(const double zero, only_value(c, scale_input + 1, "a zero point"));
  if (values.size() != c.out(0).size()) return c.fail(Code::internal, "the result has another shape");
  const num::Arith<T> arith(c.policy());
  T* x = values.mutable_data<T>();
  for_each_chunk(c.threads, static_cast<size_t>(values.size()), [&](size_t from, size_t to) {
    arith.div(x + from, static_cast<T>(scale), x + from, to - from);
    store_quantised(c.out(0), static_cast<int64_t>(from), to - from, x + from, zero);
  });
  return {};
}

/// An operator of com.microsoft as one of ONNX.
struct Form {
  std::string_view type;          ///< of the operator in ONNX
  std::span<const size_t> codes;  ///< inputs that are codes, each with its scale and zero point behind it
  size_t scale;                   ///< input that is the result's scale, its zero point behind it
  bool condition = false;         ///< input 0 enters as it is
  size_t result = 0;              ///< input that says the result's type
};

template <class T>
Result<ir::Tensor> apply(const KernelContext& c, const Form& form, std::span<const size_t> codes) {
  InnerOp op(c, form.type);
  for (const ir::Attr& a : c.op.attrs) op.attr(a.name, a.value);
  if (form.condition) op.in(c.in(0));
  for (const size_t i : codes) {
    ASSAY_TRY(ir::Tensor x, dequantised<T>(c, i));
    op.in(std::move(x));
  }
  if (form.type == "ReduceMean" && c.op.has_attr("axes")) op.in(ir::Tensor::of_ints(c.op.attr_ints("axes")));
  return op.run();
}

Status eval_form(KernelContext& c, const Form& form) {
  ASSAY_CHECK(allocate_outputs(c));
  if (computes_float64(c)) {
    ASSAY_TRY(ir::Tensor y, apply<double>(c, form, form.codes));
    return quantise<double>(c, std::move(y), form.scale);
  }
  ASSAY_TRY(ir::Tensor y, apply<float>(c, form, form.codes));
  return quantise<float>(c, std::move(y), form.scale);
}

Status infer_form(InferContext& c, const Form& form) {
  std::vector<size_t> inputs;
  if (form.condition) inputs.push_back(0);
  inputs.insert(inputs.end(), form.codes.begin(), form.codes.end());
  const bool has_axes = form.type == "ReduceMean" && c.op().has_attr("axes");
  const ir::Tensor axes = has_axes ? ir::Tensor::of_ints(c.op().attr_ints("axes")) : ir::Tensor();
  ASSAY_TRY(const ir::Type type, infer_as(c, form.type, inputs, has_axes ? &axes : nullptr));
  c.set(0, c.elem(form.result), type.shape);
  return {};
}

constexpr size_t kOne[] = {0}, kTwo[] = {0, 3}, kBehindCondition[] = {1, 4};
constexpr Form kAddForm{"Add", kTwo, 6}, kMulForm{"Mul", kTwo, 6}, kSigmoidForm{"Sigmoid", kOne, 3},
    kLeakyForm{"LeakyRelu", kOne, 3}, kAverageForm{"AveragePool", kOne, 3}, kGlobalForm{"GlobalAveragePool", kOne, 3},
    kMeanForm{"ReduceMean", kOne, 3}, kWhereForm{"Where", kBehindCondition, 7, true, 1};

template <const Form& kForm>
Status eval_unary(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const Table table, table_as_computed(c, 0, kForm.scale, [&](ir::Tensor x) {
              InnerOp op(c, kForm.type);
              for (const ir::Attr& a : c.op.attrs) op.attr(a.name, a.value);
              return op.in(std::move(x)).run();
            }));
  look_up(table, c.in(0), c.out(0), c.threads);
  return {};
}

// ---- Add and Mul of one shape: piece by piece, while it is at hand.

template <class T>
Status combine(KernelContext& c, const Form& form) {
  double scales[3], zeros[3];
  const size_t at[3] = {form.codes[0] + 1, form.codes[1] + 1, form.scale};
  for (size_t i = 0; i < 3; ++i) {
    ASSAY_TRY(scales[i], only_value(c, at[i], "a scale"));
    ASSAY_TRY(zeros[i], only_value(c, at[i] + 1, "a zero point"));
  }
  const num::Arith<T> arith(c.policy());
  const ir::Tensor &a = c.in(form.codes[0]), &b = c.in(form.codes[1]);
  const bool adds = form.type == "Add";
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    T x[kChunk], y[kChunk];
    for (size_t i = from; i < to; i += kChunk) {
      const size_t n = std::min(kChunk, to - i);
      const auto begin = static_cast<int64_t>(i);
      dequantise_run(arith, a, begin, n, static_cast<T>(scales[0]), zeros[0], x);
      dequantise_run(arith, b, begin, n, static_cast<T>(scales[1]), zeros[1], y);
      adds ? arith.add(x, y, x, n) : arith.mul(x, y, x, n);
      arith.div(x, static_cast<T>(scales[2]), x, n);
      store_quantised(c.out(0), begin, n, x, zeros[2]);
    }
  });
  return {};
}

template <const Form& kForm>
Status eval_binary(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Dims& dims = c.out(0).dims();
  if (c.in(kForm.codes[0]).dims() != dims || c.in(kForm.codes[1]).dims() != dims) return eval_form(c, kForm);
  return computes_float64(c) ? combine<double>(c, kForm) : combine<float>(c, kForm);
}

template <const Form& kForm>
Status infer(InferContext& c) {
  return infer_form(c, kForm);
}
template <const Form& kForm>
Status eval(KernelContext& c) {
  return eval_form(c, kForm);
}

// ---- Concat: any number of operands.

/// Inputs that are codes: 2, 5, 8 and so on.
std::vector<size_t> parts(size_t inputs) {
  std::vector<size_t> out;
  for (size_t i = 2; i + 2 < inputs; i += 3) out.push_back(i);
  return out;
}
Status infer_concat(InferContext& c) {
  if (c.input_count() < 5 || (c.input_count() - 2) % 3 != 0)
    return c.fail("qlinear_concat_c1", std::to_string(c.input_count()) + " inputs, not 2 and 3 for each operand");
  for (size_t i = 2; i < c.input_count(); ++i)
    if (ir::is_float(c.elem(i)) != (i % 3 == 0))
      return c.fail("qlinear_concat_c2", "input " + std::to_string(i) + " is " + std::string(ir::elem_name(c.elem(i))));
  const std::vector<size_t> codes = parts(c.input_count());
  return infer_form(c, Form{"Concat", codes, 0, false, 1});
}
/// The operands as codes of the result, one behind the other.
Status eval_concat(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  InnerOp op(c, "Concat");
  for (const ir::Attr& a : c.op.attrs) op.attr(a.name, a.value);
  for (const size_t i : parts(c.input_count())) {
    ASSAY_TRY(const Table table,
              table_as_computed(c, i, 0, [](ir::Tensor x) { return Result<ir::Tensor>(std::move(x)); }));
    if (changes_nothing(table) && c.in(i).elem() == c.out(0).elem()) {
      op.in(c.in(i));
      continue;
    }
    ir::Tensor codes = ir::Tensor::allocate(c.out(0).elem(), c.in(i).dims());
    look_up(table, c.in(i), codes, c.threads);
    op.in(std::move(codes));
  }
  ASSAY_TRY(const ir::Tensor joined, op.run());
  copy_run(joined, 0, c.out(0), 0, joined.size());
  return {};
}

// ---- Softmax: before operator set 13 all axes from `axis` on were one.

Status infer_softmax(InferContext& c) {
  const int64_t axis = c.op().attr_int("axis", c.op().attr_int("opset", 13) < 13 ? 1 : -1);
  if (c.ranked(0)) ASSAY_CHECK(c.axis(axis, c.rank(0), "qlinear_softmax_c1"));
  c.set(0, c.type(0));
  return {};
}
template <class T>
Status softmax(KernelContext& c) {
  ASSAY_TRY(ir::Tensor x, dequantised<T>(c, 0));
  const bool flat = c.op.attr_int("opset", 13) < 13;
  const ir::Dims dims = x.dims();
  int64_t axis = normal_axis(c.op.attr_int("axis", flat ? 1 : -1), x.rank());
  if (axis < 0) return axis_error(c, c.op.attr_int("axis", flat ? 1 : -1), x.rank());
  if (flat) {
    const int64_t outer = volume({dims.begin(), dims.begin() + axis});
    x = x.reshaped({outer, volume({dims.begin() + axis, dims.end()})});
    axis = 1;
  }
  ASSAY_TRY(ir::Tensor y, InnerOp(c, "Softmax").attr("axis", axis).in(std::move(x)).run());
  return quantise<T>(c, y.reshaped(dims), 3);
}
Status eval_softmax(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  return computes_float64(c) ? softmax<double>(c) : softmax<float>(c);
}

// ---- Channels last: codes are moved to where ONNX has them, and back.

Status transposed(UpgradeContext& c) {
  const bool last = c.op.attr_int("channels_last", 0) != 0;
  c.op.remove_attr("channels_last");
  if (!last || !c.op.has_input(0) || c.op.outputs.empty()) return {};  // the signature says what is missing
  const ir::Type type = c.type(0);
  if (!type.ranked() || type.shape->size() < 3)
    return c.fail("channels_last of an input whose rank is not known, or below 3");
  const auto rank = static_cast<int64_t>(type.shape->size());
  ir::Dims to{0, rank - 1}, back{0};
  for (int64_t i = 1; i + 1 < rank; ++i) to.push_back(i), back.push_back(i + 1);
  back.push_back(kChannels);
  ir::Op first{.domain = {}, .type = "Transpose", .name = {}, .inputs = {c.op.inputs[0]}};
  first.set_attr("perm", to);
  c.op.inputs[0] = c.insert_before(std::move(first), ir::Type::tensor(type.elem));
  const ir::ValueId result = c.op.outputs[0];
  c.op.outputs[0] = c.graph.add_value(c.graph.fresh_name(c.op.type), ir::Type::tensor(type.elem));
  ir::Op second{.domain = {}, .type = "Transpose", .name = {}, .inputs = {c.op.outputs[0]}, .outputs = {result}};
  second.set_attr("perm", back);
  c.after.push_back(std::move(second));
  return {};
}
Status to_onnx(UpgradeContext& c) {
  ASSAY_CHECK(transposed(c));
  c.op.domain.clear();
  c.version = 10;
  return {};
}

constexpr ir::TypeSet kFloat32 = type_set(ir::ElemType::float32);
constexpr uint8_t kMaybe = kOptional;
constexpr In kUnaryIn[] = {{"X", kCodes8},
                           {"X_scale", kFloat32, kExempt},
                           {"X_zero_point", kCodes8, kMaybe},
                           {"Y_scale", kFloat32, kExempt},
                           {"Y_zero_point", kCodes8, kMaybe}};
constexpr In kBinaryIn[] = {{"A", kCodes8},
                            {"A_scale", kFloat32, kExempt},
                            {"A_zero_point", kCodes8, kMaybe},
                            {"B", kCodes8},
                            {"B_scale", kFloat32, kExempt},
                            {"B_zero_point", kCodes8, kMaybe},
                            {"C_scale", kFloat32, kExempt},
                            {"C_zero_point", kCodes8, kMaybe}};
constexpr In kWhereIn[] = {{"condition", kBool},
                           {"X", kCodes8},
                           {"x_scale", kFloat32, kExempt},
                           {"x_zero_point", kCodes8, kMaybe},
                           {"Y", kCodes8},
                           {"y_scale", kFloat32, kExempt},
                           {"y_zero_point", kCodes8, kMaybe},
                           {"z_scale", kFloat32, kExempt},
                           {"z_zero_point", kCodes8, kMaybe}};
constexpr In kConcatIn[] = {
    {"Y_scale", kFloat32, kExempt}, {"Y_zero_point", kCodes8}, {"inputs", kCodes8 | kFloat32, kVariadic | kExempt}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kLeakyAttrs[] = {{"alpha", "0.01"}};
constexpr AttrDoc kPoolAttrs[] = {{"auto_pad", "NOTSET"},     {"ceil_mode", "0"},   {"channels_last", "0"},
                                  {"count_include_pad", "0"}, {"kernel_shape", ""}, {"pads", "0s"},
                                  {"strides", "1s"}};
constexpr AttrDoc kGlobalAttrs[] = {{"channels_last", "0"}};
constexpr AttrDoc kMeanAttrs[] = {{"axes", "all"}, {"keepdims", "1"}};
constexpr AttrDoc kConcatAttrs[] = {{"axis", ""}};
constexpr AttrDoc kSoftmaxAttrs[] = {{"axis", "-1; 1 before opset 13"}, {"opset", ""}};
constexpr std::span<const AttrDoc> kNoAttrs{};
constexpr num::Function kExp[] = {num::Function::exp};
constexpr std::span<const num::Function> kNoCalls{};
constexpr Upgrade kChannelsLast[] = {{1 << 30, transposed}};
constexpr std::span<const Upgrade> kNoRules{};
constexpr Upgrade kToOnnx[] = {{1 << 30, to_onnx}};
constexpr std::string_view kMilSays = "cast, sub, mul; the operator; real_div, round, clip, cast";
constexpr std::string_view kNnSays = "the operator between arithmetic layers; floor, comparisons, clip";

}  // namespace

#define ASSAY_ROW(row, onnx, inputs, attributes, sums, calls, rules, infers, evals, sentence, mil, nn) \
  extern const OpDef row = {                                                                           \
      .domain = "com.microsoft",                                                                       \
      .name = onnx,                                                                                    \
      .since = 1,                                                                                      \
      .doc = sentence,                                                                                 \
      .in = inputs,                                                                                    \
      .out = kOut,                                                                                     \
      .attrs = attributes,                                                                             \
      .mixed = true,                                                                                   \
      .numeric = Numeric::convert,                                                                     \
      .accumulates = sums,                                                                             \
      .elementary = calls,                                                                             \
      .upgrades = rules,                                                                               \
      .infer = infers,                                                                                 \
      .eval = evals,                                                                                   \
      .to_mil = mil,                                                                                   \
      .to_nn = nn,                                                                                     \
  };
ASSAY_ROW(kMicrosoftQLinearAdd, "QLinearAdd", kBinaryIn, kNoAttrs, "", kNoCalls, kNoRules, infer<kAddForm>,
          eval_binary<kAddForm>, "Add of what the codes stand for, as codes.",
          (Lowering<MilContext>{qlinear_add_to_mil, kMilSays}), (Lowering<NnContext>{qlinear_add_to_nn, kNnSays}))
ASSAY_ROW(kMicrosoftQLinearAveragePool, "QLinearAveragePool", kUnaryIn, kPoolAttrs, "elements of each window", kNoCalls,
          kChannelsLast, infer<kAverageForm>, eval<kAverageForm>, "AveragePool of what the codes stand for, as codes.",
          (Lowering<MilContext>{qlinear_average_pool_to_mil, kMilSays}),
          (Lowering<NnContext>{qlinear_average_pool_to_nn, kNnSays}))
ASSAY_ROW(kMicrosoftQLinearConcat, "QLinearConcat", kConcatIn, kConcatAttrs, "", kNoCalls, kNoRules, infer_concat,
          eval_concat, "Concat of what the codes stand for, as codes.",
          (Lowering<MilContext>{qlinear_concat_to_mil, kMilSays}), (Lowering<NnContext>{qlinear_concat_to_nn, kNnSays}))
ASSAY_ROW(kMicrosoftQLinearGlobalAveragePool, "QLinearGlobalAveragePool", kUnaryIn, kGlobalAttrs,
          "elements of each channel", kNoCalls, kChannelsLast, infer<kGlobalForm>, eval<kGlobalForm>,
          "GlobalAveragePool of what the codes stand for, as codes.",
          (Lowering<MilContext>{qlinear_global_average_pool_to_mil, kMilSays}),
          (Lowering<NnContext>{qlinear_global_average_pool_to_nn, kNnSays}))
ASSAY_ROW(kMicrosoftQLinearLeakyRelu, "QLinearLeakyRelu", kUnaryIn, kLeakyAttrs, "", kNoCalls, kNoRules,
          infer<kLeakyForm>, eval_unary<kLeakyForm>, "LeakyRelu of what the codes stand for, as codes.",
          (Lowering<MilContext>{qlinear_leaky_relu_to_mil, kMilSays}),
          (Lowering<NnContext>{qlinear_leaky_relu_to_nn, kNnSays}))
ASSAY_ROW(kMicrosoftQLinearMul, "QLinearMul", kBinaryIn, kNoAttrs, "", kNoCalls, kNoRules, infer<kMulForm>,
          eval_binary<kMulForm>, "Mul of what the codes stand for, as codes.",
          (Lowering<MilContext>{qlinear_mul_to_mil, kMilSays}), (Lowering<NnContext>{qlinear_mul_to_nn, kNnSays}))
ASSAY_ROW(kMicrosoftQLinearReduceMean, "QLinearReduceMean", kUnaryIn, kMeanAttrs, "reduced elements", kNoCalls,
          kNoRules, infer<kMeanForm>, eval<kMeanForm>, "ReduceMean of what the codes stand for, as codes.",
          (Lowering<MilContext>{qlinear_reduce_mean_to_mil, kMilSays}),
          (Lowering<NnContext>{qlinear_reduce_mean_to_nn, kNnSays}))
ASSAY_ROW(kMicrosoftQLinearSigmoid, "QLinearSigmoid", kUnaryIn, kNoAttrs, "", kExp, kNoRules, infer<kSigmoidForm>,
          eval_unary<kSigmoidForm>, "Sigmoid of what the codes stand for, as codes.",
          (Lowering<MilContext>{qlinear_sigmoid_to_mil, kMilSays}),
          (Lowering<NnContext>{qlinear_sigmoid_to_nn, kNnSays}))
ASSAY_ROW(kMicrosoftQLinearSoftmax, "QLinearSoftmax", kUnaryIn, kSoftmaxAttrs, "exponentials along the axis", kExp,
          kNoRules, infer_softmax, eval_softmax, "Softmax of what the codes stand for, as codes.",
          (Lowering<MilContext>{qlinear_softmax_to_mil, kMilSays}),
          (Lowering<NnContext>{qlinear_softmax_to_nn, kNnSays}))
ASSAY_ROW(kMicrosoftQLinearWhere, "QLinearWhere", kWhereIn, kNoAttrs, "", kNoCalls, kNoRules, infer<kWhereForm>,
          eval<kWhereForm>, "Where of what the codes stand for, as codes.",
          (Lowering<MilContext>{qlinear_where_to_mil, kMilSays}), (Lowering<NnContext>{qlinear_where_to_nn, kNnSays}))
#undef ASSAY_ROW

extern const OpDef kMicrosoftQLinearConv = {
    .domain = "com.microsoft",
    .name = "QLinearConv",
    .since = 1,
    .doc = "QLinearConv of ONNX, channels last where it says so.",
    .attrs = kGlobalAttrs,
    .upgrades = kToOnnx,
    .to_mil = {nullptr, "read as ONNX's"},
    .to_nn = {nullptr, "read as ONNX's"},
};

}  // namespace assay::ops

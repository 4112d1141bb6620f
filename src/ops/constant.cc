// Constant, ConstantOfShape and EyeLike: tensors from attributes.
#include <algorithm>

#include "ops/lower/move_nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

using ir::ElemType;
using ir::Tensor;

/// Whichever of Constant's attributes is given. Importers turn Constant nodes into constants with it.
std::optional<Tensor> constant_value(const ir::Op& op) {
  const auto length = [](const auto& v) { return ir::Dims{static_cast<int64_t>(v.size())}; };
  for (const ir::Attr& a : op.attrs) {
    if (const auto* t = std::get_if<Tensor>(&a.value)) return *t;
    if (const auto* f = std::get_if<float>(&a.value)) return Tensor::scalar(*f);
    if (const auto* i = std::get_if<int64_t>(&a.value)) return Tensor::scalar(*i);
    if (const auto* s = std::get_if<std::string>(&a.value)) return Tensor::of_strings({}, {*s});
    if (const auto* v = std::get_if<std::vector<int64_t>>(&a.value)) return Tensor::of_ints(*v);
    if (const auto* v = std::get_if<std::vector<float>>(&a.value))
      return Tensor::of<float>(ElemType::float32, length(*v), *v);
    if (const auto* v = std::get_if<std::vector<std::string>>(&a.value)) return Tensor::of_strings(length(*v), *v);
  }
  return std::nullopt;
}

Status infer_constant(InferContext& c) {
  auto value = constant_value(c.op());
  if (!value) return c.fail("constant_c1", "no value attribute");
  c.set_constant(0, *std::move(value));
  return {};
}

Status eval_constant(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const auto value = constant_value(c.op);
  if (!value) return c.fail(Code::model_invalid, "no value attribute");
  copy_run(as_storage(*value, c.out(0).elem()), 0, c.out(0), 0, value->size());
  return {};
}

Status infer_of_shape(InferContext& c) {
  const Tensor* value = c.op().attr_tensor("value");
  if (value && value->size() != 1) return c.fail("constant_of_shape_c1", "value is not one element");
  const ElemType elem = value ? value->elem() : ElemType::float32;
  if (const auto dims = constant_ints(c, 0)) {
    ASSAY_CHECK(check_size(c, *dims));
    c.set(0, ir::Type::of(elem, *dims));
    return {};
  }
  std::optional<std::vector<ir::Dim>> shape;
  if (c.ranked(0) && c.rank(0) == 1 && c.shape(0)[0].known() && c.shape(0)[0].value <= 64)
    shape.emplace(static_cast<size_t>(c.shape(0)[0].value));
  c.set(0, elem, std::move(shape));
  return {};
}

Status eval_of_shape(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const Tensor* value = c.op.attr_tensor("value");
  fill_run(as_storage(value ? *value : Tensor::scalar(0.0F), c.out(0).elem()), 0, c.out(0), 0, c.out(0).size());
  return {};
}

Status infer_eye(InferContext& c) {
  const auto dtype = ir::elem_from_onnx(c.op().attr_int("dtype", static_cast<int64_t>(c.elem(0))));
  if (!dtype) return c.fail("eye_like_c1", "unknown dtype");
  if (c.ranked(0) && c.rank(0) != 2) return c.fail("eye_like_c2", "the input is not a matrix");
  c.set(0, *dtype, c.type(0).shape);
  return {};
}

Status eval_eye(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  Tensor& out = c.out(0);
  const int64_t k = c.op.attr_int("k", 0), columns = out.dims()[1];
  Tensor one = Tensor::allocate(out.elem(), {2});
  const bool is_float = ir::is_float(out.elem());
  for (const int64_t i : {0, 1}) is_float ? one.set_float(i, static_cast<double>(i)) : one.set_int(i, i);
  fill_run(one, 0, out, 0, out.size());
  for (int64_t i = 0; i < out.dims()[0]; ++i) {
    int64_t j = 0;
    if (!__builtin_add_overflow(i, k, &j) && j >= 0 && j < columns) copy_run(one, 1, out, i * columns + j, 1);
  }
  return {};
}

/// Constants are written where they are read.
template <class Context>
Status constant_written(Context& c) {
  return c.status();
}

/// Fill value and shape; types that fill does not take are cast behind it.
Status of_shape_to_mil(MilContext& c) {
  if (!c.out_type().ranked()) return c.refuse("the rank of the result is known only at run time");
  const Tensor* given = c.op.attr_tensor("value");
  const Tensor value = given ? given->reshaped({}) : Tensor::scalar(0.0F);
  ASSAY_TRY(mil::Value one, mil_constant(value, c.precision()));
  if (c.out_type().shape->empty()) return c.result(c.constant_value(std::move(one)));
  const mil::DataType type = one.type.data;
  const bool taken = mil::is_float(type) || type == mil::DataType::int32 || type == mil::DataType::boolean;
  if (!taken) one = mil::of_int(static_cast<int32_t>(value.int_at(0)));
  MilArg shape = MilContext::ints({});
  if (c.out_type().is_static()) {
    shape = MilContext::ints(c.out_type().dims());
  } else {
    ASSAY_TRY(shape, operand(c, 0, kTakesNumbers));
  }
  return emit_carried(c, "fill", {{"shape", std::move(shape)}, {"value", std::move(one)}},
                      taken ? type : mil::DataType::int32);
}

/// The matrix itself where its shape is known.
Tensor eye(ElemType elem, const ir::Dims& dims, int64_t k) {
  Tensor out = Tensor::allocate(elem, dims);
  std::fill_n(out.mutable_bytes(), out.byte_size(), std::byte{0});
  for (int64_t i = 0; i < dims[0]; ++i) {
    int64_t j = 0;
    if (__builtin_add_overflow(i, k, &j) || j < 0 || j >= dims[1]) continue;
    ir::is_float(elem) ? out.set_float(i * dims[1] + j, 1) : out.set_int(i * dims[1] + j, 1);
  }
  return out;
}

Status eye_to_mil(MilContext& c) {
  if (!c.is_static(0)) return c.refuse("the extents of the matrix are known only at run time");
  const Tensor matrix = eye(c.out_type().elem, c.out_type().dims(), c.op.attr_int("k", 0));
  ASSAY_TRY(mil::Value held, mil_constant(matrix, c.precision()));
  return c.result(c.constant_value(std::move(held)));
}

Status of_shape_to_nn(NnContext& c) {
  if (!c.out_type().ranked()) return c.refuse("the rank of the result is known only at run time");
  const Tensor* given = c.op.attr_tensor("value");
  const Tensor value = given ? given->reshaped({1}) : Tensor::scalar(0.0F);
  ASSAY_TRY(const mil::Weights exact, nn_weights(value));  // an error where a layer does not hold the value
  if (c.out_type().shape->empty()) return c.result(c.constant_blob(value));
  const bool whole = !ir::is_float(value.elem());
  const double fill = whole ? static_cast<double>(value.int_at(0)) : value.float_at(0);
  if (!c.out_type().is_static()) return c.layer("fillDynamic", {c.in(0)}, c.params("fillDynamic").set("value", fill));
  return c.layer("fillStatic", {}, c.params("fillStatic").set("value", fill).set("targetShape", c.out_type().dims()));
}

Status eye_to_nn(NnContext& c) {
  if (!c.is_static(0)) return c.refuse("the extents of the matrix are known only at run time");
  return c.result(c.constant_blob(eye(c.out_type().elem, c.out_type().dims(), c.op.attr_int("k", 0))));
}

constexpr In kOfShapeIn[] = {{"input", kInt64}};
constexpr In kEyeIn[] = {{"input", kNumbers | kBool}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kConstantAttrs[] = {{"value", "-"},        {"value_float", "-"}, {"value_floats", "-"},
                                      {"value_int", "-"},    {"value_ints", "-"},  {"value_string", "-"},
                                      {"value_strings", "-"}};
constexpr AttrDoc kOfShapeAttrs[] = {{"value", "float32 0"}};
constexpr AttrDoc kEyeAttrs[] = {{"dtype", "-"}, {"k", "0"}};

}  // namespace

extern const OpDef kConstant = {
    .name = "Constant",
    .since = 25,
    .doc = "The tensor in its attribute; the importer makes it a constant of the graph.",
    .out = kOut,
    .attrs = kConstantAttrs,
    .infer = infer_constant,
    .eval = eval_constant,
    .to_mil = {constant_written<MilContext>, "const"},
    .to_nn = {constant_written<NnContext>, "loadConstantND"},
};

extern const OpDef kConstantOfShape = {
    .name = "ConstantOfShape",
    .since = 25,
    .doc = "A tensor of the given shape, every element `value`.",
    .in = kOfShapeIn,
    .out = kOut,
    .attrs = kOfShapeAttrs,
    .infer = infer_of_shape,
    .eval = eval_of_shape,
    .to_mil = {of_shape_to_mil, "fill"},
    .to_nn = {of_shape_to_nn, "fillStatic; fillDynamic"},
};

extern const OpDef kEyeLike = {
    .name = "EyeLike",
    .since = 22,
    .doc = "Ones on the k-th diagonal of a matrix of the input's shape.",
    .in = kEyeIn,
    .out = kOut,
    .attrs = kEyeAttrs,
    .infer = infer_eye,
    .eval = eval_eye,
    .to_mil = {eye_to_mil, "const"},
    .to_nn = {eye_to_nn, "loadConstantND"},
};

}  // namespace assay::ops

// Cast and CastLike.
#include "ops/lower/rules.h"

namespace assay::ops {
namespace {

using ir::ElemType;

/// Whether every number of one integer type (or boolean) is one of the other.
bool holds_all(ElemType to, ElemType from) {
  if (from == ElemType::boolean) return true;
  const bool to_signed = ir::is_signed_integer(to), from_signed = ir::is_signed_integer(from);
  if (to_signed == from_signed) return ir::elem_bits(to) >= ir::elem_bits(from);
  return to_signed && ir::elem_bits(to) > ir::elem_bits(from);
}

bool is_index(ElemType type) { return type == ElemType::int32 || type == ElemType::int64; }

bool keeps_number(ElemType to, ElemType from) {
  return ir::is_integer(to) && !ir::is_float(from) && (holds_all(to, from) || (is_index(to) && is_index(from)));
}

constexpr char kWraps[] = "integers wrap around where they do not fit, which the format does not promise";

bool is_narrow(mil::DataType type) { return mil::data_type_bits(type) <= 16 && !mil::is_float(type); }

}  // namespace

/// Floats to integers: toward zero. What lies beyond the range is open in both vocabularies.
Status cast_to_mil(MilContext& c) {
  const ElemType to = c.out_type().elem, from = c.elem(0);
  auto wanted = mil_type(c.out_type());
  if (!wanted.ok()) return c.refuse(wanted.error().message);
  const MilValue x = c.in(0);
  ASSAY_CHECK(c.status());
  mil::DataType type = to == ElemType::float32 ? c.builder.precision() : wanted->data;
  if (ir::is_integer(to) && !ir::is_float(from) && !keeps_number(to, from)) return c.refuse(kWraps);
  if (type == x.data()) return c.result(x);
  const bool narrow = (is_narrow(type) && type != mil::DataType::boolean) ||
                      (is_narrow(x.data()) && x.data() != mil::DataType::boolean);
  if (narrow) c.need(8, "casts of 8 and 16 bit integers");
  return c.emit("cast", {{"x", x}, {"dtype", mil::of_text(std::string(mil::data_type_row(type)->word))}});
}

Status cast_to_nn(NnContext& c) {
  const ElemType to = c.out_type().elem, from = c.elem(0);
  // Layers never round to float16: a float16 value has come as one, and is the same number in float32.
  if (from == ElemType::float16 && to == ElemType::float32) return c.result(c.in(0));
  for (const ElemType type : {to, from})
    if (type != ElemType::float32 && type != ElemType::boolean && !ir::is_integer(type))
      return c.refuse("layers have no " + std::string(ir::elem_name(type)) + " to round to");
  const std::string x = c.in(0);
  if (to == ElemType::boolean)
    return from == ElemType::boolean ? c.result(x) : c.layer("notEqual", {x}, c.params("notEqual").set("alpha", 0.0));
  if (from == ElemType::boolean || (to == ElemType::float32 && from == ElemType::float32)) return c.result(x);
  // An integer may stand there as -0 (the product of 0 and -1); as a float it is +0.
  if (to == ElemType::float32) return c.layer("addBroadcastable", {x, c.number(0)});
  if (from == ElemType::float32) return c.result(nn_truncated(c, x));
  return keeps_number(to, from) ? c.result(x) : c.refuse(kWraps);
}

}  // namespace assay::ops

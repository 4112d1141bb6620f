// Optionals: lists of one value, a tensor or a sequence, or of none. Nothing is rounded.
#include "ops/move.h"
#include "ops/sequence.h"

namespace assay::ops {
namespace {

using ir::Type;

Status infer_optional(InferContext& c) {
  const ir::AttrValue* declared = c.op().find_attr("type");
  const Type* type = declared ? std::get_if<Type>(declared) : nullptr;
  if (!c.has(0) && !type) return c.fail("optional_c1", "neither an input nor attribute 'type'");
  c.set(0, Type::optional_of(c.has(0) ? c.type(0) : *type));
  return {};
}

Status eval_optional(KernelContext& c) {
  std::vector<ir::Tensor> items;
  if (c.has(0)) items.push_back(as_item(c, c.in(0)));
  c.out(0) = ir::Tensor::of_items(std::move(items));
  return {};
}

bool is_optional(const Type& type) { return type.kind == Type::Kind::optional; }

Status infer_get(InferContext& c) {
  c.set(0, is_optional(c.type(0)) ? *c.type(0).element : c.type(0));
  return {};
}

/// The output, in the memory that it has where its type was known before.
void give(KernelContext& c, ir::Tensor value) {
  if (c.out(0).empty_handle())
    c.out(0) = std::move(value);
  else
    copy_run(value, 0, c.out(0), 0, value.size());
}

Status eval_get(KernelContext& c) {
  const ir::Tensor* value = &c.in(0);
  if (is_optional(c.graph.at(c.op.inputs[0]).type)) {
    if (value->items().empty()) return c.fail(Code::value_range, "the optional holds nothing");
    value = &value->items()[0];
  }
  give(c, as_item(c, *value));
  return {};
}

Status infer_has(InferContext& c) {
  c.set(0, Type::of(ir::ElemType::boolean, {}));
  return {};
}

Status eval_has(KernelContext& c) {
  const bool empty = !c.has(0) || (is_optional(c.graph.at(c.op.inputs[0]).type) && c.in(0).items().empty());
  ir::Tensor has = ir::Tensor::allocate(ir::ElemType::boolean, {});
  has.set_int(0, empty ? 0 : 1);
  give(c, std::move(has));
  return {};
}

constexpr std::string_view kNoOptionals = "Core ML has no optional values inside a program";
constexpr In kOptionalIn[] = {{"input", kAnything | kSequences, kOptional}};
constexpr In kGetIn[] = {{"input", kAnything | kSequences | kOptionals}};
constexpr In kHasIn[] = {{"input", kAnything | kSequences | kOptionals, kOptional}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kOptionalAttrs[] = {{"type", "-"}};

}  // namespace

// The name without the suffix is that of the flag.
extern const OpDef kOptionalOp = {
    .name = "Optional",
    .since = 15,
    .doc = "An optional that holds the input, or nothing of the given type.",
    .in = kOptionalIn,
    .out = kOut,
    .attrs = kOptionalAttrs,
    .infer = infer_optional,
    .eval = eval_optional,
    .to_mil = {nullptr, kNoOptionals},
    .to_nn = {nullptr, kNoOptionals},
};

extern const OpDef kOptionalGetElement = {
    .name = "OptionalGetElement",
    .since = 18,
    .doc = "What an optional holds; what is no optional is its own value.",
    .in = kGetIn,
    .out = kOut,
    .infer = infer_get,
    .eval = eval_get,
    .to_mil = {nullptr, kNoOptionals},
    .to_nn = {nullptr, kNoOptionals},
};

extern const OpDef kOptionalHasElement = {
    .name = "OptionalHasElement",
    .since = 18,
    .doc = "Whether an optional holds something.",
    .in = kHasIn,
    .out = kOut,
    .infer = infer_has,
    .eval = eval_has,
    .to_mil = {nullptr, kNoOptionals},
    .to_nn = {nullptr, kNoOptionals},
};

}  // namespace assay::ops

#include "ops/kernel.h"
#include "ops/lower/families.h"
#include "ops/nested.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  ASSAY_CHECK(one_element(c, c.type(0), ir::ElemType::boolean, "the condition"));
  const ir::Tensor* known = c.constant(0);
  ASSAY_TRY(const ir::Graph* then_branch, nested_graph(c, "then_branch", 0, c.output_count()));
  ASSAY_TRY(const ir::Graph* else_branch, nested_graph(c, "else_branch", 0, c.output_count()));
  for (size_t i = 0; i < c.output_count(); ++i) {
    const ir::Type &when_true = nested_output(*then_branch, i), &when_false = nested_output(*else_branch, i);
    const auto either = join_types(when_true, when_false);
    if (!either)
      return c.fail("if_c1", "output " + std::to_string(i) + " is " + to_string(when_true) + " in one branch, " +
                                 to_string(when_false) + " in the other");
    c.set(i, !known ? *either : known->int_at(0) != 0 ? when_true : when_false);
  }
  return {};
}

Status eval(KernelContext& c) {
  if (c.in(0).size() != 1)
    return c.fail(Code::value_range, "the condition has " + std::to_string(c.in(0).size()) + " elements, not one");
  ASSAY_TRY(std::vector<ir::Tensor> results, c.run_nested(c.in(0).int_at(0) != 0 ? "then_branch" : "else_branch", {}));
  for (size_t i = 0; i < c.outputs.size(); ++i) c.outputs[i] = std::move(results[i]);
  return {};
}

constexpr In kIn[] = {{"cond", kBool, kExempt}};
constexpr Out kOut[] = {{"outputs", kVariadic}};
constexpr AttrDoc kAttrs[] = {{"then_branch", ""}, {"else_branch", ""}};

}  // namespace

extern const OpDef kIf = {
    .name = "If",
    .since = 25,
    .doc = "The results of one of two nested graphs, which a condition chooses; only that one runs.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {if_to_mil, "cond"},
    .to_nn = {if_to_nn, "branch"},
};

}  // namespace assay::ops

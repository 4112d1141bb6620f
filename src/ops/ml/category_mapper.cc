#include <algorithm>

#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/features.h"
#include "ops/ml/lookup.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

struct Categories {
  std::vector<std::string> strings;
  std::vector<int64_t> integers;
};
Categories categories_of(const ir::Op& op) { return {op.attr_strings("cats_strings"), op.attr_ints("cats_int64s")}; }

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const Categories cats = categories_of(c.op);
  const auto strings = ir::Tensor::of_strings({static_cast<int64_t>(cats.strings.size())}, cats.strings);
  const auto integers = ir::Tensor::of_ints(cats.integers);
  const bool from_text = c.in(0).elem() == ir::ElemType::string;
  const Lookup lookup(from_text ? strings : integers);
  const ir::Tensor& values = from_text ? integers : strings;
  const ir::Tensor fallback = from_text ? ir::Tensor::of_ints({c.op.attr_int("default_int64", -1)})
                                        : ir::Tensor::of_strings({1}, {c.op.attr_string("default_string", "_Unused")});
  for (int64_t i = 0; i < c.in(0).size(); ++i) {
    const int64_t at = lookup.find(c.in(0), i);
    copy_run(at < 0 ? fallback : values, std::max<int64_t>(at, 0), c.out(0), i, 1);
  }
  return {};
}

Status infer(InferContext& c) {
  const Categories cats = categories_of(c.op());
  if (cats.strings.size() != cats.integers.size())
    return c.fail("categorymapper_c1", std::to_string(cats.strings.size()) + " strings for " +
                                           std::to_string(cats.integers.size()) + " integers");
  if (c.elem(0) == ir::ElemType::undefined) return {};
  c.set(0, c.elem(0) == ir::ElemType::string ? ir::ElemType::int64 : ir::ElemType::string, c.type(0).shape);
  return {};
}

constexpr In kIn[] = {{"X", kStrings | kInt64}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {
    {"cats_int64s", "-"}, {"cats_strings", "-"}, {"default_int64", "-1"}, {"default_string", "_Unused"}};

}  // namespace

extern const OpDef kCategoryMapper = {
    .domain = kMl,
    .name = "CategoryMapper",
    .doc = "Strings as the integers beside them in a table, or the other way round.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no strings in programs"},
    .to_nn = {nullptr, "no strings in layers"},
};

}  // namespace assay::ops

#include <algorithm>
#include <cmath>

#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/features.h"
#include "ops/ml/lookup.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

/// The categories that X is looked up among: strings, or integers that other numbers are cut to.
ir::Tensor categories_of(const ir::Op& op) {
  std::vector<std::string> strings = op.attr_strings("cats_strings");
  if (strings.empty()) return ir::Tensor::of_ints(op.attr_ints("cats_int64s"));
  const auto count = static_cast<int64_t>(strings.size());
  return ir::Tensor::of_strings({count}, std::move(strings));
}

int64_t category(const Lookup& lookup, const ir::Tensor& t, int64_t i) {
  if (!ir::is_float(t.elem())) return lookup.find(t, i);
  const double x = t.float_at(i);
  return std::fabs(x) < 0x1p63 ? lookup.find(static_cast<int64_t>(x)) : -1;
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor categories = categories_of(c.op);
  const Lookup lookup(categories);
  ir::Tensor& out = c.out(0);
  std::fill_n(out.mutable_bytes(), out.byte_size(), std::byte{0});
  const int64_t count = categories.size();
  const bool single = out.elem() == ir::ElemType::float32;
  for (int64_t i = 0; i < c.in(0).size(); ++i) {
    const int64_t at = category(lookup, c.in(0), i);
    if (at >= 0 && single)
      out.mutable_data<float>()[i * count + at] = 1;
    else if (at >= 0)
      out.set_float(i * count + at, 1);
    else if (c.op.attr_int("zeros", 1) == 0)
      return c.fail(Code::value_range, "element " + std::to_string(i) + " of X is no category, and zeros is 0");
  }
  return {};
}

Status infer(InferContext& c) {
  const bool strings = c.op().has_attr("cats_strings"), integers = c.op().has_attr("cats_int64s");
  if (strings == integers) return c.fail("onehotencoder_c1", "one of cats_strings and cats_int64s must be given");
  if (c.elem(0) != ir::ElemType::undefined && (c.elem(0) == ir::ElemType::string) != strings)
    return c.fail("onehotencoder_c2", "the categories have another type than X");
  std::optional<std::vector<ir::Dim>> out = c.type(0).shape;
  if (out) out->emplace_back(categories_of(c.op()).size());
  c.set(0, ir::ElemType::float32, std::move(out));
  return {};
}

constexpr In kIn[] = {{"X", kFeatures | kStrings}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"cats_int64s", "-"}, {"cats_strings", "-"}, {"zeros", "1"}};

}  // namespace

extern const OpDef kOneHotEncoder = {
    .domain = kMl,
    .name = "OneHotEncoder",
    .doc = "A new last axis with 1 at the place of each element's category.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no operator looks categories up"},
    .to_nn = {nullptr, "no operator looks categories up"},
};

}  // namespace assay::ops

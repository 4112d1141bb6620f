#include <cmath>

#include "ops/move.h"

namespace assay::ops {
namespace {

/// Element `i` as an integer; a float is cut toward zero. nullopt when it is none.
std::optional<int64_t> whole(const ir::Tensor& t, int64_t i) {
  if (!ir::is_float(t.elem())) return t.int_at(i);
  const double v = t.float_at(i);
  if (!(std::fabs(v) < 0x1p62)) return std::nullopt;
  return static_cast<int64_t>(v);
}

std::optional<int64_t> depth_of(const ir::Tensor& t) {
  if (t.size() != 1) return std::nullopt;
  const auto depth = whole(t, 0);
  return depth && *depth >= 0 ? depth : std::nullopt;
}

Status infer(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, c.elem(2), std::nullopt);
    return {};
  }
  ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", -1), c.rank(0) + 1, "one_hot_c1"));
  ir::Dim depth;
  if (const ir::Tensor* t = c.constant(1)) {
    const auto n = depth_of(*t);
    if (!n) return c.fail("one_hot_c2", "depth is not a count");
    depth = *n;
  }
  std::vector<ir::Dim> out = c.shape(0);
  out.insert(out.begin() + axis, depth);
  c.set(0, c.elem(2), std::move(out));
  return {};
}

Status eval(KernelContext& c) {
  const auto depth = depth_of(c.in(1));
  if (!depth) return c.fail(Code::value_range, "depth is not a count");
  if (c.in(2).size() != 2) return c.fail(Code::model_invalid, "values are not two elements");
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor& indices = c.in(0);
  const ir::Tensor values = as_storage(c.in(2), c.out(0).elem());
  const auto axis = static_cast<std::ptrdiff_t>(normal_axis(c.op.attr_int("axis", -1), indices.rank() + 1));
  const int64_t inner = volume({indices.dims().begin() + axis, indices.dims().end()});
  fill_run(values, 0, c.out(0), 0, c.out(0).size());
  for (int64_t n = 0; n < indices.size(); ++n) {
    const auto wanted = whole(indices, n);
    const int64_t at = wanted ? normal_axis(*wanted, *depth) : -1;
    if (at >= 0) copy_run(values, 1, c.out(0), (n / inner * *depth + at) * inner + n % inner, 1);
  }
  return {};
}

constexpr In kIn[] = {{"indices", kNumbers}, {"depth", kNumbers, kExempt}, {"values", kAnything}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"axis", "-1"}};

}  // namespace

extern const OpDef kOneHot = {
    .name = "OneHot",
    .since = 11,
    .doc = "An axis of extent `depth` with values[1] at each index and values[0] elsewhere.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .infer = infer,
    .eval = eval,
};

}  // namespace assay::ops

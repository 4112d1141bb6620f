#include "ops/lower/move_nn.h"
#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

/// Merges `b` into `a` except along `axis`; false when they contradict.
bool merge(std::vector<ir::Dim>& a, const std::vector<ir::Dim>& b, size_t axis) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (i == axis || !b[i].known()) continue;
    if (a[i].known() && a[i].value != b[i].value) return false;
    a[i] = b[i];
  }
  return true;
}

Status infer(InferContext& c) {
  std::optional<std::vector<ir::Dim>> out;
  int64_t axis = 0, sum = 0;
  bool known = true;
  for (size_t i = 0; i < c.input_count(); ++i) {
    if (!c.has(i)) continue;
    if (!c.ranked(i)) {
      known = false;
      continue;
    }
    if (!out) {
      out = c.shape(i);
      ASSAY_TRY(axis, c.axis(c.op().attr_int("axis", 1), c.rank(i), "concat_c1"));
    } else if (out->size() != c.shape(i).size() || !merge(*out, c.shape(i), static_cast<size_t>(axis))) {
      return c.fail("concat_c2", ir::to_string(c.type(i)) + " differs from the first input outside of the axis");
    }
    const ir::Dim& d = c.shape(i)[static_cast<size_t>(axis)];
    known = known && d.known();
    if (d.known() && __builtin_add_overflow(sum, d.value, &sum)) return c.fail("concat_c3", "the sum of extents");
  }
  if (out) (*out)[static_cast<size_t>(axis)] = known ? ir::Dim(sum) : ir::Dim();
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const auto axis = static_cast<size_t>(normal_axis(c.op.attr_int("axis", 1), c.out(0).rank()));
  const ir::Dims strides = strides_of(c.out(0).dims());
  int64_t begin = 0;
  for (size_t i = 0; i < c.input_count(); ++i) {
    if (!c.has(i)) continue;
    const ir::Tensor in = as_storage(c.in(i), c.out(0).elem());
    copy_strided(in, c.out(0), {in.dims(), strides_of(in.dims()), strides, 0, begin * strides[axis]}, c.threads);
    begin += in.dims()[axis];
  }
  return {};
}

/// Before 4 the axis had a default; the meaning here needs none, so it is written out.
Status upgrade(UpgradeContext& c) {
  if (!c.op.has_attr("axis")) c.op.set_attr("axis", int64_t{1});
  return {};
}

Status to_mil(MilContext& c) {
  std::vector<MilValue> values;
  for (size_t i = 0; i < c.input_count(); ++i) {
    if (!c.has(i) || (c.is_static(i) && volume(c.type(i).dims()) == 0)) continue;
    ASSAY_TRY(values.emplace_back(), operand(c, i, kTakesBooleans));
  }
  if (values.empty()) return c.refuse("the result has no elements");
  if (values.size() == 1) return result_carried(c, values.front());
  const auto axis = static_cast<int32_t>(axis_of(c.op, 1, values.front().rank()));
  const mil::DataType as = values.front().data();
  return emit_carried(c, "concat",
                      {{"values", std::move(values)}, {"axis", mil::of_int(axis)}, {"interleave", mil::of_bool(false)}},
                      as);
}

Status to_nn(NnContext& c) {
  std::vector<std::string> values;
  for (size_t i = 0; i < c.input_count(); ++i) {
    if (!c.has(i) || (c.is_static(i) && volume(c.type(i).dims()) == 0)) continue;
    ASSAY_TRY(values.emplace_back(), nn_operand(c, i));
  }
  if (values.empty()) return c.refuse("the result has no elements");
  if (values.size() == 1) return c.result(values.front());
  const int64_t axis = axis_of(c.op, 1, static_cast<int64_t>(c.out_type().shape->size()));
  return c.layer("concatND", std::move(values), c.params("concatND").set("axis", axis));
}

constexpr In kIn[] = {{"inputs", kAnything, kVariadic}};
constexpr Out kOut[] = {{"concat_result"}};
constexpr AttrDoc kAttrs[] = {{"axis", ""}};
constexpr Upgrade kUpgrades[] = {{4, upgrade}};

}  // namespace

extern const OpDef kConcat = {
    .name = "Concat",
    .since = 13,
    .doc = "The inputs one behind the other along an axis.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "concat"},
    .to_nn = {to_nn, "concatND"},
};

}  // namespace assay::ops

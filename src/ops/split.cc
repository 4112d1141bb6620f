#include <algorithm>

#include "ops/lower/move_nn.h"
#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

/// Extents of the parts: as given, or equal with a smaller last one.
Result<ir::Dims> part_sizes(const InferContext& c, int64_t extent, const std::optional<ir::Dims>& given) {
  const auto count = static_cast<int64_t>(c.output_count());
  if (given) {
    int64_t sum = 0;
    for (const int64_t n : *given) {
      if (n < 0 || __builtin_add_overflow(sum, n, &sum)) return c.fail("split_c1", "sizes " + ir::to_string(*given));
    }
    if (sum != extent || static_cast<int64_t>(given->size()) != count)
      return c.fail("split_c2", "sizes " + ir::to_string(*given) + " for " + std::to_string(count) +
                                    " outputs of an axis with extent " + std::to_string(extent));
    return *given;
  }
  const int64_t parts = c.op().attr_int("num_outputs", count);
  if (parts != count || parts < 1)
    return c.fail("split_c3", "num_outputs is " + std::to_string(parts) + " for " + std::to_string(count) + " outputs");
  const int64_t each = extent / parts + (extent % parts != 0);
  ir::Dims sizes(static_cast<size_t>(parts), each);
  sizes.back() = extent - each * (parts - 1);
  if (sizes.back() < 0) return c.fail("split_c4", "too many parts for extent " + std::to_string(extent));
  return sizes;
}

Status infer(InferContext& c) {
  const auto given = constant_ints(c, 1);
  if (!c.ranked(0)) {
    for (size_t i = 0; i < c.output_count(); ++i) c.set(i, c.elem(0), std::nullopt);
    return {};
  }
  ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", 0), c.rank(0), "split_c5"));
  std::vector<ir::Dim> shape = c.shape(0);
  const ir::Dim extent = shape[static_cast<size_t>(axis)];
  ir::Dims sizes;
  if (extent.known() && (given || !c.has(1))) {
    ASSAY_TRY(sizes, part_sizes(c, extent.value, given));
  }
  for (size_t i = 0; i < c.output_count(); ++i) {
    ir::Dim& d = shape[static_cast<size_t>(axis)];
    if (i < sizes.size())
      d = sizes[i];
    else
      d = given && i < given->size() && (*given)[i] >= 0 ? ir::Dim((*given)[i]) : ir::Dim();
    c.set(i, c.elem(0), shape);
  }
  return {};
}

Status eval(KernelContext& c) {
  const ir::Tensor& in = c.in(0);
  const auto axis = static_cast<size_t>(normal_axis(c.op.attr_int("axis", 0), in.rank()));
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Dims strides = strides_of(in.dims());
  const auto given = ints_of(c, 1);
  const auto parts = static_cast<int64_t>(c.op.outputs.size());
  const int64_t extent = in.dims()[axis], each = extent / parts + (extent % parts != 0);
  int64_t begin = 0;
  for (size_t i = 0; i < c.op.outputs.size(); ++i) {
    if (c.wants(i)) {
      ir::Tensor& out = c.out(i);
      copy_strided(in, out, {out.dims(), strides, strides_of(out.dims()), begin * strides[axis], 0}, c.threads);
    }
    begin += given ? (*given)[i] : each;
  }
  return {};
}

/// Sizes were an attribute (in version 1 alternatively an input, as now).
/// Version 1 had them as an input too, of any numbers.
Status upgrade_sizes(UpgradeContext& c) {
  if (c.version < 2 && c.op.has_input(1)) {
    ir::Op cast{.domain = {}, .type = "Cast", .name = {}, .inputs = {c.op.inputs[1]}};
    cast.set_attr("to", static_cast<int64_t>(ir::ElemType::int64));
    c.op.inputs[1] = c.insert_before(std::move(cast), ir::Type::tensor(ir::ElemType::int64));
    return {};
  }
  return ints_attr_to_input(c, "split", 1);
}

/// The number of equal parts went without saying.
Status upgrade_count(UpgradeContext& c) {
  const bool sized = c.op.inputs.size() > 1 && c.op.inputs[1] != ir::kNoValue;
  if (!sized && c.op.attr_int("num_outputs", 0) == 0)
    c.op.set_attr("num_outputs", static_cast<int64_t>(c.op.outputs.size()));
  return {};
}

/// Sizes of the parts, or why they are not known.
template <class Context>
Result<ir::Dims> known_parts(const Context& c, int64_t axis) {
  const int64_t extent = c.dim(0, axis), count = static_cast<int64_t>(c.op.outputs.size());
  ir::Dims sizes(c.op.outputs.size());
  if (c.has(1) && !c.constant(1)) return c.refuse("the sizes of the parts are known only at run time");
  if (c.has(1)) sizes = c.constant(1)->ints();
  if (!c.has(1) && extent < 0) return c.refuse("equal parts of an extent that is known only at run time");
  const int64_t each = extent / count + (extent % count != 0);
  for (int64_t i = 0; !c.has(1) && i < count; ++i)
    sizes[static_cast<size_t>(i)] = i + 1 < count ? each : extent - each * (count - 1);
  if (std::ranges::find(sizes, 0) != sizes.end()) return c.refuse("a part has no elements");
  return sizes;
}

Status to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans));
  const int64_t axis = axis_of(c.op, 0, x.rank());
  ASSAY_TRY(const ir::Dims sizes, known_parts(c, axis));
  if (sizes.size() == 1) return result_carried(c, x);
  const MilParams params = {
      {"x", x}, {"split_sizes", MilContext::ints(sizes)}, {"axis", mil::of_int(static_cast<int32_t>(axis))}};
  const bool all = std::ranges::find(c.op.outputs, ir::kNoValue) == c.op.outputs.end();
  if (all && x.data() == mil_type(c.type(0))->data) return c.emit("split", params);
  std::vector<mil::Type> types(sizes.size(), x.type);
  for (size_t i = 0; i < sizes.size(); ++i) (*types[i].dims)[static_cast<size_t>(axis)] = sizes[i];
  const std::vector<MilValue> parts = c.make_several("split", params, types);
  for (size_t i = 0; i < parts.size(); ++i)
    if (c.wants(i)) ASSAY_CHECK(result_carried(c, parts[i], i));
  return {};
}

Status to_nn(NnContext& c) {
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  const int64_t axis = axis_of(c.op, 0, c.rank(0));
  ASSAY_TRY(const ir::Dims sizes, known_parts(c, axis));
  if (sizes.size() == 1) return c.result(x);
  mil::Message params = c.params("splitND");
  params.set("axis", axis).set("numSplits", static_cast<int64_t>(sizes.size())).set("splitSizes", sizes);
  if (std::ranges::find(c.op.outputs, ir::kNoValue) == c.op.outputs.end())
    return c.layer("splitND", {x}, std::move(params));
  const std::vector<std::string> parts = c.make_several("splitND", {x}, sizes.size(), std::move(params));
  for (size_t i = 0; i < parts.size(); ++i) ASSAY_CHECK(c.result(parts[i], i));
  return {};
}

constexpr In kIn[] = {{"input", kAnything}, {"split", kInt64, kOptional}};
constexpr Out kOut[] = {{"outputs", kVariadic}};
constexpr AttrDoc kAttrs[] = {{"axis", "0"}, {"num_outputs", "-"}};
constexpr Upgrade kUpgrades[] = {{13, upgrade_sizes}, {18, upgrade_count}};

}  // namespace

extern const OpDef kSplit = {
    .name = "Split",
    .since = 18,
    .doc = "Parts of the input along an axis: of the given sizes, or equal (the last one smaller).",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "split"},
    .to_nn = {to_nn, "splitND"},
};

}  // namespace assay::ops

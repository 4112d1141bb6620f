#include "ops/scatter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "num/arith.h"
#include "ops/arithmetic_types.h"
#include "ops/elementwise.h"
#include "ops/lower/move_nn.h"
#include "ops/move.h"
#include "ops/plain_steps.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

template <class T>
T extreme(bool largest, T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
  if (a == b) return std::signbit(a) == largest ? b : a;  // +0 above -0
  return (a > b) == largest ? a : b;
}

void combine_ints(Combine combine, const ir::Tensor& updates, int64_t from, ir::Tensor& out, int64_t to, int64_t n) {
  const bool wide = out.elem() == ir::ElemType::uint64;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t old = out.int_at(to + i), next = updates.int_at(from + i);
    const auto a = static_cast<uint64_t>(old), b = static_cast<uint64_t>(next);
    const bool less = wide ? a < b : old < next;
    const uint64_t value = combine == Combine::add   ? a + b
                           : combine == Combine::mul ? a * b
                                                     : (less == (combine == Combine::max) ? b : a);
    out.set_int(to + i, static_cast<int64_t>(value));
  }
}

Status infer_scatter(InferContext& c) {
  if (c.ranked(0) && c.ranked(1) && c.rank(0) != c.rank(1))
    return c.fail("scatter_elements_c1", "data and indices have different ranks");
  if (c.ranked(0)) {
    ASSAY_TRY([[maybe_unused]] const int64_t axis,
              c.axis(c.op().attr_int("axis", 0), c.rank(0), "scatter_elements_c2"));
  }
  return infer_same(c);
}

Status eval_scatter(KernelContext& c) {
  ASSAY_CHECK(copy_data(c));
  const ir::Tensor& indices = c.in(1);
  ir::Tensor& out = c.out(0);
  const ir::Tensor updates = as_storage(c.in(2), out.elem());
  const auto combine = combine_of(c);
  if (!combine.ok()) return combine.error();
  if (indices.rank() != out.rank() || indices.dims() != updates.dims())
    return c.fail(Code::model_invalid, "data, indices and updates do not fit together");
  if (out.rank() == 0) return c.fail(Code::model_invalid, "a scalar has no axis");
  const auto axis = static_cast<size_t>(normal_axis(c.op.attr_int("axis", 0), out.rank()));
  const int64_t extent = out.dims()[axis];
  for (size_t k = 0; k < out.dims().size(); ++k)
    if (k != axis && indices.dims()[k] > out.dims()[k])
      return c.fail(Code::model_invalid, "indices of extent " + std::to_string(indices.dims()[k]) + " along axis " +
                                             std::to_string(k) + ", data of " + std::to_string(out.dims()[k]));
  const ir::Dims strides = strides_of(out.dims());
  Scattering scattering(c, *combine, updates);
  ir::Dims index(indices.dims().size());
  const int64_t width = indices.dims().back();
  const bool along_last = axis + 1 == out.dims().size();
  for (int64_t first = 0; first < indices.size(); first += width) {  // rows along the last axis
    int64_t row = 0;
    for (size_t k = 0; k < index.size(); ++k) row += k == axis ? 0 : index[k] * strides[k];
    for (int64_t j = 0; j < width; ++j) {
      const int64_t wanted = indices.int_at(first + j), at = normal_axis(wanted, extent);
      if (at < 0)
        return c.fail(Code::value_range, "index " + std::to_string(wanted) + " for extent " + std::to_string(extent));
      scattering.take(first + j, row + at * strides[axis] + (along_last ? 0 : j), 1);
    }
    index.back() = width - 1;
    next_index(index, indices.dims());
  }
  scattering.finish();
  return {};
}

Status rename(UpgradeContext& c) {
  c.op.type = "ScatterElements";
  return {};
}

constexpr std::string_view kPartly = "updates that cover the data only partly, of a shape known only at run time";

/// Whether indices and updates are as large as the data along all axes but one.
template <class Context>
bool covers_data(const Context& c, int64_t axis) {
  bool covers = true;
  for (int64_t i = 0; i < c.rank(0); ++i) {
    const auto k = static_cast<size_t>(i);
    covers = covers && (i == axis || same_extent((*c.type(0).shape)[k], (*c.type(1).shape)[k]));
  }
  return covers;
}

/// For each position of a tensor, in order, where it stands along axis `k`: a column.
ir::Tensor coordinates(const ir::Dims& dims, size_t k) {
  ir::Tensor column = ir::Tensor::allocate(ir::ElemType::int32, {volume(dims), 1});
  ir::Dims index(dims.size());
  for (int64_t n = 0; n < column.size(); ++n, next_index(index, dims)) column.set_int(n, index[k]);
  return column;
}

/// Every position of the updates as a tuple, with the index itself in the place of `axis`: for scatter_nd, since
/// scatter_along_axis wants indices as large as the data.
MilValue positions(MilContext& c, const MilValue& at, int64_t axis) {
  const int64_t count = volume(at.dims());
  std::vector<MilValue> columns;
  for (int64_t k = 0; k < at.rank(); ++k)
    columns.push_back(k == axis ? c.reshape(at, {count, 1})
                                : c.constant_value(*mil_constant(coordinates(at.dims(), static_cast<size_t>(k)))));
  if (columns.size() == 1) return columns.front();
  return c.make("concat", {{"values", columns}, {"axis", mil::of_int(1)}, {"interleave", mil::of_bool(false)}},
                mil::Type::tensor(mil::DataType::int32, mil::Dims{count, at.rank()}));
}

Status to_mil(MilContext& c) {
  ASSAY_TRY(const std::string mode, scatter_mode(c));
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesNumbers));
  ASSAY_TRY(MilValue updates, operand(c, 2, kTakesNumbers));
  const int64_t axis = axis_of(c.op, 0, x.rank());
  ASSAY_TRY(MilValue at, indices_of(c, 1, x, {axis}, false, false));
  MilParams params = {{"data", x}, {"indices", at}, {"updates", updates}, {"mode", mil::of_text(mode)}};
  if (covers_data(c, axis)) {
    params.push_back({"axis", mil::of_int(static_cast<int32_t>(axis))});
    return emit_carried(c, "scatter_along_axis", params, x.data());
  }
  if (!c.is_static(1)) return c.refuse(std::string(kPartly));
  ASSAY_CHECK(c.makes(volume(at.dims())));
  params[1].value = positions(c, at, axis);
  params[2].value = c.reshape(updates, {volume(at.dims())});
  return emit_carried(c, "scatter_nd", params, x.data());
}

std::string nn_positions(NnContext& c, const std::string& at, int64_t axis) {
  const ir::Dims dims = c.type(1).dims();
  const int64_t count = volume(dims);
  std::vector<std::string> columns;
  for (int64_t k = 0; k < c.rank(1); ++k)
    columns.push_back(
        k == axis ? c.make("reshapeStatic", {at}, c.params("reshapeStatic").set("targetShape", ir::Dims{count, 1}))
                  : c.constant_blob(coordinates(dims, static_cast<size_t>(k))));
  if (columns.size() == 1) return columns.front();
  return c.make("concatND", std::move(columns), c.params("concatND").set("axis", int64_t{1}));
}

Status to_nn(NnContext& c) {
  ASSAY_TRY(const int64_t mode, scatter_mode(c));
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  ASSAY_TRY(std::string updates, nn_operand(c, 2));
  const int64_t axis = axis_of(c.op, 0, c.rank(0));
  ASSAY_TRY(const std::string at, nn_indices(c, 1, {axis}, false));
  if (covers_data(c, axis))
    return c.layer("scatterAlongAxis", {x, at, updates},
                   c.params("scatterAlongAxis").set("axis", axis).set("mode", mode));
  if (!c.is_static(1)) return c.refuse(std::string(kPartly));
  ASSAY_CHECK(c.makes(volume(c.type(1).dims())));
  updates = c.make("reshapeStatic", {updates},
                   c.params("reshapeStatic").set("targetShape", ir::Dims{volume(c.type(1).dims())}));
  return c.layer("scatterND", {x, nn_positions(c, at, axis), updates}, c.params("scatterND").set("mode", mode));
}

constexpr In kIn[] = {{"data", kAnything}, {"indices", kIndices}, {"updates", kAnything}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"axis", "0"}, {"reduction", "none"}};
constexpr AttrDoc kOldAttrs[] = {{"axis", "0"}};
constexpr Upgrade kRename[] = {{1000, rename}};  // deprecated, but models of any version may hold it

}  // namespace

Result<Combine> combine_of(const KernelContext& c) {
  constexpr std::pair<std::string_view, Combine> kNames[] = {{"none", Combine::none},
                                                             {"add", Combine::add},
                                                             {"mul", Combine::mul},
                                                             {"min", Combine::min},
                                                             {"max", Combine::max}};
  const std::string reduction = c.op.attr_string("reduction", "none");
  const ir::ElemType elem = c.in(0).elem();
  for (const auto& [text, value] : kNames)
    if (text == reduction) {
      if (value == Combine::none || has_arithmetic(elem)) return value;
      return c.fail(Code::type_unsupported,
                    "updates of type " + std::string(ir::elem_name(elem)) + " are not combined by " + reduction);
    }
  return c.fail(Code::model_invalid, "unknown reduction '" + reduction + "'");
}

Result<std::string> scatter_mode(const MilContext& c) {
  const std::string reduction = c.op.attr_string("reduction", "none");
  const ir::ElemType elem = c.elem(0);
  const bool wraps = !ir::is_float(elem) && elem != ir::ElemType::int32 && elem != ir::ElemType::int64;
  if (reduction != "none" && wraps)
    return c.refuse("updates of " + std::string(ir::elem_name(elem)) + " are not combined as that type does");
  return reduction == "none" ? "update" : reduction;
}

Result<int64_t> scatter_mode(const NnContext& c) {
  constexpr std::pair<std::string_view, int64_t> kModes[] = {
      {"none", 0}, {"add", 1}, {"mul", 3}, {"max", 5}, {"min", 6}};  // ScatterMode
  const std::string reduction = c.op.attr_string("reduction", "none");
  if (reduction != "none" && !ir::is_float(c.elem(0))) return c.refuse("layers compute in floating point");
  for (const auto& [name, mode] : kModes)
    if (name == reduction) return mode;
  return c.refuse("unknown reduction");
}

Scattering::Scattering(KernelContext& c, Combine combine, const ir::Tensor& updates)
    : c_(c),
      combine_(combine),
      updates_(updates),
      floats_(combine != Combine::none && ir::is_float(c.out(0).elem())),
      plain_(plain_steps(c.policy())),
      single_(c.policy()),
      wide_(c.policy()) {
  const ir::ElemType computed = computes_float64(c) ? ir::ElemType::float64 : ir::ElemType::float32;
  in_place_ = floats_ && !c.policy().result && c.out(0).elem() == computed && updates.elem() == computed;
  if (!floats_ || in_place_) return;
  combined_.resize(static_cast<size_t>(c.out(0).size()));
  touched_.resize(combined_.size());
}

template <class T>
T Scattering::combined(const num::Arith<T>& arith, T old, T next) const {
  if (plain_ && combine_ == Combine::add) {
    const T sum = old + next;
    return sum == sum ? sum : std::numeric_limits<T>::quiet_NaN();
  }
  if (combine_ == Combine::add) return arith.add(old, next);
  return combine_ == Combine::mul ? arith.mul(old, next) : extreme(combine_ == Combine::max, old, next);
}

template <class T>
void Scattering::combine_in_place(const num::Arith<T>& arith, int64_t from, int64_t to, int64_t n) {
  const T* next = updates_.data<T>() + from;
  T* old = c_.out(0).mutable_data<T>() + to;
  const auto count = static_cast<size_t>(n);
  if (count > 1 && combine_ == Combine::add) return arith.add(old, next, old, count);
  if (count > 1 && combine_ == Combine::mul) return arith.mul(old, next, old, count);
  for (size_t i = 0; i < count; ++i) old[i] = combined(arith, old[i], next[i]);
}

template <class T>
void Scattering::combine_floats(const num::Arith<T>& arith, int64_t from, int64_t to, int64_t n) {
  if (in_place_) return combine_in_place(arith, from, to, n);
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(to + i);
    const T old = static_cast<T>(touched_[at] ? combined_[at] : c_.out(0).float_at(to + i));
    combined_[at] = static_cast<double>(combined(arith, old, static_cast<T>(updates_.float_at(from + i))));
    touched_[at] = true;
  }
}

void Scattering::take(int64_t from, int64_t to, int64_t n) {
  ir::Tensor& out = c_.out(0);
  if (combine_ == Combine::none || out.elem() == ir::ElemType::string) return copy_run(updates_, from, out, to, n);
  if (!floats_) return combine_ints(combine_, updates_, from, out, to, n);
  computes_float64(c_) ? combine_floats(wide_, from, to, n) : combine_floats(single_, from, to, n);
}

void Scattering::finish() {
  const bool wide = computes_float64(c_);
  for (size_t i = 0; i < combined_.size(); ++i) {
    if (!touched_[i]) continue;  // what nothing met stays as it was given
    auto single = static_cast<float>(combined_[i]);
    if (wide)
      store(c_.out(0), static_cast<int64_t>(i), 1, &combined_[i], c_.policy());
    else
      store(c_.out(0), static_cast<int64_t>(i), 1, &single, c_.policy());
  }
}

Status copy_data(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  copy_run(as_storage(c.in(0), c.out(0).elem()), 0, c.out(0), 0, c.out(0).size());
  return {};
}

extern const OpDef kScatterElements = {
    .name = "ScatterElements",
    .since = 18,
    .doc = "The data with elements replaced (or combined) at positions along an axis; updates act in order.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::reduction,
    .accumulates = "updates of one position, in order; rounded as stored at the end",
    .infer = infer_scatter,
    .eval = eval_scatter,
    .to_mil = {to_mil, "scatter_along_axis; scatter_nd where the updates cover the data only partly"},
    .to_nn = {to_nn, "scatterAlongAxis; scatterND where the updates cover the data only partly"},
};

extern const OpDef kScatter = {
    .name = "Scatter",
    .since = 9,
    .doc = "Deprecated name of ScatterElements.",
    .in = kIn,
    .out = kOut,
    .attrs = kOldAttrs,
    .upgrades = kRename,
    .infer = infer_scatter,
    .to_mil = {nullptr, "read as ScatterElements"},
    .to_nn = {nullptr, "read as ScatterElements"},
};

}  // namespace assay::ops

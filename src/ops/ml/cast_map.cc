// The values of a map as one row [1, C], in ascending order of their keys (DENSE) or at the places that their keys name
// (SPARSE). Numbers become text as Cast writes it; text that is no number is an error.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/ml/features.h"
#include "ops/ml/map.h"
#include "ops/move.h"
#include "ops/text/parse_number.h"

namespace assay::ops {
namespace {

using ir::ElemType;

std::optional<ElemType> cast_to(const ir::Op& op) {
  const std::string name = op.attr_string("cast_to", "TO_FLOAT");
  if (name == "TO_FLOAT") return ElemType::float32;
  if (name == "TO_STRING") return ElemType::string;
  if (name == "TO_INT64") return ElemType::int64;
  return std::nullopt;
}
bool is_sparse(const ir::Op& op) { return op.attr_string("map_form", "DENSE") == "SPARSE"; }

/// Where each value goes.
Result<ir::Dims> places_of(const KernelContext& c, const ir::Tensor& keys) {
  const ir::Dims given = keys.ints();
  if (is_sparse(c.op)) {
    const int64_t most = c.op.attr_int("max_map", 1);
    for (const int64_t key : given)
      if (key < 0 || key >= most)
        return c.fail(Code::value_range,
                      "key " + std::to_string(key) + " is no place in a row of max_map = " + std::to_string(most));
    return given;
  }
  ir::Dims order(given.size()), places(given.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](int64_t i) { return given[static_cast<size_t>(i)]; });
  for (size_t i = 0; i < order.size(); ++i) places[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return places;
}

Result<double> number_at(const KernelContext& c, const ir::Tensor& values, int64_t i) {
  if (values.elem() != ElemType::string) return values.float_at(i);
  double x = 0;
  const std::string& text = values.strings()[static_cast<size_t>(i)];
  if (!parse_number(text, x)) return c.fail(Code::value_range, "'" + text.substr(0, 80) + "' is not a number");
  return x;
}

std::string text_at(const ir::Tensor& values, int64_t i) {
  if (values.elem() == ElemType::string) return values.strings()[static_cast<size_t>(i)];
  return shortest(static_cast<float>(values.float_at(i)));
}

/// Cut toward zero, kept in range; NaN is 0: as Cast does it.
int64_t whole(double x) {
  if (std::isnan(x)) return 0;
  return x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : static_cast<int64_t>(x);
}

Status write(KernelContext& c, const ir::Tensor& values, int64_t i, int64_t at) {
  ir::Tensor& out = c.out(0);
  if (out.elem() == ElemType::string) {
    out.mutable_strings()[static_cast<size_t>(at)] = text_at(values, i);
    return {};
  }
  ASSAY_TRY(double x, number_at(c, values, i));
  out.elem() == ElemType::int64 ? out.set_int(at, whole(x)) : store(out, at, 1, &x, c.policy());
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_TRY(const MapView map, map_of(c));
  ASSAY_TRY(const ir::Dims places, places_of(c, map.keys));
  const ir::Dims dims{1, is_sparse(c.op) ? c.op.attr_int("max_map", 1) : map.keys.size()};
  if (c.out(0).empty_handle()) c.allocate(0, dims);
  ir::Tensor& out = c.out(0);
  for (int64_t i = 0; i < out.size() && out.elem() != ElemType::string; ++i)
    out.elem() == ElemType::int64 ? out.set_int(i, 0) : out.set_float(i, 0);
  for (int64_t i = 0; i < map.values.size(); ++i) ASSAY_CHECK(write(c, map.values, i, places[static_cast<size_t>(i)]));
  return {};
}

Status infer(InferContext& c) {
  const auto to = cast_to(c.op());
  const std::string form = c.op().attr_string("map_form", "DENSE");
  if (!to || (form != "DENSE" && form != "SPARSE"))
    return c.fail("castmap_c1", "cast_to or map_form is none that ONNX names");
  if (c.type(0).kind != ir::Type::Kind::map || c.type(0).elem != ElemType::int64)
    return c.fail("castmap_c2", "X is " + to_string(c.type(0)) + ", not a map of integers");
  const int64_t most = c.op().attr_int("max_map", 1);
  if (is_sparse(c.op()) && (most < 1 || most > kMaxColumns))
    return c.fail("castmap_c3", "max_map is " + std::to_string(most));
  c.set(0, *to, std::vector<ir::Dim>{1, is_sparse(c.op()) ? ir::Dim(most) : ir::Dim()});
  return {};
}

constexpr In kIn[] = {{"X", kMaps}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"cast_to", "TO_FLOAT"}, {"map_form", "DENSE"}, {"max_map", "1"}};

}  // namespace

extern const OpDef kCastMap = {
    .domain = kMl,
    .name = "CastMap",
    .doc = "The values of a map in the order of their keys, as another type.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::convert,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "no maps in programs"},
    .to_nn = {nullptr, "no maps in layers"},
};

}  // namespace assay::ops

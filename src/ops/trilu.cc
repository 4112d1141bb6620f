#include <algorithm>

#include "ops/lower/move_nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  if (c.ranked(0) && c.rank(0) < 2) return c.fail("trilu_c1", "the input is not a matrix");
  return infer_same(c);
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor& in = c.in(0);
  ir::Tensor& out = c.out(0);
  if (c.has(1) && c.in(1).size() != 1) return c.fail(Code::model_invalid, "k is not one element");
  const bool upper = c.op.attr_int("upper", 1) != 0;
  const int64_t columns = in.dims().back(), rows = in.dims()[in.dims().size() - 2];
  // Beyond the matrix every diagonal means the same.
  const int64_t k = std::clamp<int64_t>(c.has(1) ? c.in(1).int_at(0) : 0, -rows - 1, columns + 1);
  ir::Tensor zero = ir::Tensor::allocate(in.elem(), {});
  if (in.elem() != ir::ElemType::string) std::fill_n(zero.mutable_bytes(), zero.byte_size(), std::byte{0});
  for (int64_t line = 0; columns > 0 && line < in.size() / columns; ++line) {
    const int64_t i = line % rows, at = line * columns;
    const int64_t border = std::clamp<int64_t>(i + k + (upper ? 0 : 1), 0, columns);
    if (upper) {
      fill_run(zero, 0, out, at, border);
      copy_run(in, at + border, out, at + border, columns - border);
    } else {
      copy_run(in, at, out, at, border);
      fill_run(zero, 0, out, at + border, columns - border);
    }
  }
  return {};
}

/// Which elements stay, as a band of a matrix; `inside` false: those outside of it. Bands know no negative limits.
struct Band {
  int32_t lower = -1, upper = -1;  ///< -1: no limit
  bool inside = true;
};

template <class Context>
Result<Band> band_of(const Context& c) {
  const auto given = known_ints(c, 1);
  if (c.has(1) && (!given || given->size() != 1)) return c.refuse("the diagonal is known only at run time");
  const auto k = static_cast<int32_t>(std::clamp<int64_t>(given ? given->front() : 0, -INT32_MAX / 2, INT32_MAX / 2));
  if (c.op.attr_int("upper", 1) != 0) return k <= 0 ? Band{.lower = -k} : Band{.upper = k - 1, .inside = false};
  return k >= 0 ? Band{.upper = k} : Band{.lower = -k - 1, .inside = false};
}

mil::Value zero_of(mil::DataType type) {
  if (type == mil::DataType::boolean) return mil::of_bool(false);
  return type == mil::DataType::int32 ? mil::of_int(0) : mil::of_float(0, type);
}

/// A band of ones says which elements stay: band_part of the data itself is stated as a product, which would make NaN
/// of infinities that leave.
Status to_mil(MilContext& c) {
  ASSAY_TRY(const Band band, band_of(c));
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans));
  const int64_t rank = x.rank();
  const mil::Type matrix = mil::Type::tensor(mil::DataType::int32, mil::Dims(x.dims().end() - 2, x.dims().end()));
  const MilValue ones =
      c.make("fill", {{"shape", extents_of(c, x, rank - 2, rank)}, {"value", mil::of_int(1)}}, matrix);
  const MilValue part = c.make(
      "band_part", {{"x", ones}, {"lower", mil::of_int(band.lower)}, {"upper", mil::of_int(band.upper)}}, matrix);
  const MilValue zero = c.constant_value(zero_of(x.data()));
  return emit_carried(
      c, "select",
      {{"cond", c.cast(part, mil::DataType::boolean)}, {"a", band.inside ? x : zero}, {"b", band.inside ? zero : x}},
      x.data());
}

Status to_nn(NnContext& c) {
  ASSAY_TRY(const Band band, band_of(c));
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  const std::string ones = c.make("fillLike", {x}, c.params("fillLike").set("value", 1.0));
  const std::string part =
      c.make("matrixBandPart", {ones},
             c.params("matrixBandPart").set("numLower", int64_t{band.lower}).set("numUpper", int64_t{band.upper}));
  const std::string zero = c.number(0);
  return c.layer("whereBroadcastable", {part, band.inside ? x : zero, band.inside ? zero : x});
}

constexpr In kIn[] = {{"input", kAnything}, {"k", kInt64, kOptional}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"upper", "1"}};

}  // namespace

extern const OpDef kTrilu = {
    .name = "Trilu",
    .since = 14,
    .doc = "The upper or lower triangle of each matrix; zero elsewhere.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "fill, band_part, select"},
    .to_nn = {to_nn, "fillLike, matrixBandPart, whereBroadcastable"},
};

}  // namespace assay::ops

#include "base/checked.h"
#include "ops/lower/move_nn.h"
#include "ops/ml/features.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

/// Elements of one width, bit for bit.
template <class U>
void pick(const ir::Tensor& x, int64_t columns, const ir::Dims& picks, ir::Tensor& out) {
  const U* from = x.data<U>();
  U* to = out.mutable_data<U>();
  for (const U* const end = from + x.size(); from < end; from += columns)
    for (const int64_t at : picks) *to++ = from[at];
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor x = as_storage(c.in(0), c.out(0).elem());
  const int64_t columns = x.dims().back(), wanted = c.in(1).size();
  for (int64_t k = 0; k < wanted; ++k)
    if (const int64_t at = c.in(1).int_at(k); at < 0 || at >= columns)
      return c.fail(Code::value_range, "index " + std::to_string(at) + " (element " + std::to_string(k) +
                                           " of Y) is outside of the last axis, which has " + std::to_string(columns));
  const int64_t rows = columns == 0 ? 0 : x.size() / columns;
  const int bits = ir::elem_bits(x.elem());
  if (rows > 0 && (bits == 32 || bits == 64)) {
    const ir::Dims picks = c.in(1).ints();
    bits == 32 ? pick<uint32_t>(x, columns, picks, c.out(0)) : pick<uint64_t>(x, columns, picks, c.out(0));
    return {};
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t k = 0; k < wanted; ++k) copy_run(x, r * columns + c.in(1).int_at(k), c.out(0), r * wanted + k, 1);
  return {};
}

Status infer(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  if (c.rank(0) < 1) return c.fail("arrayfeatureextractor_c1", "X must have at least one axis");
  ir::Dim wanted(1);
  if (!c.ranked(1)) wanted = ir::Dim();
  for (const ir::Dim& d : c.type(1).shape.value_or(std::vector<ir::Dim>{}))
    wanted = d.known() && wanted.known() ? ir::Dim(checked_mul(wanted.value, d.value).value_or(-1)) : ir::Dim();
  std::vector<ir::Dim> out = c.shape(0);
  out.back() = wanted;
  if (out.size() == 1) out.insert(out.begin(), ir::Dim(1));  // a row of its own
  c.set(0, c.elem(0), std::move(out));
  return {};
}

/// gather along the last axis; a single row gets its axis first.
Status to_mil(MilContext& c) {
  ASSAY_TRY(MilValue x, operand(c, 0, kTakesSmall));
  if (c.rank(1) != 1) return c.refuse("indices of another rank than 1");
  if (x.rank() == 1) x = c.expand_dims(x, {0});
  const int64_t axis = x.rank() - 1;
  ASSAY_TRY(const MilValue at, indices_of(c, 1, x, {axis}, false, false));
  return emit_carried(c, "gather", {{"x", x}, {"indices", at}, {"axis", mil::of_int(static_cast<int32_t>(axis))}},
                      x.data());
}

constexpr In kIn[] = {{"X", kFeatures | kStrings}, {"Y", kInt64}};
constexpr Out kOut[] = {{"Z"}};

}  // namespace

extern const OpDef kArrayFeatureExtractor = {
    .domain = kMl,
    .name = "ArrayFeatureExtractor",
    .doc = "The elements of the last axis at given places.",
    .in = kIn,
    .out = kOut,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "gather"},
    .to_nn = {nullptr, "written in an ML Program only"},
};

}  // namespace assay::ops

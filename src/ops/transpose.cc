#include <algorithm>
#include <numeric>

#include "ops/lower/move_nn.h"
#include "ops/move.h"
#include "ops/permutation.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  if (!c.ranked(0)) {
    std::optional<std::vector<ir::Dim>> shape;
    if (c.op().has_attr("perm")) shape.emplace(c.op().attr_ints("perm").size());
    c.set(0, c.elem(0), std::move(shape));
    return {};
  }
  const ir::Dims perm = permutation(c.op(), c.rank(0));
  if (static_cast<int64_t>(perm.size()) != c.rank(0))
    return c.fail("transpose_c1", "perm " + ir::to_string(c.op().attr_ints("perm")) + " is no permutation of " +
                                      std::to_string(c.rank(0)) + " axes");
  std::vector<ir::Dim> out;
  for (const int64_t p : perm) out.push_back(c.shape(0)[static_cast<size_t>(p)]);
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Dims in_strides = strides_of(c.in(0).dims());
  StridedCopy copy{c.out(0).dims(), {}, strides_of(c.out(0).dims())};
  for (const int64_t p : permutation(c.op, c.in(0).rank()))
    copy.in_strides.push_back(in_strides[static_cast<size_t>(p)]);
  copy_strided(c.in(0), c.out(0), std::move(copy), c.threads);
  return {};
}

Status to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans | kTakesSmall));
  const ir::Dims perm = permutation(c.op, x.rank());
  if (std::ranges::is_sorted(perm)) return result_carried(c, x);
  return emit_carried(c, "transpose", {{"x", x}, {"perm", MilContext::ints(perm)}}, x.data());
}

Status to_nn(NnContext& c) {
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  const ir::Dims perm = permutation(c.op, c.rank(0));
  if (std::ranges::is_sorted(perm)) return c.result(x);
  return c.layer("transpose", {x}, c.params("transpose").set("axes", perm));
}

constexpr In kIn[] = {{"data", kAnything}};
constexpr Out kOut[] = {{"transposed"}};
constexpr AttrDoc kAttrs[] = {{"perm", "-"}};

}  // namespace

ir::Dims permutation(const ir::Op& op, int64_t rank) {
  ir::Dims perm = op.attr_ints("perm");
  if (!op.has_attr("perm")) {
    perm.resize(static_cast<size_t>(rank));
    std::iota(perm.rbegin(), perm.rend(), 0);
  }
  ir::Dims sorted = perm;
  std::ranges::sort(sorted);
  bool valid = static_cast<int64_t>(perm.size()) == rank;
  for (size_t i = 0; i < sorted.size(); ++i) valid = valid && sorted[i] == static_cast<int64_t>(i);
  return valid ? perm : ir::Dims{};
}

extern const OpDef kTranspose = {
    .name = "Transpose",
    .since = 25,
    .doc = "Axes in another order; reversed without `perm`.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "transpose"},
    .to_nn = {to_nn, "transpose"},
};

}  // namespace assay::ops

// Bernoulli: 1 where a number drawn from [0, 1) is below the probability, decided in float64.
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"
#include "ops/random_stream.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  const auto type = ir::elem_from_onnx(c.op().attr_int("dtype", static_cast<int64_t>(c.elem(0))));
  if (!type || !(kNumbers | kBool).has(*type)) return c.fail("bernoulli_c1", "dtype is no type of numbers or booleans");
  c.set(0, *type, c.type(0).shape);
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const RandomStream stream(c.op);
  ir::Tensor& out = c.out(0);
  for_each_chunk(c.threads, static_cast<size_t>(out.size()), [&](size_t from, size_t to) {
    double p[kChunk], drawn[kChunk];
    for (size_t at = from; at < to; at += kChunk) {
      const size_t n = std::min(kChunk, to - at);
      const double* probability = load(c.in(0), static_cast<int64_t>(at), n, p);
      stream.uniform(at, n, drawn);
      for (size_t i = 0; i < n; ++i) {
        const bool one = drawn[i] < probability[i];
        const auto k = static_cast<int64_t>(at + i);
        ir::is_float(out.elem()) ? out.set_float(k, one ? 1 : 0) : out.set_int(k, one ? 1 : 0);
      }
    }
  });
  return {};
}

constexpr In kIn[] = {{"input", kFloats}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"dtype", "the input's"}, {"seed", "-"}};

}  // namespace

extern const OpDef kBernoulli = {
    .name = "Bernoulli",
    .since = 22,
    .doc = "1 with the probability that the input says, else 0; drawn by Philox4x32-10.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .upgrades = kNamesDraws,
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "Core ML does not say which numbers are drawn"},
    .to_nn = {.says = "Core ML does not say which numbers are drawn"},
};

}  // namespace assay::ops

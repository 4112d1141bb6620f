#include "num/elementary.h"
#include "ops/divisors.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

template <class T>
void fmod_span(const num::Arith<T>& arith, const float*, const T* const* in, T* out, size_t n) {
  num::fmod(in[0], in[1], out, n);
  arith.step(out, n);
}

// fmod = 0: the sign of the divisor; 1: the sign of the dividend. Divisors are not 0 (eval).
void mod_int(const float* params, const int64_t* const* in, int64_t* out, size_t n) {
  const bool c_sign = params[0] != 0;
  for (size_t i = 0; i < n; ++i) {
    const int64_t a = in[0][i], b = in[1][i];
    int64_t r = b == -1 ? 0 : a % b;
    if (!c_sign && r != 0 && (r < 0) != (b < 0)) r += b;
    out[i] = r;
  }
}
void mod_uint(const float*, const uint64_t* const* in, uint64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = in[0][i] % in[1][i];
}
void params(const ir::Op& op, float* values) { values[0] = op.attr_int("fmod", 0) != 0; }

Status infer(InferContext& c) {
  if (ir::is_float(c.elem(0)) && c.op().attr_int("fmod", 0) == 0)
    return c.fail("mod_c1", "floating-point operands need fmod = 1");
  return infer_broadcast(c);
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_CHECK(check_divisors(c));
  return eval_elementwise(c);
}

constexpr In kIn[] = {{"A", kNumbers}, {"B", kNumbers}};
constexpr Out kOut[] = {{"C"}};
constexpr AttrDoc kAttrs[] = {{"fmod", "0"}};

}  // namespace

extern const OpDef kMod = {
    .name = "Mod",
    .since = 13,
    .doc = "The remainder: of integers with the divisor's sign, or (fmod = 1) with the dividend's.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::elementwise,
    .infer = infer,
    .eval = eval,
    .elementwise = {fmod_span<float>, fmod_span<double>, params, mod_int, mod_uint},
    .in_place = true,
};

}  // namespace assay::ops

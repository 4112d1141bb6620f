// Logic on booleans and on the bits of integers.
#include <algorithm>
#include <cstring>

#include "ops/code_spans.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/legacy_broadcast.h"
#include "ops/lower/simple.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

template <class T>
void and_int(const float*, const T* const* in, T* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = in[0][i] & in[1][i];
}
template <class T>
void or_int(const float*, const T* const* in, T* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = in[0][i] | in[1][i];
}
template <class T>
void xor_int(const float*, const T* const* in, T* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = in[0][i] ^ in[1][i];
}
template <class T>
void complement_int(const float*, const T* const* in, T* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = static_cast<T>(~in[0][i]);
}
void not_bool(const float*, const int64_t* const* in, int64_t* out, size_t n) {
  for (size_t i = 0; i < n; ++i) out[i] = !in[0][i];
}

// A shift by the width or more leaves nothing; of negative numbers, to the right, the sign. (A negative amount counts
// as one that is too large: the operator leaves it undefined.)
template <class T>
void shift(const float* params, const T* const* in, T* out, size_t n) {
  const bool left = params[0] != 0;
  for (size_t i = 0; i < n; ++i) {
    const T value = in[0][i];
    const auto by = static_cast<uint64_t>(in[1][i]);
    if (left)
      out[i] = by >= 64 ? 0 : static_cast<T>(static_cast<uint64_t>(value) << by);
    else
      out[i] = value >> std::min<uint64_t>(by, 63) >> (by >= 64 ? 1 : 0);
  }
}
void shift_params(const ir::Op& op, float* params) { params[0] = op.attr_string("direction", "") == "LEFT"; }

// ---- Operands of one shape, eight bytes at a time: bits do not care for the elements that they are of.

struct And {
  uint64_t operator()(uint64_t a, uint64_t b) const { return a & b; }
};
struct Or {
  uint64_t operator()(uint64_t a, uint64_t b) const { return a | b; }
};
struct Xor {
  uint64_t operator()(uint64_t a, uint64_t b) const { return a ^ b; }
};
/// Of the first operand, which is the second too.
struct Complement {
  uint64_t operator()(uint64_t a, uint64_t) const { return ~a; }
};
struct Not {
  uint64_t operator()(uint64_t a, uint64_t) const { return a ^ kEachByte; }
};

template <class Op, bool kBoolean>
uint64_t combined(uint64_t a, uint64_t b) {
  return kBoolean ? Op()(booleans(a), booleans(b)) : Op()(a, b);
}

template <class Op, bool kBoolean>
void combine_bytes(const std::byte* a, const std::byte* b, std::byte* out, size_t n) {
  const auto word = [&](size_t i, size_t bytes) {
    uint64_t x = 0, y = 0;
    std::memcpy(&x, a + i, bytes);
    std::memcpy(&y, b + i, bytes);
    const uint64_t result = combined<Op, kBoolean>(x, y);
    std::memcpy(out + i, &result, bytes);
  };
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= n; i += sizeof(uint64_t)) word(i, sizeof(uint64_t));
  if (i < n) word(i, n - i);
}

template <class Op, bool kBoolean>
Status eval_bits(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor &a = c.in(0), &b = c.in(c.input_count() - 1);
  if (a.dims() != c.out(0).dims() || b.dims() != c.out(0).dims()) return eval_elementwise(c);
  for_each_chunk(c.threads, c.out(0).byte_size(), [&](size_t from, size_t to) {
    combine_bytes<Op, kBoolean>(a.bytes() + from, b.bytes() + from, c.out(0).mutable_bytes() + from, to - from);
  });
  return {};
}

Status infer_shift(InferContext& c) {
  const std::string direction = c.op().attr_string("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    return c.fail("bitshift_c1", "direction must be LEFT or RIGHT, not '" + direction + "'");
  return infer_broadcast(c);
}

constexpr Lowering<MilContext> kNoBits{nullptr, "ML Programs have no operations on the bits of integers"};
constexpr Lowering<NnContext> kNoBitsNn{nullptr, "layers hold floating-point numbers, not the bits of integers"};
template <Word kType>
constexpr Lowering<MilContext> kLogic{mil_binary<kType>, kType.view()};
template <Word kKind>
constexpr Lowering<NnContext> kLogicNn{nn_plain<kKind>, kKind.view()};
constexpr Lowering<MilContext> kLogicalNot{mil_unary<"logical_not">, "logical_not"};

constexpr In kBoolIn[] = {{"A", kBool}, {"B", kBool}};
constexpr In kNotIn[] = {{"X", kBool}};
constexpr In kIntsIn[] = {{"A", kInts}, {"B", kInts}};
constexpr In kIntIn[] = {{"X", kInts}};
constexpr In kShiftIn[] = {{"X", kInts}, {"Y", kInts}};
constexpr Out kOut[] = {{"result"}};
constexpr AttrDoc kShiftAttrs[] = {{"direction", ""}};

}  // namespace

#define ASSAY_ROW(row, onnx, version, types, rules, rule, evals, function, unsigned_function, mil, nn, sentence) \
  extern const OpDef row = {                                                                                     \
      .name = onnx,                                                                                              \
      .since = version,                                                                                          \
      .doc = sentence,                                                                                           \
      .in = types,                                                                                               \
      .out = kOut,                                                                                               \
      .upgrades = rules,                                                                                         \
      .infer = rule,                                                                                             \
      .eval = (evals),                                                                                           \
      .elementwise = {nullptr, nullptr, nullptr, function, unsigned_function},                                   \
      .to_mil = mil,                                                                                             \
      .to_nn = nn,                                                                                               \
      .in_place = true,                                                                                          \
  };
ASSAY_ROW(kAnd, "And", 7, kBoolIn, kBroadcastUpgrades, infer_broadcast, (eval_bits<And, true>), and_int<int64_t>,
          nullptr, kLogic<"logical_and">, kLogicNn<"logicalAnd">, "Logical and.")
ASSAY_ROW(kBitwiseAnd, "BitwiseAnd", 18, kIntsIn, {}, infer_broadcast, (eval_bits<And, false>), and_int<int64_t>,
          and_int<uint64_t>, kNoBits, kNoBitsNn, "And of the bits.")
ASSAY_ROW(kBitwiseNot, "BitwiseNot", 18, kIntIn, {}, infer_same, (eval_bits<Complement, false>),
          complement_int<int64_t>, complement_int<uint64_t>, kNoBits, kNoBitsNn, "The complement of the bits.")
ASSAY_ROW(kBitwiseOr, "BitwiseOr", 18, kIntsIn, {}, infer_broadcast, (eval_bits<Or, false>), or_int<int64_t>,
          or_int<uint64_t>, kNoBits, kNoBitsNn, "Or of the bits.")
ASSAY_ROW(kBitwiseXor, "BitwiseXor", 18, kIntsIn, {}, infer_broadcast, (eval_bits<Xor, false>), xor_int<int64_t>,
          xor_int<uint64_t>, kNoBits, kNoBitsNn, "Exclusive or of the bits.")
ASSAY_ROW(kNot, "Not", 1, kNotIn, {}, infer_same, (eval_bits<Not, true>), not_bool, nullptr, kLogicalNot,
          kLogicNn<"logicalNot">, "Logical not.")
ASSAY_ROW(kOr, "Or", 7, kBoolIn, kBroadcastUpgrades, infer_broadcast, (eval_bits<Or, true>), or_int<int64_t>, nullptr,
          kLogic<"logical_or">, kLogicNn<"logicalOr">, "Logical or.")
ASSAY_ROW(kXor, "Xor", 7, kBoolIn, kBroadcastUpgrades, infer_broadcast, (eval_bits<Xor, true>), xor_int<int64_t>,
          nullptr, kLogic<"logical_xor">, kLogicNn<"logicalXor">, "Exclusive or.")
#undef ASSAY_ROW

extern const OpDef kBitShift = {
    .name = "BitShift",
    .since = 28,
    .doc = "The bits of integers moved left or right.",
    .in = kShiftIn,
    .out = kOut,
    .attrs = kShiftAttrs,
    .infer = infer_shift,
    .eval = eval_elementwise,
    .elementwise = {nullptr, nullptr, shift_params, shift<int64_t>, shift<uint64_t>},
    .to_mil = kNoBits,
    .to_nn = kNoBitsNn,
    .in_place = true,
};

}  // namespace assay::ops

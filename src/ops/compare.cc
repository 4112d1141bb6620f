// Comparisons, exact in every type. NaN compares false; -0 equals +0.
#include <string>
#include <type_traits>

#include "ops/broadcast.h"
#include "ops/compare_spans.h"
#include "ops/infer.h"
#include "ops/legacy_broadcast.h"
#include "ops/lower/elementwise.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

/// take() of what is stored as int32.
const int32_t* take(const Broadcast& where, const ir::Tensor& t, int64_t begin, size_t n, int32_t* buffer) {
  const int32_t* values = t.data<int32_t>();
  const int32_t* whole = nullptr;
  where.runs(begin, n, [&](size_t position, int64_t offset, size_t length, bool repeats) {
    if (repeats) {
      std::fill_n(buffer + position, length, values[offset]);
    } else if (length == n) {
      whole = values + offset;
    } else {
      std::copy_n(values + offset, length, buffer + position);
    }
  });
  return whole ? whole : buffer;
}

template <class T>
void compare(KernelContext& c, Relation relation) {
  const Broadcast wa(c.in(0).dims(), c.out(0).dims()), wb(c.in(1).dims(), c.out(0).dims());
  auto* out = c.out(0).mutable_data<uint8_t>();
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    T buffer_a[kChunk], buffer_b[kChunk];
    for (size_t begin = from; begin < to; begin += kChunk) {
      const size_t n = std::min(kChunk, to - begin);
      const T* a = take(wa, c.in(0), static_cast<int64_t>(begin), n, buffer_a);
      const T* b = take(wb, c.in(1), static_cast<int64_t>(begin), n, buffer_b);
      compare_spans(relation, a, b, n, out + begin);
    }
  });
}

void compare_strings(KernelContext& c, Relation relation) {
  const Broadcast wa(c.in(0).dims(), c.out(0).dims()), wb(c.in(1).dims(), c.out(0).dims());
  const auto size = c.out(0).size();
  for (int64_t i = 0; i < size; ++i) {
    const std::string *a = nullptr, *b = nullptr;
    wa.runs(i, 1, [&](size_t, int64_t at, size_t, bool) { a = &c.in(0).strings()[static_cast<size_t>(at)]; });
    wb.runs(i, 1, [&](size_t, int64_t at, size_t, bool) { b = &c.in(1).strings()[static_cast<size_t>(at)]; });
    c.out(0).set_int(i, holds(relation, *a, *b));
  }
}

Status eval(KernelContext& c, Relation relation) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::ElemType type = c.in(0).elem();
  if (type == ir::ElemType::string) {
    compare_strings(c, relation);
  } else if (ir::is_float(type)) {
    const bool wide = type == ir::ElemType::float64 || c.in(1).elem() == ir::ElemType::float64;
    wide ? compare<double>(c, relation) : compare<float>(c, relation);
  } else {
    const bool narrow = type == ir::ElemType::int32 && c.in(1).elem() == type;
    if (narrow) {
      compare<int32_t>(c, relation);
    } else {
      type == ir::ElemType::uint64 ? compare<uint64_t>(c, relation) : compare<int64_t>(c, relation);
    }
  }
  return {};
}

template <Relation kRelation>
Status eval_relation(KernelContext& c) {
  return eval(c, kRelation);
}

template <Word kType>
Status compare_to_mil(MilContext& c) {
  const MilValue a = mil_widened(c, 0), b = mil_widened(c, 1);
  if (a.data() != mil::DataType::boolean) return c.emit(kType.view(), {{"x", a}, {"y", b}});
  return c.emit("logical_not", {{"x", c.binary("logical_xor", a, b)}});
}

constexpr In kNumbersIn[] = {{"A", kNumbers}, {"B", kNumbers}};
constexpr In kEqualIn[] = {{"A", kNumbers | kBool | kStrings}, {"B", kNumbers | kBool | kStrings}};
constexpr Out kOut[] = {{"C"}};

}  // namespace

#define ASSAY_ROW(row, onnx, version, types, relation, rules, mil, nn, sentence) \
  extern const OpDef row = {                                                     \
      .name = onnx,                                                              \
      .since = version,                                                          \
      .doc = sentence,                                                           \
      .in = types,                                                               \
      .out = kOut,                                                               \
      .upgrades = rules,                                                         \
      .infer = infer_broadcast_bool,                                             \
      .eval = eval_relation<Relation::relation>,                                 \
      .to_mil = {compare_to_mil<mil>, mil},                                      \
      .to_nn = {nn_compare<nn>, nn},                                             \
  };
ASSAY_ROW(kEqual, "Equal", 19, kEqualIn, equal, kBroadcastUpgrades, "equal", "equal", "Whether elements are equal.")
ASSAY_ROW(kGreater, "Greater", 13, kNumbersIn, greater, kBroadcastUpgrades, "greater", "greaterThan",
          "Whether A is greater than B.")
ASSAY_ROW(kGreaterOrEqual, "GreaterOrEqual", 16, kNumbersIn, greater_or_equal, {}, "greater_equal", "greaterEqual",
          "Whether A is greater or equal.")
ASSAY_ROW(kLess, "Less", 13, kNumbersIn, less, kBroadcastUpgrades, "less", "lessThan", "Whether A is less than B.")
ASSAY_ROW(kLessOrEqual, "LessOrEqual", 16, kNumbersIn, less_or_equal, {}, "less_equal", "lessEqual",
          "Whether A is less or equal.")
#undef ASSAY_ROW

}  // namespace assay::ops

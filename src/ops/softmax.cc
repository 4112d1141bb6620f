// Softmax, LogSoftmax and Hardmax along one axis.
#include <algorithm>
#include <limits>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/rules.h"
#include "ops/move.h"
#include "ops/reduce.h"
#include "ops/rows.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

using num::Function;
enum class Kind : uint8_t { soft, log, hard };

template <class T>
void finish_row(const num::Arith<T>& arith, Kind kind, const T* shifted, T* e, T s, size_t n) {
  if (kind == Kind::soft)
    arith.div(e, s, e, n);
  else
    arith.sub(shifted, arith.apply(Function::log, s), e, n);
}

/// One contiguous row; `shifted` is scratch of LogSoftmax. The sum takes 16 lanes when the axis is the last.
template <class T>
void soft_row(const num::Arith<T>& arith, Kind kind, const T* x, T* y, T* shifted, size_t n, bool last) {
  arith.sub(x, arith.max_of(x, n), shifted, n);
  arith.apply(Function::exp, shifted, y, n);
  const T s = last || !arith.sums_ascending() ? arith.sum(y, n) : ascending_sum(arith, y, n);
  finish_row(arith, kind, shifted, y, s, n);
}

/// 1 at the first largest element, else 0.
template <class T>
void hard_row(const T* x, T* y, size_t n) {
  static const num::Arith<T> plain{num::Policy{}};
  std::fill_n(y, n, T(0));
  if (n == 0) return;
  const T best = plain.max_of(x, n);
  size_t i = 0;
  while (best == best ? x[i] != best : x[i] == x[i]) ++i;
  y[i] = T(1);
}

/// m neighbouring columns of n elements each, `stride` apart; rows of `tile` are m long.
template <class T>
void soft_columns(const num::Arith<T>& arith, Kind kind, T* tile, size_t n, size_t m) {
  T top[kChunk], sum[kChunk], scratch[kChunk];
  std::fill_n(top, m, -std::numeric_limits<T>::infinity());
  for (size_t k = 0; k < n; ++k) arith.max(top, tile + k * m, top, m);
  std::fill_n(sum, m, T(0));
  for (size_t k = 0; k < n; ++k) {
    T* row = tile + k * m;
    arith.sub(row, top, row, m);
    T* e = kind == Kind::soft ? row : scratch;
    arith.apply(Function::exp, row, e, m);
    arith.accumulate(e, sum, m);
  }
  if (kind == Kind::log) arith.apply(Function::log, sum, sum, m);
  for (size_t k = 0; k < n; ++k) {
    T* row = tile + k * m;
    kind == Kind::soft ? arith.div(row, sum, row, m) : arith.sub(row, sum, row, m);
  }
}

template <class T>
void run_rows(KernelContext& c, const num::Arith<T>& arith, Kind kind, const AxisSplit& s, bool last) {
  const auto n = static_cast<size_t>(s.n);
  c.threads.for_each(static_cast<size_t>(s.outer), std::max<size_t>(1, kGrain / 4 / std::max<size_t>(n, 1)),
                     [&](size_t begin, size_t end) {
                       std::vector<T> in(n), out(n), scratch(n);
                       for (size_t i = begin; i < end; ++i) {
                         const auto at = static_cast<int64_t>(i * n);
                         const T* x = load(c.in(0), at, n, in.data());
                         T* y = destination(c.out(0), at, out.data());
                         if (kind == Kind::hard)
                           hard_row(x, y, n);
                         else
                           soft_row(arith, kind, x, y, scratch.data(), n, last);
                         store(c.out(0), at, n, y, c.policy());
                       }
                     });
}

template <class T>
void run_columns(KernelContext& c, const num::Arith<T>& arith, Kind kind, const AxisSplit& s) {
  const auto n = static_cast<size_t>(s.n), inner = static_cast<size_t>(s.inner);
  const size_t width = std::min<size_t>(inner, 256), pieces = (inner + width - 1) / width;
  const size_t tasks = static_cast<size_t>(s.outer) * pieces;
  c.threads.for_each(tasks, std::max<size_t>(1, kGrain / 4 / std::max<size_t>(n * width, 1)), [&](size_t b, size_t e) {
    std::vector<T> tile(n * width), line(n);
    for (size_t i = b; i < e; ++i) {
      const size_t column = i % pieces * width, m = std::min(width, inner - column);
      const auto base = static_cast<int64_t>(i / pieces * n * inner + column);
      const auto row_at = [&](size_t k) { return base + static_cast<int64_t>(k * inner); };
      for (size_t k = 0; k < n; ++k) {
        T* to = tile.data() + k * m;
        if (const T* x = load(c.in(0), row_at(k), m, to); x != to) std::copy_n(x, m, to);
      }
      if (kind != Kind::hard && arith.sums_ascending()) {
        soft_columns(arith, kind, tile.data(), n, m);
      } else {
        std::vector<T> out(n), scratch(n);
        for (size_t j = 0; j < m; ++j) {
          for (size_t k = 0; k < n; ++k) line[k] = tile[k * m + j];
          if (kind == Kind::hard)
            hard_row(line.data(), out.data(), n);
          else
            soft_row(arith, kind, line.data(), out.data(), scratch.data(), n, false);
          for (size_t k = 0; k < n; ++k) tile[k * m + j] = out[k];
        }
      }
      for (size_t k = 0; k < n; ++k) store(c.out(0), row_at(k), m, tile.data() + k * m, c.policy());
    }
  });
}

template <class T>
void run(KernelContext& c, Kind kind, int64_t axis) {
  const num::Arith<T> arith(c.policy());
  const AxisSplit s = split_at(c.in(0).dims(), axis);
  if (s.outer * s.n * s.inner == 0) return;
  if (s.inner == 1)
    run_rows(c, arith, kind, s, axis + 1 == c.in(0).rank());
  else
    run_columns(c, arith, kind, s);
}

template <Kind kKind>
Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const int64_t wanted = c.op.attr_int("axis", -1), rank = c.in(0).rank();
  const int64_t axis = rank == 0 ? 0 : normal_axis(wanted, rank);
  if (axis < 0) return axis_error(c, wanted, rank);
  computes_float64(c) ? run<double>(c, kKind, axis) : run<float>(c, kKind, axis);
  return {};
}

Status infer(InferContext& c) {
  if (c.ranked(0) && c.rank(0) > 0) ASSAY_CHECK(c.axis(c.op().attr_int("axis", -1), c.rank(0), "softmax_c1"));
  return infer_same(c);
}

// Before 13 all axes from `axis` on were one: flattened to two axes and back.
Status flatten(UpgradeContext& c) {
  const int64_t axis = c.op.attr_int("axis", 1);
  c.op.set_attr("axis", int64_t{-1});
  const ir::Type type = c.type(0);
  if (axis == -1 || (type.ranked() && axis + 1 == static_cast<int64_t>(type.shape->size()))) return {};
  const ir::ValueId x = c.op.inputs[0], result = c.op.outputs[0];
  const ir::ValueId shape = c.insert_before(ir::Op{.domain = {}, .type = "Shape", .name = {}, .inputs = {x}},
                                            ir::Type::tensor(ir::ElemType::int64));
  ir::Op flat{.domain = {}, .type = "Flatten", .name = {}, .inputs = {x}};
  flat.set_attr("axis", axis);
  c.op.inputs[0] = c.insert_before(std::move(flat), ir::Type::tensor(type.elem));
  c.op.outputs[0] = c.graph.add_value(c.graph.fresh_name(c.op.type), ir::Type::tensor(type.elem));
  ir::Op back{.domain = {}, .type = "Reshape", .name = {}, .inputs = {c.op.outputs[0], shape}, .outputs = {result}};
  back.set_attr("allowzero", int64_t{1});
  c.after.push_back(std::move(back));
  return {};
}

constexpr In kIn[] = {{"input", kFloats}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"axis", "-1"}};
constexpr Upgrade kUpgrades[] = {{13, flatten}};
constexpr Function kExp[] = {Function::exp};
constexpr Function kExpLog[] = {Function::exp, Function::log};

}  // namespace

extern const OpDef kHardmax = {
    .name = "Hardmax",
    .since = 13,
    .doc = "1 at the first largest element along the axis, else 0.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval<Kind::hard>,
    .to_mil = {hardmax_to_mil, "reduce_max, equal, cumsum, cast"},
    .to_nn = {hardmax_to_nn, "reduceMax, equal, cumSum, logicalAnd"},
};

extern const OpDef kLogSoftmax = {
    .name = "LogSoftmax",
    .since = 13,
    .doc = "(x - max) - log(sum(exp(x - max))) along the axis.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "exponentials along the axis",
    .elementary = kExpLog,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval<Kind::log>,
    .to_mil = {log_softmax_to_mil, "reduce_max, sub, exp, reduce_sum, log, sub"},
    .to_nn = {log_softmax_to_nn, "reduceMax, unary EXP, reduceSum, unary LOG, subtractBroadcastable"},
};

extern const OpDef kSoftmax = {
    .name = "Softmax",
    .since = 13,
    .doc = "exp(x - max) / sum along the axis.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "exponentials along the axis",
    .elementary = kExp,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval<Kind::soft>,
    .to_mil = {softmax_to_mil, "softmax"},
    .to_nn = {softmax_to_nn, "softmaxND"},
    .bound = {.f32 = 16},
};

}  // namespace assay::ops

// CumSum and CumProd: ascending along the axis, or from the last element down.
#include <algorithm>
#include <functional>
#include <limits>
#include <vector>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/move.h"
#include "ops/plain_steps.h"
#include "ops/rows.h"

namespace assay::ops {
namespace {

/// step(acc, x, n): acc = acc op x. put(at, acc): writes acc as the output's elements from `at` on.
template <class T, class Step, class Put>
void run(KernelContext& c, const AxisSplit& s, T start, Step step, Put put) {
  const bool reverse = c.op.attr_int("reverse", 0) != 0, exclusive = c.op.attr_int("exclusive", 0) != 0;
  const int64_t pieces = (s.inner + static_cast<int64_t>(kChunk) - 1) / static_cast<int64_t>(kChunk);
  c.threads.for_each(static_cast<size_t>(s.outer * pieces), 1, [&](size_t begin, size_t end) {
    std::vector<T> acc(kChunk), buffer(kChunk), out(kChunk);
    for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i) {
      const int64_t column = i % pieces * static_cast<int64_t>(kChunk);
      const auto m = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(kChunk), s.inner - column));
      std::fill_n(acc.begin(), m, start);
      for (int64_t k = 0; k < s.n; ++k) {
        const int64_t at = (i / pieces * s.n + (reverse ? s.n - 1 - k : k)) * s.inner + column;
        const T* x = load(c.in(0), at, m, buffer.data());
        if (!exclusive) step(acc.data(), x, m);
        std::copy_n(acc.begin(), m, out.begin());
        if (exclusive) step(acc.data(), x, m);
        put(at, out.data(), m);
      }
    }
  });
}

template <class T>
T canonical(T x) {
  return x == x ? x : std::numeric_limits<T>::quiet_NaN();
}

/// One line of contiguous elements in plain steps: a chain from one element to the next, which nothing but its own
/// additions should wait for. `down`: from the last element on.
template <class T, class Step>
void chain(const T* x, T* y, size_t n, T start, bool exclusive, bool down, Step step) {
  T acc = start;
  for (size_t k = 0; k < n; ++k) {
    const size_t i = down ? n - 1 - k : k;
    const T next = step(acc, x[i]);
    y[i] = canonical(exclusive ? acc : next);
    acc = next;
  }
}

template <class T>
void run_lines(KernelContext& c, const AxisSplit& s, bool product) {
  const bool down = c.op.attr_int("reverse", 0) != 0, exclusive = c.op.attr_int("exclusive", 0) != 0;
  const auto n = static_cast<size_t>(s.n);
  c.threads.for_each(static_cast<size_t>(s.outer), std::max<size_t>(1, kGrain / n), [&](size_t begin, size_t end) {
    std::vector<T> room(n), results(n);
    for (size_t o = begin; o < end; ++o) {
      const auto at = static_cast<int64_t>(o) * s.n;
      const T* x = load(c.in(0), at, n, room.data());
      T* y = destination(c.out(0), at, results.data());
      if (product)
        chain(x, y, n, T(1), exclusive, down, std::multiplies<T>());
      else
        chain(x, y, n, T(0), exclusive, down, std::plus<T>());
      store(c.out(0), at, n, y, c.policy());
    }
  });
}

template <class T>
void run_floats(KernelContext& c, const AxisSplit& s, bool product) {
  if (s.inner == 1 && s.n > 0 && plain_steps(c.policy())) return run_lines<T>(c, s, product);
  const num::Arith<T> arith(c.policy());
  const auto step = [&](T* acc, const T* x, size_t n) {
    product ? arith.mul(acc, x, acc, n) : arith.add(acc, x, acc, n);
  };
  run<T>(c, s, product ? T(1) : T(0), step,
         [&](int64_t at, T* values, size_t n) { store(c.out(0), at, n, values, c.policy()); });
}

void run_integers(KernelContext& c, const AxisSplit& s, bool product) {
  const auto step = [&](uint64_t* acc, const uint64_t* x, size_t n) {
    for (size_t i = 0; i < n; ++i) acc[i] = product ? acc[i] * x[i] : acc[i] + x[i];
  };
  run<uint64_t>(c, s, product ? 1 : 0, step, [&](int64_t at, uint64_t* values, size_t n) {
    store_integers(c.out(0), at, n, reinterpret_cast<const int64_t*>(values));
  });
}

Status eval(KernelContext& c, bool product) {
  ASSAY_CHECK(allocate_outputs(c));
  if (c.in(1).size() != 1) return c.fail(Code::model_invalid, "the axis must be one number");
  const int64_t wanted = c.in(1).int_at(0), axis = normal_axis(wanted, c.in(0).rank());
  if (axis < 0) return axis_error(c, wanted, c.in(0).rank());
  const AxisSplit s = split_at(c.in(0).dims(), axis);
  if (s.inner == 0) return {};
  if (!ir::is_float(c.in(0).elem()))
    run_integers(c, s, product);
  else
    computes_float64(c) ? run_floats<double>(c, s, product) : run_floats<float>(c, s, product);
  return {};
}
Status eval_sum(KernelContext& c) { return eval(c, false); }
Status eval_prod(KernelContext& c) { return eval(c, true); }

/// The axis from the front: coremltools takes -1, but not the negative number of the first one.
template <class C>
int64_t known_axis(const C& c) {
  const int64_t axis = c.constant(1)->int_at(0);
  return axis < 0 ? axis + c.rank(0) : axis;
}

template <class C>
Status check_sum(const C& c) {
  if (c.constant(1) == nullptr) return c.refuse("an axis that is computed");
  return {};
}

Status sum_to_mil(MilContext& c) {
  ASSAY_CHECK(check_sum(c));
  if (!ir::is_float(c.elem(0)) && c.elem(0) != ir::ElemType::int32 && c.elem(0) != ir::ElemType::int64)
    return c.refuse("of " + std::string(ir::elem_name(c.elem(0))));
  return c.emit("cumsum", {{"x", c.in(0)},
                           {"axis", mil::of_int(static_cast<int32_t>(known_axis(c)))},
                           {"exclusive", mil::of_bool(c.op.attr_int("exclusive", 0) != 0)},
                           {"reverse", mil::of_bool(c.op.attr_int("reverse", 0) != 0)}});
}

Status sum_to_nn(NnContext& c) {
  ASSAY_CHECK(check_sum(c));
  ASSAY_CHECK(nn_takes_numbers(c));
  mil::Message params = c.params("cumSum");
  params.set("axis", known_axis(c)).set("excludeFinalSum", int64_t{c.op.attr_int("exclusive", 0) != 0});
  params.set("reverse", int64_t{c.op.attr_int("reverse", 0) != 0});
  return c.layer("cumSum", {c.in(0)}, std::move(params));
}

constexpr In kIn[] = {{"x", kNumbers}, {"axis", kIndices, kExempt}};
constexpr Out kOut[] = {{"y"}};
constexpr AttrDoc kAttrs[] = {{"exclusive", "0"}, {"reverse", "0"}};

}  // namespace

extern const OpDef kCumProd = {
    .name = "CumProd",
    .since = 26,
    .doc = "Products of the elements so far along the axis.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::reduction,
    .accumulates = "factors, ascending",
    .infer = infer_same,
    .eval = eval_prod,
    .to_mil = {.says = "Core ML has sums along an axis alone"},
    .to_nn = {.says = "Core ML has sums along an axis alone"},
};

extern const OpDef kCumSum = {
    .name = "CumSum",
    .since = 14,
    .doc = "Sums of the elements so far along the axis.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::reduction,
    .accumulates = "elements, ascending",
    .infer = infer_same,
    .eval = eval_sum,
    .to_mil = {sum_to_mil, "cumsum"},
    .to_nn = {sum_to_nn, "cumSum"},
};

}  // namespace assay::ops

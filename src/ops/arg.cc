// ArgMax and ArgMin. A NaN counts as the extreme; the first of equals wins, or the last where the attribute says so.
#include <type_traits>
#include <vector>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/reduce.h"
#include "ops/move.h"
#include "ops/rows.h"

namespace assay::ops {
namespace {

template <class T>
bool beats(T candidate, T best, bool largest, bool last) {
  if constexpr (std::is_floating_point_v<T>) {
    if (candidate != candidate) return best == best || last;
    if (best != best) return false;
  }
  if (candidate == best) return last;
  return largest ? candidate > best : candidate < best;
}

/// Where the extreme of a run of integers is.
template <class T>
size_t place_of(const T* x, size_t n, bool largest, bool last, T*) {
  size_t best = 0;
  for (size_t i = 1; i < n; ++i)
    if (beats(x[i], x[best], largest, last)) best = i;
  return best;
}

/// Of floats: the extreme first, then where it is. `room` holds n.
template <class T>
  requires std::is_floating_point_v<T>
size_t place_of(const T* x, size_t n, bool largest, bool last, T* room) {
  static const num::Arith<T> plain{num::Policy{}};
  if (!largest) {
    plain.neg(x, room, n);
    x = room;
  }
  const T best = plain.max_of(x, n);
  const bool is_nan = best != best;
  const auto is_best = [&](T value) { return is_nan ? value != value : value == best; };
  size_t i = last ? n - 1 : 0;
  while (!is_best(x[i])) last ? --i : ++i;
  return i;
}

/// Runs that are contiguous.
template <class T>
void run_rows(KernelContext& c, const AxisSplit& s, bool largest) {
  const bool last = c.op.attr_int("select_last_index", 0) != 0;
  const auto n = static_cast<size_t>(s.n);
  auto* out = c.out(0).mutable_data<int64_t>();
  c.threads.for_each(static_cast<size_t>(s.outer), std::max<size_t>(1, kGrain / n), [&](size_t begin, size_t end) {
    std::vector<T> buffer(n), room(n);
    for (size_t o = begin; o < end; ++o) {
      const T* x = load(c.in(0), static_cast<int64_t>(o) * s.n, n, buffer.data());
      out[o] = static_cast<int64_t>(place_of(x, n, largest, last, room.data()));
    }
  });
}

template <class T>
void run_columns(KernelContext& c, const AxisSplit& s, bool largest) {
  const bool last = c.op.attr_int("select_last_index", 0) != 0;
  const auto inner = static_cast<size_t>(s.inner);
  auto* out = c.out(0).mutable_data<int64_t>();
  c.threads.for_each(static_cast<size_t>(s.outer), std::max<size_t>(1, kGrain / static_cast<size_t>(s.n * s.inner)),
                     [&](size_t begin, size_t end) {
                       std::vector<T> best(inner), buffer(inner);
                       for (size_t o = begin; o < end; ++o) {
                         int64_t* index = out + o * inner;
                         for (int64_t k = 0; k < s.n; ++k) {
                           const int64_t at = (static_cast<int64_t>(o) * s.n + k) * s.inner;
                           const T* x = load(c.in(0), at, inner, buffer.data());
                           for (size_t j = 0; j < inner; ++j) {
                             if (k != 0 && !beats(x[j], best[j], largest, last)) continue;
                             best[j] = x[j];
                             index[j] = k;
                           }
                         }
                       }
                     });
}

template <class T>
void run(KernelContext& c, const AxisSplit& s, bool largest) {
  s.inner == 1 ? run_rows<T>(c, s, largest) : run_columns<T>(c, s, largest);
}

Status eval(KernelContext& c, bool largest) {
  ASSAY_CHECK(allocate_outputs(c));
  const int64_t wanted = c.op.attr_int("axis", 0), rank = c.in(0).rank();
  const int64_t axis = rank == 0 ? 0 : normal_axis(wanted, rank);
  if (axis < 0) return axis_error(c, wanted, rank);
  const AxisSplit s = split_at(c.in(0).dims(), axis);
  if (s.outer * s.inner == 0) return {};
  if (s.n == 0) return c.fail(Code::value_range, "no element to choose from along the axis");
  const ir::ElemType type = c.in(0).elem();
  if (type == ir::ElemType::float64)
    run<double>(c, s, largest);
  else if (ir::is_float(type))
    run<float>(c, s, largest);
  else if (type == ir::ElemType::uint64)
    run<uint64_t>(c, s, largest);
  else
    run<int64_t>(c, s, largest);
  return {};
}
Status eval_max(KernelContext& c) { return eval(c, true); }
Status eval_min(KernelContext& c) { return eval(c, false); }

Status infer(InferContext& c) {
  if (!c.ranked(0)) return c.set(0, ir::ElemType::int64, std::nullopt), Status{};
  std::vector<ir::Dim> shape = c.shape(0);
  if (!shape.empty()) {
    ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", 0), c.rank(0), "argmax_c1"));
    if (c.op().attr_int("keepdims", 1) != 0)
      shape[static_cast<size_t>(axis)] = ir::Dim(1);
    else
      shape.erase(shape.begin() + axis);
  }
  c.set(0, ir::ElemType::int64, std::move(shape));
  return {};
}

Status max_to_mil(MilContext& c) { return arg_to_mil(c, true); }
Status min_to_mil(MilContext& c) { return arg_to_mil(c, false); }
Status max_to_nn(NnContext& c) { return arg_to_nn(c, true); }
Status min_to_nn(NnContext& c) { return arg_to_nn(c, false); }

constexpr In kIn[] = {{"data", kNumbers}};
constexpr Out kOut[] = {{"reduced"}};
constexpr AttrDoc kAttrs[] = {{"axis", "0"}, {"keepdims", "1"}, {"select_last_index", "0"}};

}  // namespace

extern const OpDef kArgMax = {
    .name = "ArgMax",
    .since = 13,
    .doc = "The index of the largest element along the axis.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval_max,
    .to_mil = {max_to_mil, "reduce_argmax; which of equals is not promised"},
    .to_nn = {max_to_nn, "argMax; which of equals is not promised"},
};

extern const OpDef kArgMin = {
    .name = "ArgMin",
    .since = 13,
    .doc = "The index of the smallest element along the axis.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval_min,
    .to_mil = {min_to_mil, "reduce_argmin; which of equals is not promised"},
    .to_nn = {min_to_nn, "argMin; which of equals is not promised"},
};

}  // namespace assay::ops

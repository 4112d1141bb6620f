#include "ops/reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/elementwise.h"
#include "ops/plain_steps.h"

namespace assay::ops {

ReducePlan::ReducePlan(const ir::Dims& dims, const std::vector<bool>& reduced)
    : last_reduced_(!dims.empty() && reduced.back()) {
  std::vector<Axis> axes;  // innermost first; neighbours of one kind are one
  int64_t stride = 1;
  for (size_t k = dims.size(); k-- > 0;) {
    if (dims[k] != 1) {
      if (!axes.empty() && axes.back().reduced == reduced[k])
        axes.back().extent *= dims[k];
      else
        axes.push_back({dims[k], stride, reduced[k]});
    }
    stride *= dims[k];
    (reduced[k] ? terms_ : results_) *= dims[k];
  }
  if (!axes.empty() && !axes[0].reduced && !last_reduced_) width_ = axes[0].extent;
  if (!axes.empty() && axes[0].reduced) run_ = axes[0].extent;
  std::vector<Axis> outer_terms;  // outermost first, without the contiguous run
  for (size_t k = axes.size(); k-- > 0;) {
    if (!axes[k].reduced) kept_.push_back(axes[k]);
    if (axes[k].reduced && k != 0) outer_terms.push_back(axes[k]);
  }
  if (terms_ == 0) return;
  term_offsets_ = {0};
  for (const Axis& axis : outer_terms) {
    std::vector<int64_t> next;
    next.reserve(term_offsets_.size() * static_cast<size_t>(axis.extent));
    for (const int64_t base : term_offsets_) {
      for (int64_t i = 0; i < axis.extent; ++i) next.push_back(base + i * axis.stride);
    }
    term_offsets_ = std::move(next);
  }
}

int64_t ReducePlan::result_offset(int64_t i) const {
  int64_t offset = 0;
  for (size_t k = kept_.size(); k-- > 0; i /= kept_[k].extent) offset += i % kept_[k].extent * kept_[k].stride;
  return offset;
}

namespace {

using num::Function;

template <class T>
T finite_or_zero(T m) {
  return std::isfinite(m) ? m : T(0);
}

/// The negative of the largest negative; or halves against each other, whose order does not matter as a minimum is
/// exact.
template <class T>
T min_of(const num::Arith<T>& arith, const T* a, T* scratch, size_t n) {
  T result = std::numeric_limits<T>::infinity();
  if (plain_steps(arith.policy())) {
    arith.neg(a, scratch, n);
    result = arith.max_of(scratch, n);
    return result == result ? -result : result;
  }
  for (; n > 1; a = scratch) {
    const size_t half = (n + 1) / 2;
    arith.min(a, a + half, scratch, n - half);
    if (n % 2 != 0) scratch[half - 1] = a[half - 1];
    n = half;
  }
  if (n != 0) arith.min(&result, a, &result, 1);
  return result;
}

template <class T>
T prod_of(const num::Arith<T>& arith, const T* a, size_t n) {
  T result = T(1);
  if (plain_steps(arith.policy())) {
    for (size_t i = 0; i < n; ++i) result *= a[i];
    return result == result ? result : std::numeric_limits<T>::quiet_NaN();
  }
  for (size_t i = 0; i < n; ++i) result = arith.mul(result, a[i]);
  return result;
}

/// The terms of one result, contiguous; `ascending` when the order is not that of the 16 lanes. `a` is overwritten.
template <class T>
T reduce_terms(const num::Arith<T>& arith, Reduction kind, const T* a, T* scratch, size_t n, bool ascending) {
  const auto sum = [&](const T* x) { return ascending ? ascending_sum(arith, x, n) : arith.sum(x, n); };
  switch (kind) {
    case Reduction::max:
      return arith.max_of(a, n);
    case Reduction::min:
      return min_of(arith, a, scratch, n);
    case Reduction::prod:
      return prod_of(arith, a, n);
    case Reduction::l1:
      arith.abs(a, scratch, n);
      return sum(scratch);
    case Reduction::l2:
    case Reduction::sum_square:
      if (!ascending) return arith.sum_of_squares(a, n);
      {
        T acc = 0;
        for (size_t i = 0; i < n; ++i) arith.accumulate_squares(a + i, &acc, 1);
        return acc;
      }
    case Reduction::log_sum_exp: {
      const T m = finite_or_zero(arith.max_of(a, n));
      arith.sub(a, m, scratch, n);
      arith.apply(Function::exp, scratch, scratch, n);
      return arith.add(m, arith.apply(Function::log, sum(scratch)));
    }
    case Reduction::sum:
    case Reduction::mean:
    case Reduction::log_sum:
      break;
  }
  return sum(a);
}

/// What is done to the finished sums.
template <class T>
void finish(const num::Arith<T>& arith, Reduction kind, T* y, size_t n, int64_t terms) {
  if (kind == Reduction::mean) arith.div(y, static_cast<T>(terms), y, n);
  if (kind == Reduction::l2) arith.sqrt(y, y, n);
  if (kind == Reduction::log_sum) arith.apply(Function::log, y, y, n);
}

template <class T>
T start(Reduction kind) {
  if (kind == Reduction::max) return -std::numeric_limits<T>::infinity();
  if (kind == Reduction::min) return std::numeric_limits<T>::infinity();
  return kind == Reduction::prod ? T(1) : T(0);
}

template <class T>
void take_in(const num::Arith<T>& arith, Reduction kind, const T* x, T* acc, T* scratch, size_t n) {
  switch (kind) {
    case Reduction::max:
      return arith.max(acc, x, acc, n);
    case Reduction::min:
      return arith.min(acc, x, acc, n);
    case Reduction::prod:
      return arith.mul(acc, x, acc, n);
    case Reduction::l1:
      arith.abs(x, scratch, n);
      return arith.accumulate(scratch, acc, n);
    case Reduction::l2:
    case Reduction::sum_square:
      return arith.accumulate_squares(x, acc, n);
    default:
      return arith.accumulate(x, acc, n);
  }
}

/// n neighbouring results at once, terms ascending: the terms of all of them lie beside each other.
template <class T>
void reduce_columns(const num::Arith<T>& arith, Reduction kind, const ReducePlan& plan, const ir::Tensor& in,
                    int64_t first, T* out, size_t n) {
  T buffer[kChunk], scratch[kChunk], top[kChunk];
  const int64_t base = plan.result_offset(first);
  const auto each = [&](auto body) {
    for (const int64_t offset : plan.term_offsets()) body(load(in, base + offset, n, buffer));
  };
  std::fill_n(out, n, start<T>(kind));
  if (kind != Reduction::log_sum_exp) {
    each([&](const T* x) { take_in(arith, kind, x, out, scratch, n); });
    return finish(arith, kind, out, n, plan.terms());
  }
  std::fill_n(top, n, -std::numeric_limits<T>::infinity());
  each([&](const T* x) { arith.max(top, x, top, n); });
  std::transform(top, top + n, top, finite_or_zero<T>);
  each([&](const T* x) {
    arith.sub(x, top, scratch, n);
    arith.apply(Function::exp, scratch, scratch, n);
    arith.accumulate(scratch, out, n);
  });
  arith.apply(Function::log, out, out, n);
  arith.add(top, out, out, n);
}

/// One result from its terms, gathered where they do not lie beside each other.
template <class T>
T reduce_one(const num::Arith<T>& arith, Reduction kind, const ReducePlan& plan, const ir::Tensor& in, int64_t result,
             std::vector<T>& terms, std::vector<T>& scratch) {
  const int64_t base = plan.result_offset(result);
  const auto n = static_cast<size_t>(plan.terms()), run = static_cast<size_t>(plan.run());
  const T* a = terms.data();
  if (n != 0 && plan.term_offsets().size() == 1) {
    a = load(in, base, n, terms.data());
  } else {
    T* to = terms.data();
    for (const int64_t offset : plan.term_offsets()) {
      const T* from = load(in, base + offset, run, to);
      if (from != to) std::copy_n(from, run, to);
      to += run;
    }
  }
  const bool ascending = !plan.last_reduced() && arith.sums_ascending();
  return reduce_terms(arith, kind, a, scratch.data(), n, ascending);
}

}  // namespace

template <class T>
T ascending_sum(const num::Arith<T>& arith, const T* a, size_t n) {
  T acc = 0;
  for (size_t i = 0; i < n; ++i) arith.accumulate(a + i, &acc, 1);
  return acc;
}

template <class T>
void reduce(const num::Arith<T>& arith, Reduction kind, const ReducePlan& plan, const ir::Tensor& in, T* out,
            const Threads& threads) {
  const auto results = static_cast<size_t>(plan.results());
  const auto terms = static_cast<size_t>(std::max<int64_t>(plan.terms(), 1));
  if (!plan.last_reduced() && arith.sums_ascending() && plan.width() > 1) {
    const auto width = static_cast<size_t>(plan.width());
    const size_t piece = std::min<size_t>(width, kChunk), pieces = (width + piece - 1) / piece;
    threads.for_each(results / width * pieces, std::max<size_t>(1, kGrain / (terms * piece)), [&](size_t b, size_t e) {
      for (size_t i = b; i < e; ++i) {
        const size_t begin = i % pieces * piece, first = i / pieces * width + begin;
        reduce_columns(arith, kind, plan, in, static_cast<int64_t>(first), out + first, std::min(piece, width - begin));
      }
    });
    return;
  }
  threads.for_each(results, std::max<size_t>(1, kGrain / terms), [&](size_t begin, size_t end) {
    std::vector<T> gathered(terms), scratch(terms);
    for (size_t i = begin; i < end; ++i)
      out[i] = reduce_one(arith, kind, plan, in, static_cast<int64_t>(i), gathered, scratch);
    finish(arith, kind, out + begin, end - begin, plan.terms());
  });
}

template void reduce(const num::Arith<float>&, Reduction, const ReducePlan&, const ir::Tensor&, float*, const Threads&);
template void reduce(const num::Arith<double>&, Reduction, const ReducePlan&, const ir::Tensor&, double*,
                     const Threads&);
template float ascending_sum(const num::Arith<float>&, const float*, size_t);
template double ascending_sum(const num::Arith<double>&, const double*, size_t);

}  // namespace assay::ops

// AveragePool and LpPool: sums over windows, ascending over the kernel axes.
#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>

#include "num/format.h"
#include "ops/element_spans.h"
#include "ops/lower/families.h"
#include "ops/move.h"
#include "ops/plain_steps.h"
#include "ops/pool_rows.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

/// Adds the taps of one output row one by one; pads are skipped by adding +0, which changes no sum that began at +0.
template <class T, class AddTap>
void add_windows(KernelContext& c, const std::vector<WindowAxis>& axes, const PoolRow& at, PhasedRow<T>& phased,
                 std::vector<T>& loaded, const AddTap& add) {
  for_each_input_row(axes, at.index, [&](int64_t offset) {
    phased.set(load(c.in(0), at.in_plane + offset, loaded.size(), loaded.data()));
    for (int64_t k = 0; k < axes.back().kernel; ++k) add(phased.tap(k));
  });
}

/// Sums of windows in plain steps, all taps of a row at once. Rows of the input stay spread for the next rows that read
/// them.
class PlainSums {
 public:
  PlainSums(const std::vector<WindowAxis>& axes) : axes_(axes) {
    int64_t rows = 1;
    for (size_t k = 0; k + 1 < axes.size(); ++k) rows *= axes[k].kernel;
    room_ = static_cast<size_t>(std::min<int64_t>(rows, kMostRows));
  }
  void sum(const KernelContext& c, const PoolRow& at, float* sums, size_t count) {
    terms_.clear();
    size_t held = 0;
    bool first = true;
    for_each_input_row(axes_, at.index, [&](int64_t offset) {
      if (held++ == room_) {  // more rows than are kept: what there is first
        flush(sums, count, std::exchange(first, false));
        held = 1;
      }
      const PhasedRow<float>& row = spread(c, at.in_plane + offset);
      for (int64_t k = 0; k < axes_.back().kernel; ++k) terms_.push_back(row.tap(k));
    });
    flush(sums, count, first);
  }

 private:
  static constexpr int64_t kMostRows = 16;
  struct Row {
    int64_t place;
    uint64_t used;
    PhasedRow<float> spread;
    std::vector<float> loaded;
  };

  /// Adds the terms to what there is; `first`: to nothing.
  void flush(float* sums, size_t count, bool first) {
    if (!first) {
      before_.assign(sums, sums + count);
      terms_.insert(terms_.begin(), before_.data());
    }
    add_terms(terms_.data(), terms_.size(), count, sums);
    terms_.clear();
  }
  const PhasedRow<float>& spread(const KernelContext& c, int64_t place) {
    if (const auto found = std::ranges::find(rows_, place, &Row::place); found != rows_.end()) {
      found->used = ++time_;
      return found->spread;
    }
    const bool more = rows_.size() < room_;
    if (more)
      rows_.push_back(
          {-1, 0, PhasedRow<float>(axes_.back(), 0), std::vector<float>(static_cast<size_t>(axes_.back().in))});
    // The row that nothing has read for the longest time goes.
    Row& row = more ? rows_.back() : *std::ranges::min_element(rows_, {}, &Row::used);
    row.used = ++time_;
    row.place = place;
    row.spread.set(load(c.in(0), place, row.loaded.size(), row.loaded.data()));
    return row.spread;
  }

  const std::vector<WindowAxis>& axes_;
  size_t room_;
  std::vector<Row> rows_;
  uint64_t time_ = 0;
  std::vector<const float*> terms_;
  std::vector<float> before_;
};

/// The terms of output `o` of a row, in order: for policies that add them in another way.
template <class T>
void gather_window(KernelContext& c, const std::vector<WindowAxis>& axes, const PoolRow& at, int64_t o,
                   std::vector<T>& terms) {
  terms.clear();
  const WindowAxis& last = axes.back();
  const auto [lo, hi] = last.taps(o);
  for_each_input_row(axes, at.index, [&, lo = lo, hi = hi](int64_t offset) {
    for (int64_t k = lo; k < hi; ++k)
      terms.push_back(static_cast<T>(c.in(0).float_at(at.in_plane + offset + last.first(o) + k * last.dilation)));
  });
}

/// Number of elements of each window of a row, as divisors (or their reciprocals where the policy multiplies). Rows
/// that are alike share them.
template <class T>
class WindowCounts {
 public:
  WindowCounts(const KernelContext& c, const std::vector<WindowAxis>& axes)
      : policy_(c.policy()), axes_(axes), pads_(c.op.attr_int("count_include_pad", 0) != 0) {
    for (int64_t o = 0; o < axes.back().out; ++o) along_.push_back(taps(axes.back(), o));
    counts_.resize(along_.size());
  }
  const T* of_row(const ir::Dims& index) {
    int64_t outer = 1;
    for (size_t k = 0; k < index.size(); ++k) outer *= taps(axes_[k], index[k]);
    if (outer == std::exchange(outer_, outer)) return counts_.data();
    for (size_t o = 0; o < counts_.size(); ++o) {
      const auto n = static_cast<T>(outer * along_[o]);
      counts_[o] = policy_.divide_by_reciprocal ? reciprocal(n) : n;
    }
    return counts_.data();
  }

 private:
  int64_t taps(const WindowAxis& a, int64_t o) const {
    const auto [lo, hi] = a.taps(o);
    return pads_ ? a.padded_taps(o) : hi - lo;
  }
  T reciprocal(T n) const {
    const T exact = T{1} / n;
    return policy_.result ? static_cast<T>(num::round(static_cast<double>(exact), *policy_.result)) : exact;
  }

  const num::Policy& policy_;
  const std::vector<WindowAxis>& axes_;
  bool pads_;
  std::vector<int64_t> along_;
  std::vector<T> counts_;
  int64_t outer_ = -1;
};

template <class T>
void average(KernelContext& c, const std::vector<WindowAxis>& axes) {
  const num::Arith<T> arith(c.policy());
  const WindowAxis& last = axes.back();
  const auto count = static_cast<size_t>(last.out);
  for_each_pool_row(c, axes, [&] {
    return [&, loaded = std::vector<T>(static_cast<size_t>(last.in)), sum = std::vector<T>(count),
            counts = WindowCounts<T>(c, axes), terms = std::vector<T>(), phased = PhasedRow<T>(last, T{0}),
            plain = PlainSums(axes)](const PoolRow& at) mutable {
      if (std::is_same_v<T, float> && !c.policy().sum && plain_steps(c.policy())) {
        if constexpr (std::is_same_v<T, float>) plain.sum(c, at, sum.data(), count);
      } else if (c.policy().sum) {
        for (size_t o = 0; o < count; ++o) {
          gather_window(c, axes, at, static_cast<int64_t>(o), terms);
          sum[o] = arith.sum(terms.data(), terms.size());
        }
      } else {
        std::fill(sum.begin(), sum.end(), T{0});
        add_windows(c, axes, at, phased, loaded, [&](const T* tap) { arith.accumulate(tap, sum.data(), count); });
      }
      const T* divisors = counts.of_row(at.index);
      if (c.policy().divide_by_reciprocal)
        arith.mul(sum.data(), divisors, sum.data(), count);
      else
        arith.div(sum.data(), divisors, sum.data(), count);
      store(c.outputs[0], at.out_begin, count, sum.data(), c.policy());
    };
  });
}

/// |x|^p summed, to the power 1/p.
template <class T>
void norm(KernelContext& c, const std::vector<WindowAxis>& axes) {
  const num::Arith<T> arith(c.policy());
  const int64_t p = c.op.attr_int("p", 2);
  const WindowAxis& last = axes.back();
  const auto count = static_cast<size_t>(last.out);
  for_each_pool_row(c, axes, [&] {
    return [&, loaded = std::vector<T>(static_cast<size_t>(last.in)), sum = std::vector<T>(count),
            term = std::vector<T>(count), power = std::vector<T>(count, static_cast<T>(p)),
            phased = PhasedRow<T>(last, T{0})](const PoolRow& at) mutable {
      std::fill(sum.begin(), sum.end(), T{0});
      add_windows(c, axes, at, phased, loaded, [&](const T* tap) {
        if (p == 2) return arith.accumulate_squares(tap, sum.data(), count);
        arith.abs(tap, term.data(), count);
        if (p != 1) arith.pow(term.data(), power.data(), term.data(), count);
        arith.accumulate(term.data(), sum.data(), count);
      });
      if (p == 2) {
        arith.sqrt(sum.data(), sum.data(), count);
      } else if (p != 1) {
        std::fill(term.begin(), term.end(), T{1} / static_cast<T>(p));
        arith.pow(sum.data(), term.data(), sum.data(), count);
      }
      store(c.outputs[0], at.out_begin, count, sum.data(), c.policy());
    };
  });
}

Status eval_average(KernelContext& c) {
  ASSAY_TRY(const auto axes, pool_axes(c));
  ASSAY_CHECK(allocate_outputs(c));
  if (computes_float64(c))
    average<double>(c, axes);
  else
    average<float>(c, axes);
  return {};
}

Status eval_norm(KernelContext& c) {
  ASSAY_TRY(const auto axes, pool_axes(c));
  ASSAY_CHECK(allocate_outputs(c));
  if (computes_float64(c))
    norm<double>(c, axes);
  else
    norm<float>(c, axes);
  return {};
}

/// p was a float in version 1.
Status upgrade_p(UpgradeContext& c) {
  c.op.set_attr("p", static_cast<int64_t>(std::lround(c.op.attr_float("p", 2))));
  return {};
}

constexpr In kIn[] = {{"X", kFloats}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAverageAttrs[] = {{"kernel_shape", ""},      {"strides", "1"},       {"pads", "0"},
                                     {"dilations", "1"},        {"auto_pad", "NOTSET"}, {"ceil_mode", "0"},
                                     {"count_include_pad", "0"}};
constexpr AttrDoc kNormAttrs[] = {{"kernel_shape", ""},   {"strides", "1"},   {"pads", "0"}, {"dilations", "1"},
                                  {"auto_pad", "NOTSET"}, {"ceil_mode", "0"}, {"p", "2"}};
constexpr Upgrade kNormUpgrades[] = {{2, upgrade_p}};

}  // namespace

extern const OpDef kAveragePool = {
    .name = "AveragePool",
    .since = 22,
    .doc = "The mean of each window.",
    .in = kIn,
    .out = kOut,
    .attrs = kAverageAttrs,
    .numeric = Numeric::reduction,
    .accumulates = "the window, ascending over the kernel axes; then / count",
    .infer = infer_pool,
    .eval = eval_average,
    .to_mil = {average_pool_to_mil, "avg_pool"},
    .to_nn = {average_pool_to_nn, "pooling, pooling3d"},
};

extern const OpDef kLpPool = {
    .name = "LpPool",
    .since = 22,
    .doc = "The p-norm of each window.",
    .in = kIn,
    .out = kOut,
    .attrs = kNormAttrs,
    .numeric = Numeric::reduction,
    .accumulates = "|x|^p of the window, ascending over the kernel axes",
    .upgrades = kNormUpgrades,
    .infer = infer_pool,
    .eval = eval_norm,
    .to_mil = {lp_pool_to_mil, "l2_pool"},
    .to_nn = {lp_pool_to_nn, "pooling (L2)"},
    .bound = {.f32 = 4, .f16 = 1, .bf16 = 1},
};

}  // namespace assay::ops

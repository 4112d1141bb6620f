#include "audit/trace/count.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "audit/trace/spans.h"
#include "num/format.h"
#include "num/ulp.h"

namespace assay::audit {
namespace {
using ir::ElemType;
using ir::Tensor;

constexpr int64_t kSpan = 1024;  // elements that stay in the first cache, a multiple of kSpanLanes

bool is_single(ElemType type) {
  return type == ElemType::float32 || type == ElemType::float16 || type == ElemType::bfloat16;
}

size_t padded(size_t n) { return (n + kSpanLanes - 1) / kSpanLanes * kSpanLanes; }

/// Elements as float, with zeros up to a whole group.
class Floats {
 public:
  explicit Floats(const Tensor& tensor) : tensor_(tensor) {}
  const float* at(int64_t begin, size_t n) {
    const auto from = static_cast<size_t>(begin);
    if (tensor_.elem() == ElemType::float32) {
      if (n % kSpanLanes == 0) return tensor_.data<float>() + from;
      std::memcpy(buffer_, tensor_.data<float>() + from, n * sizeof(float));
    } else {
      const auto* bits = tensor_.data<uint16_t>() + from;
      tensor_.elem() == ElemType::float16 ? num::from_float16(bits, buffer_, n) : num::from_bfloat16(bits, buffer_, n);
    }
    std::fill(buffer_ + n, buffer_ + padded(n), 0.0F);
    return buffer_;
  }

 private:
  const Tensor& tensor_;
  alignas(64) float buffer_[kSpan];
};

/// The same as double.
class Doubles {
 public:
  explicit Doubles(const Tensor& tensor) : tensor_(tensor) {}
  const double* at(int64_t begin, size_t n) {
    if (tensor_.elem() == ElemType::float64 && n % kSpanLanes == 0) return tensor_.data<double>() + begin;
    for (size_t i = 0; i < n; ++i) buffer_[i] = tensor_.float_at(begin + static_cast<int64_t>(i));
    std::fill(buffer_ + n, buffer_ + padded(n), 0.0);
    return buffer_;
  }

 private:
  const Tensor& tensor_;
  alignas(64) double buffer_[kSpan];
};

/// One sample's elements of one value.
class Sample {
 public:
  Sample(Differences& into, int64_t sample) : into_(into), sample_(sample) {}

  template <class R, class C>
  void add_each(const R* r, const C* c, size_t n, int64_t element) {
    for (size_t i = 0; i < n; ++i) add_pair(r[i], c[i], element + static_cast<int64_t>(i));
  }

  /// By vectors; elements that are not finite one by one.
  template <class R>
  void add_span(const R* r, const float* c, size_t n, int64_t element) {
    SpanDistance span;
    span.signal = signal_;
    span.noise = noise_;
    compare_span(r, c, padded(n), relative_, span);
    if (!span.finite) return add_each(r, c, n, element);
    signal_ = span.signal;
    noise_ = span.noise;
    into_.equal += span.equal - (padded(n) - n);
    into_.reference_zeros += span.reference_zeros;
    into_.max_ulp = std::max<uint64_t>(into_.max_ulp, span.max_ulp);
    if (span.relative) relative_ = std::max(relative_, relative_span(r, c, padded(n)));
    if (span.most == 0 || span.most < into_.max_abs) return;
    const double largest = largest_span(r, c, padded(n));
    if (!is_worst(largest)) return;
    const auto distance = [&](size_t i) { return std::abs(static_cast<double>(c[i]) - static_cast<double>(r[i])); };
    size_t at = 0;
    while (distance(at) != largest) ++at;
    set_worst(largest, r[at], c[at], element + static_cast<int64_t>(at));
  }

  /// In the order of docs/semantics.md 1: sum i with sum i + 8, with i + 4, ...
  void finish(Snr& snr) {
    into_.max_rel = std::max(into_.max_rel, relative_);
    for (size_t half = kSpanLanes / 2; half > 0; half /= 2)
      for (size_t i = 0; i < half; ++i) signal_[i] += signal_[i + half], noise_[i] += noise_[i + half];
    const double nan = std::numeric_limits<double>::quiet_NaN();
    snr.add(special_ ? nan : signal_[0], special_ ? nan : noise_[0], sample_);
  }

 private:
  bool is_worst(double d) const {
    return d > into_.max_abs || (d > 0 && d == into_.max_abs && sample_ < into_.worst.sample);
  }
  void set_worst(double d, double r, double c, int64_t element) {
    into_.max_abs = d;
    into_.worst = {sample_, element, r, c};
  }

  void add_pair(double r, double c, int64_t element) {
    if (!std::isfinite(r) || !std::isfinite(c)) special_ = true;
    if (std::isnan(r) || std::isnan(c)) {
      ++(std::isnan(r) && std::isnan(c) ? into_.equal : into_.nan_mismatches);
      return;
    }
    const auto lane = static_cast<size_t>(element) % kSpanLanes;
    signal_[lane] = std::fma(r, r, signal_[lane]);
    if (r == c) {
      ++into_.equal;
      return;
    }
    const double d = std::abs(c - r);
    noise_[lane] = std::fma(d, d, noise_[lane]);
    if (is_worst(d)) set_worst(d, r, c, element);
    const bool wide = into_.ulp_type == ElemType::float64;
    into_.max_ulp = std::max(into_.max_ulp, wide ? num::ulp_distance(r, c)
                                                 : num::ulp_distance(static_cast<float>(r), static_cast<float>(c)));
    if (std::isinf(d)) {
      ++into_.infinite;
    } else if (r == 0) {
      ++into_.reference_zeros;
    } else if (d > relative_ * std::abs(r)) {
      relative_ = std::max(relative_, d / std::abs(r));
    }
  }

  Differences& into_;
  int64_t sample_;
  bool special_ = false;
  double relative_ = 0;
  std::array<double, kSpanLanes> signal_{}, noise_{};
};

template <class Use>
void by_span(int64_t count, const Use& use) {
  for (int64_t at = 0; at < count; at += kSpan) use(at, static_cast<size_t>(std::min(kSpan, count - at)));
}

uint32_t bits_above(double magnitude) {
  const auto f = static_cast<float>(magnitude);
  return std::bit_cast<uint32_t>(f) + (static_cast<double>(f) < magnitude ? 1 : 0);
}

/// Values that no float holds, one by one.
SpanRange add_wide(const Tensor& values, int64_t begin, int64_t count, const Ends& ends, Range& into) {
  SpanRange counts;
  for (int64_t i = begin; i < begin + count; ++i) {
    const double x = values.float_at(i), m = std::abs(x);
    counts.nans += std::isnan(x) ? 1 : 0;
    counts.infinities += std::isinf(x) ? 1 : 0;
    counts.zeros += m == 0 ? 1 : 0;
    if (!std::isfinite(x)) continue;
    counts.subnormals += m > 0 && m < ends.subnormal ? 1 : 0;
    counts.saturated += m >= ends.limit || x == ends.low || x == ends.high ? 1 : 0;
    into.largest = std::max(into.largest, m);
    if (m > 0 && (into.smallest == 0 || m < into.smallest)) into.smallest = m;
  }
  return counts;
}

/// The values of one sample that floats hold, span by span.
class FloatRange {
 public:
  explicit FloatRange(const Ends& ends)
      : limits_{std::max(1U, bits_above(ends.subnormal)), bits_above(ends.limit), static_cast<float>(ends.low),
                static_cast<float>(ends.high)},
        zero_is_flat_(ends.low == 0 || ends.high == 0) {}
  void add(const float* x, size_t n) {
    range_span(x, padded(n), limits_, counts_);
    padding_ += padded(n) - n;
  }
  SpanRange finish(Range& into) {
    counts_.zeros -= padding_;
    if (zero_is_flat_) counts_.saturated -= padding_;
    into.largest = std::max(into.largest, static_cast<double>(std::bit_cast<float>(counts_.largest)));
    if (counts_.smallest < 0x7f7fffff) {
      const double smallest = std::bit_cast<float>(counts_.smallest + 1);
      if (into.smallest == 0 || smallest < into.smallest) into.smallest = smallest;
    }
    return counts_;
  }

 private:
  SpanLimits limits_;
  bool zero_is_flat_;
  SpanRange counts_;
  uint64_t padding_ = 0;
};

SampleKind add_counts(Range& into, Range& one, const SpanRange& counts, int64_t count, int64_t sample) {
  const auto all = static_cast<uint64_t>(count);
  one.elements = all;
  one.zeros = counts.zeros;
  one.subnormals = counts.subnormals;
  one.infinities = counts.infinities;
  one.nans = counts.nans;
  one.saturated = counts.saturated;
  const SampleKind kind{counts.nans > 0, counts.infinities > 0, all > 0 && counts.nans == all,
                        all > 0 && counts.zeros == all};
  if (kind.nan || kind.infinite) one.first_non_finite = sample;
  if (kind.all_zero) one.all_zero = 1, one.first_all_zero = sample;
  if (kind.all_nan) one.all_nan = 1;
  into.merge(one);
  return kind;
}

}  // namespace

void add_distance(Distance& into, const Tensor& r, const Tensor& c, int64_t begin, int64_t count, int64_t sample) {
  Differences& d = into.values;
  d.elements += static_cast<uint64_t>(count);
  const bool wide = r.elem() == ElemType::float64 && c.elem() == ElemType::float64;
  d.ulp_type = wide ? ElemType::float64 : ElemType::float32;
  Sample one(d, sample);
  if (is_single(r.elem()) && is_single(c.elem())) {
    Floats a(r), b(c);
    by_span(count, [&](int64_t at, size_t n) { one.add_span(a.at(begin + at, n), b.at(begin + at, n), n, at); });
  } else if (is_single(c.elem())) {
    Doubles a(r);
    Floats b(c);
    by_span(count, [&](int64_t at, size_t n) { one.add_span(a.at(begin + at, n), b.at(begin + at, n), n, at); });
  } else {
    Doubles a(r), b(c);
    by_span(count, [&](int64_t at, size_t n) { one.add_each(a.at(begin + at, n), b.at(begin + at, n), n, at); });
  }
  one.finish(into.snr);
}

SampleKind add_range(Range& into, const Tensor& values, int64_t begin, int64_t count, int64_t sample,
                     const Ends& ends) {
  Range one;
  if (!is_single(values.elem())) return add_counts(into, one, add_wide(values, begin, count, ends, one), count, sample);
  FloatRange range(ends);
  Floats floats(values);
  by_span(count, [&](int64_t at, size_t n) { range.add(floats.at(begin + at, n), n); });
  return add_counts(into, one, range.finish(one), count, sample);
}

SampleKind add_compared(Distance& into, Range& range, const Tensor& r, const Tensor& c, int64_t begin, int64_t count,
                        int64_t sample, const Ends& ends) {
  if (!is_single(r.elem()) || !is_single(c.elem())) {
    add_distance(into, r, c, begin, count, sample);
    return add_range(range, c, begin, count, sample, ends);
  }
  into.values.elements += static_cast<uint64_t>(count);
  into.values.ulp_type = ElemType::float32;
  Sample one(into.values, sample);
  FloatRange floats(ends);
  Floats a(r), b(c);
  by_span(count, [&](int64_t at, size_t n) {
    const float* candidate = b.at(begin + at, n);
    one.add_span(a.at(begin + at, n), candidate, n, at);
    floats.add(candidate, n);
  });
  one.finish(into.snr);
  Range own;
  return add_counts(range, own, floats.finish(own), count, sample);
}

}  // namespace assay::audit

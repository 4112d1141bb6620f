#include "ops/contraction/skip_padding.h"

#include <cmath>
#include <limits>
#include <vector>

#include "num/accumulate.h"
#include "num/format.h"

namespace assay::ops::contraction {
namespace {

/// Exponent of the smallest magnitude that a step of the accumulator tells from zero.
template <class T>
int least_exponent(const num::Policy& policy) {
  const num::Accumulator& accumulator = policy.accumulator;
  const num::Format& own = num::format(sizeof(T) == 4 ? num::FormatId::float32 : num::FormatId::float64);
  const num::Format& f = accumulator.step ? accumulator.step->format : own;
  const bool flushes = policy.flush_subnormals || accumulator.flush_subnormals ||
                       (accumulator.step && accumulator.step->flush_subnormals);
  const int normal = std::ilogb(num::min_normal(f));
  return flushes ? normal : normal - f.significand_bits;
}

}  // namespace

// Each factor is a multiple of its own last place, so products of magnitudes down to 2^e, and their sums, are multiples
// of 2^(e - 2 * digits).
template <class T>
bool may_underflow(T a, T b, const num::Policy& policy) {
  if (std::isinf(a) || std::isinf(b)) return false;  // all zero
  constexpr int kDigits = std::numeric_limits<T>::digits - 1;
  return std::ilogb(a) + std::ilogb(b) - 2 * kDigits < least_exponent<T>(policy);
}

template bool may_underflow(float, float, const num::Policy&);
template bool may_underflow(double, double, const num::Policy&);

bool skips(const num::Accumulator& accumulator) {
  return accumulator.kind == num::Accumulator::Kind::chain || accumulator.kind == num::Accumulator::Kind::exact;
}

template <class T>
SkipPadding<T>::SkipPadding(const num::Policy& policy, const Window& w, const PaddedLayout& layout,
                            const Weights<T>& weights, const T* padded, size_t first_channel, T least,
                            const Finish<T>& inner)
    : policy_(policy),
      w_(w),
      layout_(layout),
      weights_(weights),
      padded_(padded),
      first_channel_(first_channel),
      inner_(inner) {
  if (w.inside() || !skips(policy.accumulator)) return;
  zeros_ = inner.starts() || may_underflow(least, weights.smallest, policy);  // a sum may start at -0
  active_ = zeros_ || weights.any_non_finite;
}

template <class T>
bool SkipPadding<T>::at_border(size_t pixel) const {
  for (size_t axis = 3; axis-- > 0; pixel /= w_.out[axis]) {
    const auto first = static_cast<int64_t>(pixel % w_.out[axis] * w_.stride[axis]) - w_.pad[axis];
    const auto last = first + static_cast<int64_t>((w_.kernel[axis] - 1) * w_.dilation[axis]);
    if (first < 0 || last >= static_cast<int64_t>(w_.in[axis])) return true;
  }
  return false;
}

template <class T>
bool SkipPadding<T>::all_zero(const T* input) const {
  for (size_t channel = 0; channel < w_.channels_a_group(); ++channel, input += layout_.channel) {
    for (const size_t tap : layout_.taps) {
      if (input[tap] != 0) return false;
    }
  }
  return true;
}

template <class T>
T SkipPadding<T>::computed_again(size_t batch, size_t m, size_t pixel) const {
  const size_t output = batch % w_.groups * w_.outputs_a_group() + m;
  const size_t o[3] = {pixel / w_.out[2] / w_.out[1], pixel / w_.out[2] % w_.out[1], pixel % w_.out[2]};
  const T* input = padded_ + (batch * w_.channels_a_group() - first_channel_) * layout_.channel +
                   o[0] * w_.stride[0] * layout_.plane + o[1] * w_.stride[1] * layout_.row + o[2];
  // Only zeros times numbers: +0, as the kernel found.
  if (!weights_.non_finite[output] && !inner_.starts() && all_zero(input)) return T{0};
  std::vector<double> x, weights;
  for (size_t k = 0; k < w_.channels_a_group() * w_.taps(); ++k) {
    size_t tap = k % w_.taps();
    bool inside = true;
    for (size_t axis = 3, rest = tap; axis-- > 0; rest /= w_.kernel[axis]) {
      const int64_t at =
          static_cast<int64_t>(o[axis] * w_.stride[axis] + rest % w_.kernel[axis] * w_.dilation[axis]) - w_.pad[axis];
      inside = inside && at >= 0 && at < static_cast<int64_t>(w_.in[axis]);
    }
    if (!inside) continue;
    x.push_back(input[k / w_.taps() * layout_.channel + layout_.taps[tap]]);
    weights.push_back(weights_.at(output, k));
  }
  T start{0};
  if (inner_.starts()) inner_.start(batch, m, pixel, 1, &start);
  constexpr auto kCompute = sizeof(T) == 4 ? num::FormatId::float32 : num::FormatId::float64;
  return static_cast<T>(num::dot_reference(policy_.accumulator, kCompute, weights.data(), x.data(), x.size(),
                                           static_cast<double>(start)));
}

template <class T>
void SkipPadding<T>::row(size_t batch, size_t m, size_t n, size_t count, T* values) const {
  if (active_) {
    const bool all = weights_.non_finite[batch % w_.groups * w_.outputs_a_group() + m];
    for (size_t i = 0; i < count; ++i) {
      if ((all || (zeros_ && values[i] == 0)) && at_border(n + i)) values[i] = computed_again(batch, m, n + i);
    }
  }
  inner_.row(batch, m, n, count, values);
}

template class SkipPadding<float>;
template class SkipPadding<double>;

}  // namespace assay::ops::contraction

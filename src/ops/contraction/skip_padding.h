// Padding positions are skipped, yet the kernels multiply them by +0. That gives the same bits except where a weight is
// not finite (0 * infinity is NaN) and where a sum had become -0, which takes a product too small for the format: then
// adding +0 makes +0 of it. Both show in few outputs, which are computed again here before they go on.
#pragma once
#include "ops/contraction/driver.h"
#include "ops/contraction/weights.h"
#include "ops/contraction/window.h"

namespace assay::ops::contraction {

/// Blocks of products are formed over the padded input, as the hardware that they describe does it; others skip it.
bool skips(const num::Accumulator& accumulator);
/// Whether a sum of products of magnitudes from `a` and `b` on may round to zero without being zero.
template <class T>
bool may_underflow(T a, T b, const num::Policy& policy);

template <class T>
class SkipPadding final : public Finish<T> {
 public:
  /// `padded` holds the input's channels from `first_channel` (image * channels + channel); `least` is the smallest
  /// magnitude in it that is not zero.
  SkipPadding(const num::Policy& policy, const Window& w, const PaddedLayout& layout, const Weights<T>& weights,
              const T* padded, size_t first_channel, T least, const Finish<T>& inner);

  bool starts() const override { return inner_.starts(); }
  void start(size_t batch, size_t m, size_t n, size_t count, T* values) const override {
    inner_.start(batch, m, n, count, values);
  }
  void row(size_t batch, size_t m, size_t n, size_t count, T* values) const override;
  /// Whether any output may need a look; nothing of `padded` is read where none does.
  bool active() const { return active_; }

 private:
  bool at_border(size_t pixel) const;
  bool all_zero(const T* input) const;  ///< all of an output's window
  T computed_again(size_t batch, size_t m, size_t pixel) const;

  const num::Policy& policy_;
  const Window& w_;
  const PaddedLayout& layout_;
  const Weights<T>& weights_;
  const T* padded_;
  size_t first_channel_;
  const Finish<T>& inner_;
  bool zeros_ = false;  ///< a sum of zero at the border may have the wrong sign
  bool active_ = false;
};

}  // namespace assay::ops::contraction

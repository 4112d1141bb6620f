#include "ops/attention_bias.h"

#include <algorithm>
#include <limits>

namespace assay::ops {

using namespace attention;

template <class T>
AttentionBias<T>::AttentionBias(const KernelContext& c, const AttentionShapes& s)
    : mask_(c.has(kMask) ? &c.in(kMask) : nullptr),
      queries_(s.queries.value),
      total_(s.total().value),
      past_(s.past.value),
      causal_(c.op.attr_int("is_causal", 0) != 0),
      left_(c.op.attr_int("left_window_size", -1)),
      right_(c.op.attr_int("right_window_size", -1)) {
  if (c.has(kNonpad)) valid_ = c.in(kNonpad).ints();
  if (mask_ == nullptr) return;
  const ir::Dims& dims = mask_->dims();
  mask_keys_ = dims.back();
  int64_t stride = dims.back();
  for (size_t i = 1; i < dims.size(); ++i) {  // from the last axis but one
    const int64_t extent = dims[dims.size() - 1 - i];
    mask_strides_[3 - i] = extent == 1 ? 0 : stride;
    stride *= extent;
  }
}

// What the mask leaves out at its end counts as masked.
template <class T>
void AttentionBias<T>::copy_mask(int64_t batch, int64_t head, int64_t query, T* bias, std::vector<T>& scratch) const {
  const int64_t at = batch * mask_strides_[0] + head * mask_strides_[1] + query * mask_strides_[2];
  const auto n = static_cast<size_t>(mask_keys_);
  if (ir::is_float(mask_->elem())) {
    scratch.resize(n);
    if (n != 0) std::copy_n(load(*mask_, at, n, scratch.data()), n, bias);
  } else if (mask_->elem() == ir::ElemType::boolean) {
    for (size_t i = 0; i < n; ++i)
      bias[i] = mask_->int_at(at + static_cast<int64_t>(i)) != 0 ? T(0) : -std::numeric_limits<T>::infinity();
  } else {
    for (size_t i = 0; i < n; ++i) bias[i] = static_cast<T>(mask_->float_at(at + static_cast<int64_t>(i)));
  }
  std::fill(bias + n, bias + total_, -std::numeric_limits<T>::infinity());
}

template <class T>
bool AttentionBias<T>::fill(int64_t batch, int64_t head, int64_t query, T* bias, std::vector<T>& scratch) const {
  constexpr T kMasked = -std::numeric_limits<T>::infinity();
  if (mask_ != nullptr)
    copy_mask(batch, head, query, bias, scratch);
  else
    std::fill_n(bias, total_, T(0));
  const int64_t valid = valid_.empty() ? total_ : valid_[static_cast<size_t>(batch)];
  const int64_t position = query + (valid_.empty() ? past_ : valid - queries_);
  int64_t first = 0, last = valid;  // the keys that causality, windows and padding leave
  if (causal_) last = std::min(last, position + 1);
  if (right_ >= 0 && right_ < total_ - position) last = std::min(last, position + right_ + 1);
  if (left_ >= 0 && left_ < position) first = position - left_;
  for (int64_t i = 0; i < total_; ++i)
    if (i < first || i >= last) bias[i] += kMasked;
  return std::all_of(bias, bias + total_, [](T b) { return b == kMasked; });
}

template class AttentionBias<float>;
template class AttentionBias<double>;

}  // namespace assay::ops

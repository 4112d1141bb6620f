// The blocked loop over a product C[m][n] = sum over k of A[m][k] * B[k][n]: which block is computed when, by whom,
// from which panels. Outputs are independent; each one's sum ascends in k whatever the blocks, so no choice made here
// can change a bit.
#pragma once
#include <cstddef>
#include <span>

#include "base/threads.h"
#include "ops/contraction/pack.h"
#include "ops/contraction/scratch.h"
#include "ops/contraction/tile.h"

namespace assay::ops::contraction {

/// Gives panels of an operand: [kc][width] values for k0 <= k < k0 + kc and `count` <= width rows of A (columns of B)
/// from `first`; the rest of the width is zero. Returns memory of its own, or `to` after filling it.
template <class T>
class PanelSource {
 public:
  virtual ~PanelSource() = default;
  virtual const T* panel(size_t batch, size_t first, size_t count, size_t k0, size_t kc, T* to) const = 0;
};

/// A matrix per batch, packed when asked.
template <class T>
class MatrixSource final : public PanelSource<T> {
 public:
  /// `view(i, j)`: i is k. offsets[batch % their number] is added to the view's begin; empty: none.
  MatrixSource(MatrixView view, std::span<const size_t> offsets, size_t width, const num::Policy& policy)
      : view_(view), offsets_(offsets), width_(width), policy_(policy), rounds_(rounds_operands(policy)) {}
  const T* panel(size_t batch, size_t first, size_t count, size_t k0, size_t kc, T* to) const override;

 private:
  MatrixView view_;
  std::span<const size_t> offsets_;
  size_t width_;
  const num::Policy& policy_;
  bool rounds_;
};

/// An operand packed once: panels of `width`, each [k][width], one behind the other.
template <class T>
class PackedOperand final : public PanelSource<T> {
 public:
  PackedOperand(size_t batches, size_t count, size_t k, size_t width)
      : batches_(batches),
        count_(count),
        width_(width),
        k_(k),
        panels_((count + width - 1) / width),
        values_(batches * panels_ * width * k) {}
  /// Fills from another source, in parallel.
  void fill(const PanelSource<T>& source, const Threads& threads);
  const T* panel(size_t batch, size_t first, size_t, size_t k0, size_t, T*) const override {
    return values_.data() + ((batch % batches_ * panels_ + first / width_) * k_ + k0) * width_;
  }
  size_t width() const { return width_; }
  const T* data() const { return values_.data(); }
  size_t bytes() const { return values_.size() * sizeof(T); }

 private:
  size_t batches_, count_, width_, k_, panels_;
  AlignedArray<T> values_;
};

/// What happens to a finished block while it is in cache.
template <class T>
class Finish {
 public:
  virtual ~Finish() = default;
  /// Sets what the accumulators start from (only asked when starts_from() is true).
  virtual void start(size_t batch, size_t m, size_t n, size_t count, T* values) const = 0;
  virtual bool starts() const { return false; }
  /// `count` finished sums of row m from column n; behind them is room for whole vectors.
  virtual void row(size_t batch, size_t m, size_t n, size_t count, T* values) const = 0;
};

template <class T>
struct Product {
  size_t batches = 1, m = 0, n = 0, k = 0;
  const PanelSource<T>* a = nullptr;
  bool a_packed = false;  ///< panels of A cost nothing
  const PanelSource<T>* b = nullptr;
  const Finish<T>* finish = nullptr;
  const num::Policy* policy = nullptr;
  KernelSet<T> kernels;
};

template <class T>
void run(const Product<T>& product, const Threads& threads);

}  // namespace assay::ops::contraction

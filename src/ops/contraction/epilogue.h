// From finished sums to stored results, while they are in cache: scale, bias, the operation's own rounding, then each
// fused elementwise operation and its rounding, then one narrow store. Same bits as separate operations.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "num/arith.h"
#include "ops/contraction/driver.h"
#include "ops/elementwise.h"
#include "ops/kernel.h"

namespace assay::ops::contraction {

/// The addend of Conv and Gemm: element `batch * per_batch + m * per_row + n * per_column` of a tensor.
struct Addend {
  const ir::Tensor* tensor = nullptr;
  size_t per_batch = 0, batches = 1;   ///< per_batch applies to batch % batches
  size_t per_row = 0, per_column = 0;  ///< per_column is 0 or 1
  float beta = 1;
};

/// Which index of the product counts channels, for fused operands with one value per channel.
enum class Channels : uint8_t { rows, columns };

template <class T>
class Epilogue final : public Finish<T> {
 public:
  /// The product's outputs lie in the tensor as [batch][m][n].
  Epilogue(KernelContext& c, size_t m, size_t n, Channels channels, size_t channel_count);

  void set_addend(const Addend& addend);
  void set_alpha(float alpha) { alpha_ = alpha; }

  bool starts() const override;
  void start(size_t batch, size_t m, size_t n, size_t count, T* values) const override;
  void row(size_t batch, size_t m, size_t n, size_t count, T* values) const override;
  /// `rows` whole rows from row m, one behind the other; only where takes_rows() says so.
  void rows(size_t batch, size_t m, size_t rows, T* values) const;
  bool takes_rows() const;

 private:
  /// A run of outputs, contiguous in the tensor: `columns` from column n of each of `rows` rows from row m.
  struct Run {
    size_t batch, m, n, rows, columns;
    size_t count() const { return rows * columns; }
  };
  static constexpr size_t kMostNumbers = 4;
  struct Step {
    const EpilogueStep* step;
    num::Arith<T> arith;
    ElementwiseParams params;
    SpanFn<T> run;
    uint32_t whole = 0;    ///< bit i: operand i has an element for each output
    std::vector<T> terms;  ///< two for each channel, of operators with per_channel inputs
    /// Nothing but what flows and single numbers, which are here: nothing is gathered for a run.
    bool alone = false;
    T numbers[kMostNumbers] = {};
    bool rounds = true;  ///< whether what it gives is rounded on the way to the next step
  };

  void finish(const Run& run, T* values) const;
  static void settle(Step& step);
  void add_bias(const Run& run, T* values) const;
  static std::vector<T> channel_terms(const Step& step);
  void run_step(const Step& step, const Run& run, const T* values, T* results) const;
  size_t begin_of(const Run& run) const { return (run.batch * m_ + run.m) * n_ + run.n; }

  KernelContext& context_;
  const num::Policy& policy_;
  size_t m_, n_;
  Channels channels_;
  size_t channel_count_;
  Addend addend_;
  const T* addends_ = nullptr;  ///< the addend's elements where they need no widening
  ir::ElemType own_;            ///< storage of the operation's own result
  bool rounds_;                 ///< whether that is rounded before the first step
  float alpha_ = 1;
  bool plain_;  ///< outside of the accumulator every step is rounded to T itself
  num::Arith<T> arith_;
  std::vector<Step> steps_;
};

}  // namespace assay::ops::contraction

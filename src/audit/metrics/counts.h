// What is counted over samples. Everything here is an integer or a maximum: parts of a data set add up to exactly what
// the whole gives, in any order.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "audit/decision/rule.h"
#include "ir/tensor.h"
#include "ir/type.h"
#include "num/lattice.h"

namespace assay::audit {

/// Counts by power of two: bin e holds 2^e <= x < 2^(e+1).
class Histogram {
 public:
  static constexpr int kLow = -1100, kHigh = 1100;
  void add(int exponent, uint64_t n = 1);
  void merge(const Histogram& other);
  /// (exponent, count) of the bins that hold something, ascending.
  std::vector<std::pair<int, uint64_t>> bins() const;
  uint64_t total() const;
  friend bool operator==(const Histogram& a, const Histogram& b) { return a.bins() == b.bins(); }

 private:
  std::vector<uint64_t> bins_;  ///< empty until the first add
};
/// floor(log2(x)) of a positive finite number.
int exponent_of(double x);

/// Where the largest absolute difference is; ties: the lowest sample, then the lowest element.
struct Worst {
  int64_t sample = -1, element = -1;
  double reference = 0, candidate = 0;
};

/// Differences of one output between two programs, element by element.
struct Differences {
  std::string output;
  uint64_t elements = 0;
  uint64_t equal = 0;            ///< same value (+0 and -0, NaN and NaN too)
  uint64_t nan_mismatches = 0;   ///< NaN on one side only: infinitely far, not in the maxima
  uint64_t infinite = 0;         ///< differences with an infinity: max_abs is "inf"
  uint64_t reference_zeros = 0;  ///< differing elements whose reference is 0: not in max_rel
  double max_abs = 0, max_rel = 0;
  uint64_t max_ulp = 0;  ///< in ULPs of `ulp_type`
  /// float32, or float64 where both sides are; undefined for integers, which have no ULPs.
  ir::ElemType ulp_type = ir::ElemType::float32;
  Worst worst{};
  Histogram abs{}, rel{}, ulp{};

  /// `sample` and `element` say where the first element stands, for `worst`.
  void add(const ir::Tensor& reference, const ir::Tensor& candidate, int64_t begin_reference, int64_t begin_candidate,
           int64_t count, int64_t sample);
  void merge(const Differences& other);

 private:
  void add_pair(double r, double c, int64_t sample, int64_t element);
};

/// All outputs as one; `output` is the one where the largest difference is.
Differences together(const std::vector<Differences>& outputs);

/// The round trip test, counted: floating-point elements of a tensor; others are passed over.
using num::LatticeCounts;
void add_lattice(LatticeCounts& counts, const ir::Tensor& tensor);

/// AUC from 65,536 buckets of the score's ordered bit pattern: [negatives, positives] each.
struct Buckets {
  std::map<uint16_t, std::array<uint64_t, 2>> counts;
  void add(double score, ir::ElemType type, bool positive);
  void merge(const Buckets& other);
};
struct Auc {
  double value = 0;
  double bound = 0;  ///< the exact AUC is within value +- bound
};
std::optional<Auc> auc_of(const Buckets& buckets);

/// (label, decision) -> samples; decision -1 is undefined.
using Cells = std::map<std::pair<int64_t, int64_t>, uint64_t>;

/// What one program (one variant) decided.
struct Tally {
  std::map<int64_t, uint64_t> decisions;  ///< decision -> samples; -1 undefined; not for topk
  Cells cells;                            ///< with labels only; topk: decision 1 hit, 0 miss, label 1
  Buckets buckets;                        ///< threshold rules with labels only
  uint64_t non_finite = 0;                ///< samples with a NaN or an infinity in some output
  void merge(const Tally& other);
};

struct Metrics {
  std::optional<double> accuracy, precision, recall, f1;
  std::optional<Auc> auc;
};
/// For argmax precision, recall and F1 are means over the classes; for topk there is only the accuracy.
Metrics metrics_of(const Tally& tally, Rule::Kind kind);

}  // namespace assay::audit

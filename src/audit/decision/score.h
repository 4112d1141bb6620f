// Score expressions: functions of a program's outputs, one sample at a time, in float64 (docs/decision-rules.md).
//   max(sigmoid('classifier:0'), sigmoid(other))   index(softmax(logits), 1)
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/tensor.h"
#include "ir/type.h"

namespace assay::audit {

/// A value per sample: dimensions without the sample axis, elements in float64.
struct SampleValue {
  ir::Dims dims;
  std::vector<double> values;
};

class Score {
 public:
  struct Node;
  /// `outputs` are the names that may stand in the expression. Errors: bad_decision with the place.
  static Result<Score> parse(std::string_view text, std::span<const std::string> outputs);
  /// The output alone.
  static Score of_output(size_t index, std::string name);

  const std::string& text() const { return text_; }
  /// Indices of the outputs that it reads, ascending.
  const std::vector<size_t>& reads() const { return reads_; }
  /// The index when the score is one output as it is; else -1.
  int plain_output() const;
  /// True when the score is a value of an output as it was stored: an output, or index, max and min of such.
  bool picks_outputs() const;
  /// True when bounds of the outputs give bounds of the score.
  bool bounded() const;
  /// `outputs` by index; those not read may be empty. Errors: bad_decision (an index beyond its axis).
  Result<SampleValue> evaluate(std::span<const SampleValue> outputs) const;
  /// Between which values evaluate() lies for all outputs between `low` and `high`; NaN where nothing is known. For
  /// scores that are bounded(). Errors: as evaluate().
  struct Ends {
    SampleValue low{}, high{};
  };
  Result<Ends> bounds(std::span<const SampleValue> low, std::span<const SampleValue> high) const;

 private:
  std::string text_;
  std::shared_ptr<const Node> root_;
  std::vector<size_t> reads_;
};

/// The declared type that a score over these outputs is rounded to: the widest floating-point one; float64 when none.
ir::ElemType score_type(std::span<const ir::ElemType> types);
/// Rounds each value once to the type (integers: as they are).
void round_to(ir::ElemType type, std::vector<double>& values);

}  // namespace assay::audit

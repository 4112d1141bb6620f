// What a search asks of each sample: the decision, as the audit makes it, and how far the outputs are off.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audit/decision/rule.h"
#include "audit/decision/score.h"
#include "audit/layout.h"
#include "backends/program.h"

namespace assay::audit {

struct Question {
  bool decides = true;  ///< false: there is no decision rule, outputs alone count
  Rule rule{};
  std::string score{};  ///< as AuditResult::score
  ir::ElemType score_type = ir::ElemType::float32;
};

/// Turns outputs of any program into decisions over the first program's outputs.
class Judging {
 public:
  /// `ports`: outputs of the program that names them. Errors: bad_decision.
  static Result<Judging> create(const Question& question, std::span<const backends::Port> ports);
  /// `places`: for each port the index in `outputs` (Layout::outputs). One for each of `count` samples.
  Result<std::vector<Judged>> judge(const Layout& layout, std::span<const ir::Tensor> outputs,
                                    std::span<const size_t> places, size_t count) const;
  /// Whether a program decides as the reference.
  bool same(const Judged& other, const Judged& reference) const;
  bool decides() const { return judge_.has_value(); }

 private:
  std::vector<std::string> names_;
  std::optional<Score> score_;
  std::optional<Judge> judge_;
  ir::ElemType score_type_ = ir::ElemType::float32;
};

/// Largest |difference| of one sample's elements; infinite where one side alone is NaN or infinite.
double largest_difference(const ir::Tensor& a, int64_t begin_a, const ir::Tensor& b, int64_t begin_b, int64_t count);

}  // namespace assay::audit

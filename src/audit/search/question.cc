#include "audit/search/question.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace assay::audit {
namespace {

std::vector<std::string> own_names(std::span<const backends::Port> ports) {
  std::vector<std::string> names;
  for (const backends::Port& port : ports) names.push_back(port.alias.empty() ? port.name : port.alias);
  return names;
}

SampleValue sample_of(const ir::Tensor& t, const Layout::Cut& cut, size_t sample) {
  SampleValue value{cut.dims, std::vector<double>(static_cast<size_t>(cut.each))};
  for (int64_t i = 0; i < cut.each; ++i)
    value.values[static_cast<size_t>(i)] = t.float_at(static_cast<int64_t>(sample) * cut.each + i);
  return value;
}

size_t columns_of(const SampleValue& score) { return score.dims.empty() ? 1 : static_cast<size_t>(score.dims.back()); }

double difference(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double d = std::fabs(a - b);
  return std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
}

}  // namespace

bool Judging::same(const Judged& other, const Judged& reference) const {
  return judge_->same(other.decision, reference.decision);
}

Result<Judging> Judging::create(const Question& question, std::span<const backends::Port> ports) {
  Judging judging;
  for (const backends::Port& port : ports) judging.names_.push_back(port.name);
  if (!question.decides) return judging;
  auto parsed = Score::parse(question.score, judging.names_);
  if (!parsed.ok()) parsed = Score::parse(question.score, own_names(ports));
  ASSAY_TRY(judging.score_, std::move(parsed));
  judging.judge_ = Judge(question.rule, question.score_type);
  judging.score_type_ = question.score_type;
  return judging;
}

Result<std::vector<Judged>> Judging::judge(const Layout& layout, std::span<const ir::Tensor> outputs,
                                           std::span<const size_t> places, size_t count) const {
  std::vector<Judged> judged;
  if (!decides()) return judged;
  std::vector<Layout::Cut> cuts(names_.size());
  for (const size_t i : score_->reads()) {
    ASSAY_TRY(cuts[i], layout.cut(outputs[places[i]], count, names_[i]));
  }
  std::vector<SampleValue> values(names_.size());
  for (size_t s = 0; s < count; ++s) {
    for (const size_t i : score_->reads()) values[i] = sample_of(outputs[places[i]], cuts[i], s);
    ASSAY_TRY(SampleValue score, score_->evaluate(values));
    round_to(score_type_, score.values);
    ASSAY_CHECK(judge_->check(score.values.size(), columns_of(score)));
    judged.push_back(judge_->judge(score.values, columns_of(score)));
  }
  return judged;
}

double largest_difference(const ir::Tensor& a, int64_t begin_a, const ir::Tensor& b, int64_t begin_b, int64_t count) {
  double most = 0;
  if (a.elem() == ir::ElemType::float32 && b.elem() == ir::ElemType::float32) {
    const float *x = a.data<float>() + begin_a, *y = b.data<float>() + begin_b;
    for (int64_t i = 0; i < count; ++i)
      if (x[i] != y[i]) most = std::max(most, difference(x[i], y[i]));
    return most;
  }
  for (int64_t i = 0; i < count; ++i)
    most = std::max(most, difference(a.float_at(begin_a + i), b.float_at(begin_b + i)));
  return most;
}

}  // namespace assay::audit

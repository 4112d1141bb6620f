#include "audit/search/answers.h"

#include <algorithm>

namespace assay::audit {
namespace {

class Answering {
 public:
  Answering(const Layout& layout, const Judging& judging, const backends::Program& other, const TrialOptions& options,
            const Answers* known)
      : layout_(layout), judging_(judging), other_(other), options_(options) {
    if (known != nullptr && !known->empty() && !options.errors) known_ = &known->front();
  }

  Status chunk(size_t first, size_t count, Answers& answers) const;

 private:
  Result<std::vector<Judged>> reference(size_t first, size_t count, std::vector<ir::Tensor>& outputs) const;
  Result<double> error(std::span<const ir::Tensor> expected, std::span<const ir::Tensor> outputs, size_t sample,
                       size_t count) const;
  size_t offset() const { return static_cast<size_t>(options_.first_sample); }

  const Layout& layout_;
  const Judging& judging_;
  const backends::Program& other_;
  const TrialOptions& options_;
  const std::vector<Answer>* known_ = nullptr;
};

Result<std::vector<Judged>> Answering::reference(size_t first, size_t count, std::vector<ir::Tensor>& outputs) const {
  if (known_ != nullptr) {
    std::vector<Judged> judged;
    for (size_t s = 0; s < count; ++s) judged.push_back((*known_)[first + s].reference);
    return judged;
  }
  ASSAY_TRY(outputs, layout_.run(0, 0, first, count, offset()));
  return judging_.judge(layout_, outputs, layout_.outputs(0), count);
}

Result<double> Answering::error(std::span<const ir::Tensor> expected, std::span<const ir::Tensor> outputs,
                                size_t sample, size_t count) const {
  double most = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const size_t place = layout_.outputs(1)[i];
    if (place == kNoPort) continue;
    if (outputs[place].size() != expected[i].size())
      return Error{Code::data_shape, "output " + std::to_string(i) + " has another shape than the reference's",
                   other_.text(), "compare programs with the same output shapes"};
    const int64_t each = expected[i].size() / static_cast<int64_t>(count);
    const int64_t begin = static_cast<int64_t>(sample) * each;
    most = std::max(most, largest_difference(expected[i], begin, outputs[place], begin, each));
  }
  return most;
}

Status Answering::chunk(size_t first, size_t count, Answers& answers) const {
  std::vector<ir::Tensor> expected;
  ASSAY_TRY(const auto wanted, reference(first, count, expected));
  for (size_t v = 0; v < answers.size(); ++v) {
    ASSAY_TRY(const auto outputs, layout_.run(1, v, first, count, offset()));
    ASSAY_TRY(const auto judged, judging_.judge(layout_, outputs, layout_.outputs(1), count));
    for (size_t s = 0; s < count; ++s) {
      Answer& answer = answers[v][first + s];
      if (options_.errors) {
        ASSAY_TRY(answer.outcome.error, error(expected, outputs, s, count));
      }
      if (!judging_.decides()) continue;
      answer.reference = wanted[s];
      answer.other = judged[s];
      answer.outcome.same = judging_.same(judged[s], wanted[s]);
      answer.reference.values.clear();
      answer.other.values.clear();
    }
  }
  return {};
}

}  // namespace

Result<Answers> answers_of(backends::Program& reference, backends::Program& other, const Arrays& data,
                           const Question& question, const TrialOptions& options, const Answers* known) {
  backends::Program* const programs[] = {&reference, &other};
  Warnings told;
  ASSAY_TRY(const Layout layout, Layout::create(programs, data, Samples::Whole::refused, told));
  ASSAY_TRY(const Judging judging, Judging::create(question, reference.outputs()));
  Answers answers(other.variants().size(), std::vector<Answer>(layout.samples()));
  const Answering answering(layout, judging, other, options, known);
  const auto body = [&](size_t first, size_t count) { return answering.chunk(first, count, answers); };
  ASSAY_CHECK(layout.for_each(options.threads.get(), body));
  return answers;
}

}  // namespace assay::audit

// All decisions of a program beside those of the reference.
#pragma once
#include <vector>

#include "audit/search/trials.h"

namespace assay::audit {

/// What a program says of one sample beside the reference; without the score values.
struct Answer {
  Judged reference{}, other{};
  Outcome outcome{};
};
/// By variant, then sample.
using Answers = std::vector<std::vector<Answer>>;

/// Every variant of `other` over all samples. `known`: answers of another program over the same data, whose reference
/// need not be run again unless errors are measured; may be null. Errors: as Trials.
Result<Answers> answers_of(backends::Program& reference, backends::Program& other, const Arrays& data,
                           const Question& question, const TrialOptions& options, const Answers* known = nullptr);

}  // namespace assay::audit

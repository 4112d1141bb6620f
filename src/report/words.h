// Numbers and names as people read them; shared by the text and the page.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/audit.h"

namespace assay::report {

/// The first `most` bytes, "..." where there are more; control characters, which would drive the terminal, and those
/// that turn the direction of text as "?".
std::string clean(std::string_view text, size_t most = 120);
/// A word as a shell reads it: as it is, or in single quotes.
std::string shell_word(const std::string& word);
std::string grouped(uint64_t n);  ///< 10,000
/// "1 sample", "10,000 samples"; `plural` where it is not the word with an s.
std::string how_many(uint64_t n, std::string_view word, std::string_view plural = "");
std::string short_number(double value);                   ///< at most 4 significant digits: 3.7e-04, 0.5
std::string score_text(double score, ir::ElemType type);  ///< shortest that reads back in the type
std::string percent(const std::optional<double>& part);   ///< "97.31%", "-" without a value
std::string decision_text(const audit::Decision& decision, audit::Rule::Kind kind);
/// "class 3 -> class 5", "2 pairs swap: 4<>7, 1<>2".
std::string change_text(const audit::Case& one, audit::Rule::Kind kind);
/// "12 swapped", "3 lost, 1 new": what several cases change together; empty where decisions alone say it.
std::string changes_text(const std::vector<audit::Case>& cases);
/// The largest difference, absolute and in ULPs: "0.002", "12"; "NaN" where one side alone is a NaN.
std::string largest_text(const audit::Differences& differences);
std::string largest_ulp_text(const audit::Differences& differences);
/// What an operation is called beside the others: by its node, or by its value where nodes share a name or have none.
template <class Op>
const std::string& called(const Op& op, const std::vector<Op>& ops) {
  const auto same = [&](const Op& other) { return other.node == op.node; };
  return op.node.empty() || std::ranges::count_if(ops, same) > 1 ? op.name : op.node;
}
std::string ulp_text(double ulps);  ///< "0.21", "1,204", "beyond"
/// "10,000 samples; positive when y >= 0.5".
std::string rule_text(const audit::AuditResult& audit);
/// "7 flips, 3 at risk" or "safe".
std::string verdict_text(const audit::CandidateResult& candidate);
/// "coremltools 9.0 on Apple M2 (Darwin 23.1, arm64), compute_units=ALL".
std::string recording_text(const backends::Recording& recording);
/// "float16, 39 bits of evidence", "not enough evidence".
std::string lattice_text(const num::LatticeCounts& counts);

}  // namespace assay::report

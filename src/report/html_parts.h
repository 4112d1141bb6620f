// Parts of the page. Every text that comes from outside goes through escape().
#pragma once
#include <string>
#include <string_view>

#include "audit/audit.h"

namespace assay::report::html {

std::string escape(std::string_view text);
/// The whole style sheet, light and dark.
std::string_view style();

/// Margins of the reference's scores for one storage type, the rounding interval drawn in, flips in red. `like` are the
/// candidates that store so.
std::string margin_chart(const audit::AuditResult& audit, const std::vector<const audit::CandidateResult*>& like);
/// A histogram by power of two as small bars.
std::string spark(const audit::Histogram& histogram, std::string_view unit);

std::string confusion(const audit::AuditResult& audit, const audit::ProgramInfo& info, const audit::Tally& tally,
                      const audit::Tally* against);
std::string cases(const audit::AuditResult& audit, const audit::CandidateResult& candidate);
std::string evidence(const audit::AuditResult& audit, const audit::CandidateResult& candidate);

}  // namespace assay::report::html

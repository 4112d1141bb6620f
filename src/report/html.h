// One self-contained page from audits: no network, light and dark.
#pragma once
#include <span>
#include <string>

#include "audit/audit.h"

namespace assay::report {

struct HtmlSection {
  std::string title;     ///< shown above the audit
  std::string subtitle;  ///< what the data is; may be empty
  const audit::AuditResult* audit = nullptr;
};

std::string to_html(std::span<const HtmlSection> sections, const std::string& version);

}  // namespace assay::report

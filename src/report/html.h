// One self-contained page from audits: no network, light and dark.
#pragma once
#include <span>
#include <string>

#include "report/section.h"

namespace assay::report {

std::string to_html(std::span<const Section> sections, const std::string& version);

}  // namespace assay::report

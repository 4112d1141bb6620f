// Markdown for a comment on a pull request (GitHub's and GitLab's dialect).
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/section.h"

namespace assay::report {

/// Below 60,000 bytes: GitHub takes 65,536 characters in a comment.
std::string to_markdown(std::span<const Section> sections, const std::string& version);
/// A name of somebody else's as code that means nothing to Markdown, safe in a table too.
std::string markdown_code(std::string_view text);

}  // namespace assay::report

// SARIF 2.1.0 (OASIS), as code scanning reads it.
#pragma once
#include <span>
#include <string>

#include "report/section.h"

namespace assay::report {

/// One run with a result for each decision that changes and each broken part of a contract.
std::string to_sarif(std::span<const Section> sections, const std::string& version);
/// A file name as a URI reference: what RFC 3986 does not allow in a path is percent-encoded.
std::string uri_of(const std::string& path);

}  // namespace assay::report

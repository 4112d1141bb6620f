// Text that may stand in XML 1.0, as content and in double quotes.
#pragma once
#include <string>
#include <string_view>

namespace assay::report {

/// Markup is escaped; what XML does not allow (control characters, bytes that are no UTF-8) becomes U+FFFD.
std::string xml_text(std::string_view text);

}  // namespace assay::report

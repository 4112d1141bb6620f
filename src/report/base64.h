// Base64 (RFC 4648), for data and hashes inside pages.
#pragma once
#include <string>
#include <string_view>

namespace assay::report {

std::string to_base64(std::string_view bytes);

}  // namespace assay::report

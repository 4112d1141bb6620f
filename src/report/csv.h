// Tables as comma-separated values (RFC 4180), for spreadsheets and data frames.
#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "report/section.h"

namespace assay::report {

/// (file name, text) of each table. The first column of every table names the audit.
std::vector<std::pair<std::string, std::string>> to_csv(std::span<const Section> sections);

/// Fields as a line, quoted where they must be.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace assay::report

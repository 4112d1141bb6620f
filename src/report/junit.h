// JUnit XML, as the test reports of continuous integration read it.
#pragma once
#include <span>
#include <string>

#include "report/section.h"

namespace assay::report {

/// A suite for each candidate: one test for the verdict, one for each decision that changes.
std::string to_junit(std::span<const Section> sections, const std::string& version);

}  // namespace assay::report

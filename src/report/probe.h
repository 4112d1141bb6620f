// What probes show, as JSON and as text.
#pragma once
#include <string>
#include <vector>

#include "audit/probe/read.h"

namespace assay::report {

/// `written`: the profile file; empty: none.
std::string to_json(const std::vector<audit::ProbeVerdict>& verdicts, const std::string& device,
                    const std::string& written);
std::string to_text(const std::vector<audit::ProbeVerdict>& verdicts, const std::string& device,
                    const std::string& written);

}  // namespace assay::report

// The machine that times are of.
#pragma once
#include <string>

namespace assay::api::opbench {

/// "AMD EPYC 9V74"; "unknown" where the system does not tell.
std::string processor_name();

}  // namespace assay::api::opbench

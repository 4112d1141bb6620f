// Whether two runtimes' results of a case are the same within what the case allows.
#pragma once
#include <span>
#include <string>

#include "api/opbench/cases.h"
#include "ir/tensor.h"

namespace assay::api::opbench {

/// What differs, for people; empty: nothing.
std::string difference(const Case& c, std::span<const ir::Tensor> ours, std::span<const ir::Tensor> theirs);

}  // namespace assay::api::opbench

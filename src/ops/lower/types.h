// Element types of the IR and data types of ML Programs that are the same numbers.
#pragma once
#include <optional>

#include "ir/type.h"
#include "mil/type.h"

namespace assay::ops {

/// nullopt where the other side has no such type.
std::optional<ir::ElemType> elem_of(mil::DataType type);
std::optional<mil::DataType> data_of(ir::ElemType type);

}  // namespace assay::ops

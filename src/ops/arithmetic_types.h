// Which element types can be added and multiplied.
#pragma once
#include "ops/def.h"

namespace assay::ops {

inline constexpr ir::TypeSet kComplex = type_set(ir::ElemType::complex64) | type_set(ir::ElemType::complex128);

/// Text and complex numbers are moved only.
inline bool has_arithmetic(ir::ElemType type) { return type != ir::ElemType::string && !kComplex.has(type); }

}  // namespace assay::ops

// Sequences, optionals and maps as arrays with names: item i of `m` is the array `m[i]`; what an optional holds is
// `m[0]`; a map is `m.keys` and `m.values`.
#pragma once
#include <string>

#include "backends/data/arrays.h"
#include "ir/type.h"

namespace assay::backends {

/// Adds the arrays of a value: itself where it is a tensor.
void spread(const std::string& name, const ir::Type& type, const ir::Tensor& value, Arrays& arrays);

/// The value of that type whose arrays are among those given. Of a sequence or an optional there may be none: it is
/// empty then. Errors: data_missing for tensors and maps.
Result<ir::Tensor> gather(const std::string& name, const ir::Type& type, const Arrays& arrays);

/// Whether an array of that name belongs to the value `name` of that type.
bool is_part(const std::string& array, const std::string& name, const ir::Type& type);

}  // namespace assay::backends

// Named arrays in .npz and .npy files.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/tensor.h"

namespace assay::backends {

struct NamedArray {
  std::string name;
  ir::Tensor tensor;
};
using Arrays = std::vector<NamedArray>;

const ir::Tensor* find(const Arrays& arrays, std::string_view name);

// Reading. Headers are checked before anything is allocated; pickled Python objects are refused. Errors: file_missing,
// data_malformed.
Result<ir::Tensor> read_npy(const std::string& path);
Result<Arrays> read_npz(const std::string& path);

struct RecordedArrays {
  Arrays arrays;
  std::optional<std::string> provenance{};  ///< the text in `__assay__`, which is no array of the recording
};
/// Errors: as read_npz; data_malformed where `__assay__` holds no bytes.
Result<RecordedArrays> read_recording(const std::string& path);

// Writing: whole or not at all, same bytes for the same arrays.
Status write_npy(const std::string& path, const ir::Tensor& tensor);
/// Types that NumPy lacks are written as unsigned integers and named in `__dtypes__` (docs/semantics.md 6).
Status write_npz(const std::string& path, const Arrays& arrays);

}  // namespace assay::backends

// Named arrays in .npz and .npy files.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/data/open_data.h"
#include "base/result.h"
#include "ir/tensor.h"

namespace assay::backends {

struct NamedArray {
  std::string name;
  ir::Tensor tensor;
  /// The file in which the elements lie, at any address, not aligned: they are taken by slice_samples. Null: they are
  /// in memory.
  std::shared_ptr<const OpenData> file{};
};
using Arrays = std::vector<NamedArray>;

const NamedArray* find_array(const Arrays& arrays, std::string_view name);
const ir::Tensor* find(const Arrays& arrays, std::string_view name);

// Reading. Headers are checked before anything is allocated; pickled Python objects are refused. Errors: file_missing,
// data_malformed.
Result<ir::Tensor> read_npy(const std::string& path);
Result<Arrays> read_npz(const std::string& path);
/// Likewise, but large arrays that are stored as they are in memory stay in the file.
Result<Arrays> open_npz(const std::string& path);
Result<NamedArray> open_npy(const std::string& path);

/// Samples [first, first + count) of an array whose first axis holds them: a view. `drop_axis`: count is 1 and the
/// axis goes.
ir::Tensor slice_samples(const ir::Tensor& whole, size_t first, size_t count, bool drop_axis);
/// Likewise, or a copy of what lies in a file. Errors: as OpenData::copy.
Result<ir::Tensor> slice_samples(const NamedArray& array, size_t first, size_t count, bool drop_axis);
/// The whole array, in memory, where it stays. Errors: as OpenData::copy.
Result<ir::Tensor> in_memory(const NamedArray& array);
/// The bytes of an array that holds no text, in pieces of OpenData::kPiece. Errors: as OpenData::copy.
Status for_each_piece(const NamedArray& array, const std::function<void(std::span<const std::byte>)>& see);

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

// A file of arrays that stays open: elements are read where they lie when they are wanted, and memory holds no more of
// the file than is being looked at.
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/mapped_file.h"
#include "base/result.h"
#include "ir/tensor.h"

namespace assay::backends {

class OpenData {
 public:
  /// Errors: file_missing.
  static Result<std::shared_ptr<const OpenData>> open(const std::string& path);
  ~OpenData();
  OpenData(const OpenData&) = delete;
  OpenData& operator=(const OpenData&) = delete;

  std::span<const std::byte> bytes() const { return file_.bytes(); }
  /// A copy, aligned, of elements that lie in the file. Errors: data_malformed where the file was written to since it
  /// was opened.
  Result<ir::Tensor> copy(const ir::Tensor& part) const;
  /// Gives back the memory behind bytes that have been looked at. They stay where they are, and are read again when
  /// somebody looks at them.
  void let_go(std::span<const std::byte> bytes) const;

 private:
  explicit OpenData(std::string path) : path_(std::move(path)) {}
  bool is_unchanged() const;
  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0, seconds_ = 0, nanoseconds_ = 0;  ///< when it was opened: its size, and its last change
  MappedFile file_;
};

}  // namespace assay::backends

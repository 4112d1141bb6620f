// A file of arrays that stays open: elements are read where they lie when they are wanted, and memory holds no more of
// the file than is being looked at.
#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
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
  /// The same of elements that are wanted again and again: it is made once, and kept while the file is open.
  Result<ir::Tensor> kept(const ir::Tensor& whole) const;
  /// Shows bytes that lie in the file in pieces of kPiece bytes. Errors: as copy.
  static constexpr size_t kPiece = size_t{1} << 20;
  Status for_each_piece(std::span<const std::byte> bytes,
                        const std::function<void(std::span<const std::byte>)>& see) const;

 private:
  explicit OpenData(std::string path) : path_(std::move(path)) {}
  bool is_unchanged() const;
  /// Reads what lies at `from` in the mapping into `to`; not through the mapping, whose bytes cannot be looked at once
  /// the file has become shorter. Errors: as copy.
  Status read(const std::byte* from, std::span<std::byte> to) const;
  std::string path_;
  int descriptor_ = -1;
  int64_t size_ = 0, seconds_ = 0, nanoseconds_ = 0;  ///< when it was opened: its size, and its last change
  MappedFile file_;
  mutable std::mutex mutex_;
  mutable std::map<const std::byte*, ir::Tensor> kept_;
};

}  // namespace assay::backends

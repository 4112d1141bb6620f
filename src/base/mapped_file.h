// A file mapped read-only. Copies share the mapping; views into it stay valid while one copy lives.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace assay {

class MappedFile {
 public:
  MappedFile() = default;
  /// Errors: file_missing when it cannot be opened or is no regular file.
  static Result<MappedFile> open(const std::string& path);
  /// Maps an already open descriptor (which stays the caller's); `name` is for messages.
  static Result<MappedFile> from_descriptor(int descriptor, const std::string& name);

  /// Whether a file (device and inode number, as stat gives them) is mapped now: somebody reads it.
  static bool is_mapped(uint64_t device, uint64_t inode);

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

}  // namespace assay

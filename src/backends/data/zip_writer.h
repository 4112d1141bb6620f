// Writes a .zip archive of stored (not compressed) entries as a stream: nothing is held in memory but the directory.
// Fixed timestamps and no host fields, so the same entries give the same bytes. ZIP64 only where sizes need it.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/output_file.h"
#include "base/result.h"

namespace assay::backends {

class ZipWriter {
 public:
  static Result<ZipWriter> create(const std::string& path);
  /// One entry from consecutive parts.
  Status add(const std::string& name, std::span<const std::span<const std::byte>> parts);
  Status finish();

 private:
  struct Entry {
    std::string name;
    uint32_t crc;
    uint64_t size, offset;
  };
  explicit ZipWriter(OutputFile file) : file_(std::move(file)) {}
  Status write(std::string_view bytes);
  OutputFile file_;
  std::vector<Entry> entries_;
  uint64_t offset_ = 0;
};

}  // namespace assay::backends

// Output that appears whole or not at all: written to a temporary name beside its target, then renamed. Devices and
// pipes are written directly, links are followed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace assay {

class OutputFile {
 public:
  /// Errors: write_failed when the folder cannot be written.
  static Result<OutputFile> create(const std::string& path);
  /// The error that create would give, before long work for a file that cannot be written.
  static Status check(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  /// Removes the temporary file unless commit() was called.
  ~OutputFile();

  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  /// Flushes and renames onto the target.
  Status commit();

 private:
  OutputFile(std::string path, std::string temporary, int descriptor);
  Error failure(const char* what) const;
  std::string path_, temporary_;
  int descriptor_ = -1;
};

/// create, write, commit.
Status write_file(const std::string& path, std::string_view text);

}  // namespace assay

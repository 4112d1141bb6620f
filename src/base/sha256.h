// SHA-256 (FIPS 180-4), for hashes that others compute too: of files and of arrays.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace assay {

class Sha256 {
 public:
  using Digest = std::array<std::byte, 32>;

  Sha256();
  Sha256(Sha256&&) noexcept;
  ~Sha256();
  void add(std::span<const std::byte> bytes);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  /// The digest of all that was added; nothing may be added after it.
  Digest digest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The digest in 64 hexadecimal digits.
std::string to_hex(const Sha256::Digest& digest);

/// Of a file, or of a folder (a .mlpackage): over each file in it, in the order of their paths' bytes, its path from
/// the folder ('/' between names), a zero byte and the SHA-256 of its content; files whose name begins with a dot are
/// left out. Errors: file_missing; cancelled.
Result<std::string> sha256_of_path(const std::string& path);

}  // namespace assay

#include "base/sha256.h"

#include <sha256.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "base/cancel.h"
#include "base/mapped_file.h"

namespace assay {
namespace {
namespace fs = std::filesystem;

Result<Sha256::Digest> digest_of_file(const std::string& path) {
  constexpr size_t kPiece = size_t{1} << 26;  // between two looks at whether the run was cancelled
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  Sha256 hash;
  for (auto rest = file.bytes(); !rest.empty(); rest = rest.subspan(std::min(kPiece, rest.size()))) {
    ASSAY_CHECK(check_cancel());
    hash.add(rest.first(std::min(kPiece, rest.size())));
  }
  return hash.digest();
}

Result<std::vector<std::string>> files_in(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code unreadable;
    if (it->path().filename().string().starts_with('.') || !it->is_regular_file(unreadable)) continue;
    files.push_back(it->path().lexically_relative(folder).generic_string());
  }
  if (error)
    return Error{Code::file_missing, "cannot be listed: " + error.message(), folder, "check that it may be read"};
  std::ranges::sort(files);
  return files;
}
}  // namespace

struct Sha256::State {
  SHA2_CTX context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) { SHA256Init(&state_->context); }
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::add(std::span<const std::byte> bytes) {
  SHA256Update(&state_->context, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

Sha256::Digest Sha256::digest() {
  Digest out;
  SHA256Final(reinterpret_cast<uint8_t*>(out.data()), &state_->context);
  return out;
}

std::string to_hex(const Sha256::Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::byte b : digest) {
    out += kDigits[std::to_integer<size_t>(b >> 4)];
    out += kDigits[std::to_integer<size_t>(b & std::byte{15})];
  }
  return out;
}

Result<std::string> sha256_of_path(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    ASSAY_TRY(const Sha256::Digest digest, digest_of_file(path));
    return to_hex(digest);
  }
  ASSAY_TRY(const auto files, files_in(path));
  Sha256 hash;
  for (const std::string& name : files) {
    ASSAY_TRY(const Sha256::Digest digest, digest_of_file((fs::path(path) / name).string()));
    hash.add(std::string_view(name.c_str(), name.size() + 1));
    hash.add(digest);
  }
  return to_hex(hash.digest());
}

}  // namespace assay

#include "base/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace assay {

OutputFile::OutputFile(std::string path, std::string temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

Result<OutputFile> OutputFile::create(const std::string& path) {
  std::string temporary = path + ".XXXXXX";
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0)
    return Error{Code::write_failed, std::string("cannot create: ") + std::strerror(errno), path,
                 "check that the folder exists and may be written"};
  ::fchmod(descriptor, 0644);
  return OutputFile(path, temporary, descriptor);
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Error OutputFile::failure(const char* what) const {
  return Error{Code::write_failed, std::string(what) + ": " + std::strerror(errno), path_, "check the free space"};
}

Status OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("cannot write");
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Status OutputFile::commit() {
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0) return failure("cannot close");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return failure("cannot rename");
  temporary_.clear();
  return {};
}

Status write_file(const std::string& path, std::string_view text) {
  ASSAY_TRY(OutputFile file, OutputFile::create(path));
  ASSAY_CHECK(file.write(text));
  return file.commit();
}

}  // namespace assay

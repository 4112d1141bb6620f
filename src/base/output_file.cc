#include "base/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/mapped_file.h"

namespace assay {
namespace {
Error cannot_create(const std::string& path, const char* why, const char* fix) {
  return Error{Code::write_failed, std::string("cannot create: ") + why, path, fix};
}

// A link stays a link: the file that it leads to is replaced.
std::string behind_links(const std::string& path) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string out = resolved;
  std::free(resolved);
  return out;
}

mode_t usual_mode() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}
}  // namespace

OutputFile::OutputFile(std::string path, std::string temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

Result<OutputFile> OutputFile::create(const std::string& path) {
  struct stat existing {};
  const bool exists = ::stat(path.c_str(), &existing) == 0;
  if (exists && S_ISDIR(existing.st_mode)) return cannot_create(path, "it is a folder", "give the path of a file");
  // Renaming onto a device or a pipe would replace it by a file: it is written as it stands.
  if (exists && !S_ISREG(existing.st_mode)) {
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return cannot_create(path, std::strerror(errno), "give the path of a file");
    return OutputFile(path, "", descriptor);
  }
  // The weights of the model at hand, say: renaming onto them would leave nothing to read next time.
  if (exists && MappedFile::is_mapped(existing.st_dev, existing.st_ino))
    return cannot_create(path, "it is being read as part of an input", "give the path of another file");
  const std::string target = exists ? behind_links(path) : path;
  std::string temporary = target + ".XXXXXX";
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0)
    return cannot_create(path, std::strerror(errno), "check that the folder exists and may be written");
  ::fchmod(descriptor, exists ? existing.st_mode & 07777 : usual_mode());
  return OutputFile(target, temporary, descriptor);
}

Status OutputFile::check(const std::string& path) {
  struct stat existing {};
  if (::stat(path.c_str(), &existing) == 0 && !S_ISREG(existing.st_mode) && !S_ISDIR(existing.st_mode)) return {};
  ASSAY_TRY(const OutputFile file, create(path));
  return {};
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
  if (temporary_.empty()) return {};
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

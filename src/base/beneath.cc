#include "base/beneath.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"

#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif

namespace assay {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// Component by component, none of them a symbolic link. For kernels without openat2.
Descriptor open_by_parts(int folder, const std::string& location, int flags) {
  std::vector<std::string> parts = split(location, '/');
  std::erase_if(parts, [](const std::string& p) { return p.empty() || p == "."; });
  if (parts.empty()) {
    errno = EISDIR;
    return Descriptor(-1);
  }
  Descriptor at(::dup(folder));
  for (size_t i = 0; i + 1 < parts.size() && at.get() >= 0; ++i)
    at = Descriptor(::openat(at.get(), parts[i].c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (at.get() < 0) return at;
  return Descriptor(::openat(at.get(), parts.back().c_str(), flags | O_NOFOLLOW));
}

Descriptor open_beneath(int folder, const std::string& location, int flags) {
#if defined(SYS_openat2) && defined(RESOLVE_BENEATH)
  open_how how{};
  how.flags = static_cast<uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, folder, location.c_str(), &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL)) return Descriptor(static_cast<int>(fd));
#endif
  return open_by_parts(folder, location, flags);
}

Error with(const Error& refusal, std::string message) {
  Error e = refusal;
  e.message = std::move(message);
  return e;
}

Result<Descriptor> reach(const std::string& folder, const std::string& location, int flags, const Error& refusal) {
  const std::string quoted = "'" + location.substr(0, 200) + "'";
  if (const auto problem = bad_location(location); !problem.empty())
    return with(refusal, "location " + quoted + " " + std::string(problem));
  const Descriptor base(::open(folder.empty() ? "." : folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (base.get() < 0) return with(refusal, "the model's folder cannot be opened");
  Descriptor fd = open_beneath(base.get(), location, flags | O_CLOEXEC | O_NONBLOCK);
  if (fd.get() >= 0) return fd;
  const int reason = errno;
  const char* text = reason == ELOOP   ? "is or goes through a symbolic link"
                     : reason == EXDEV ? "leaves the model's folder"
                                       : std::strerror(reason);
  return with(refusal, "cannot open " + quoted + ": " + text);
}
}  // namespace

std::string_view bad_location(std::string_view location) {
  if (location.empty()) return "is empty";
  if (location.find('\0') != std::string_view::npos) return "contains a NUL";
  if (location.front() == '/' || location.front() == '\\') return "is absolute";
  if (location.size() > 1 && location[1] == ':') return "names a drive";
  if (location.find('\\') != std::string_view::npos) return "contains a backslash";
  for (const std::string& part : split(location, '/'))
    if (part == "..") return "leaves the model's folder";
  return {};
}

Result<MappedFile> map_beneath(const std::string& folder, const std::string& location, const Error& refusal) {
  ASSAY_TRY(const Descriptor fd, reach(folder, location, O_RDONLY, refusal));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return with(refusal, "'" + location + "' is not a regular file");
  if (info.st_nlink != 1) return with(refusal, "'" + location + "' has more than one hard link");
  return MappedFile::from_descriptor(fd.get(), location);
}

Status check_beneath(const std::string& folder, const std::string& location, const Error& refusal) {
  ASSAY_TRY(const Descriptor fd, reach(folder, location, O_RDONLY, refusal));
  struct stat info {};
  if (::fstat(fd.get(), &info) == 0 && (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode))) return {};
  return with(refusal, "'" + location + "' is neither a regular file nor a folder");
}

}  // namespace assay

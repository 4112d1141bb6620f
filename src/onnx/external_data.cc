#include "onnx/external_data.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/text.h"

#if __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#endif

namespace assay::onnx {
namespace {

Error refuse(std::string message, const std::string& where) {
  return Error{Code::external_data, std::move(message), where,
               "put the data file, as a regular file, into the model's folder and save the model again"};
}

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

/// Strict non-negative decimal of at most 63 bits.
std::optional<uint64_t> decimal(std::string_view text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  if (value > INT64_MAX) return std::nullopt;
  return value;
}

/// What is wrong with the words of a location, before anything is opened; empty when nothing is.
std::string_view bad_words(std::string_view location) {
  if (location.empty()) return "is empty";
  if (location.find('\0') != std::string_view::npos) return "contains a NUL";
  if (location.front() == '/' || location.front() == '\\') return "is absolute";
  if (location.size() > 1 && location[1] == ':') return "names a drive";
  if (location.find('\\') != std::string_view::npos) return "contains a backslash";
  for (const std::string& part : split(location, '/'))
    if (part == "..") return "leaves the model's folder";
  return {};
}

/// Component by component, none of them a symbolic link. For kernels without openat2.
Descriptor open_by_parts(int folder, const std::string& location) {
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
  return Descriptor(::openat(at.get(), parts.back().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
}

Descriptor open_beneath(int folder, const std::string& location) {
#if defined(SYS_openat2) && defined(RESOLVE_BENEATH)
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, folder, location.c_str(), &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL)) return Descriptor(static_cast<int>(fd));
#endif
  return open_by_parts(folder, location);
}

struct Entries {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

Result<Entries> read_entries(const TensorProto& tensor, const std::string& where) {
  Entries e;
  std::vector<std::string_view> seen;
  for (const auto& [key, value] : tensor.external_data) {
    if (std::ranges::find(seen, key) != seen.end())
      return refuse("key '" + std::string(key) + "' is given twice", where);
    seen.push_back(key);
    if (key == "location") {
      e.location = value;
    } else if (key == "offset" || key == "length") {
      const auto number = decimal(value);
      if (!number)
        return refuse(std::string(key) + " is not a decimal number: '" + std::string(value.substr(0, 40)) + "'", where);
      if (key == "offset")
        e.offset = *number;
      else
        e.length = *number;
    } else if (key != "checksum") {  // of the whole file, written by nobody: not verified
      return refuse("unknown key '" + std::string(key.substr(0, 40)) + "'", where);
    }
  }
  if (const auto problem = bad_words(e.location); !problem.empty())
    return refuse("location '" + e.location.substr(0, 200) + "' " + std::string(problem), where);
  return e;
}

}  // namespace

Result<MappedFile> ExternalData::file(const std::string& location, const std::string& where) {
  if (const auto known = files_.find(location); known != files_.end()) return known->second;
  const Descriptor folder(::open(folder_->empty() ? "." : folder_->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return refuse("the model's folder cannot be opened", where);
  const Descriptor fd = open_beneath(folder.get(), location);
  if (fd.get() < 0) {
    const int reason = errno;
    const char* text = reason == ELOOP   ? "is or goes through a symbolic link"
                       : reason == EXDEV ? "leaves the model's folder"
                                         : std::strerror(reason);
    return refuse("cannot open '" + location + "': " + text, where);
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return refuse("'" + location + "' is not a regular file", where);
  if (info.st_nlink != 1) return refuse("'" + location + "' has more than one hard link", where);
  ASSAY_TRY(MappedFile mapped, MappedFile::from_descriptor(fd.get(), location));
  return files_.emplace(location, std::move(mapped)).first->second;
}

Result<ExternalData::Range> ExternalData::find(const TensorProto& tensor, size_t size) {
  const std::string where = "tensor '" + std::string(tensor.name) + "'";
  if (!folder_) return refuse("a model from memory cannot have external data", where);
  ASSAY_TRY(const Entries e, read_entries(tensor, where));
  ASSAY_TRY(const MappedFile mapped, file(e.location, where));
  const uint64_t total = mapped.bytes().size();
  if (e.offset > total) return refuse("offset " + std::to_string(e.offset) + " is beyond the file", where);
  const uint64_t length = e.length.value_or(total - e.offset);
  if (length > total - e.offset)
    return refuse("offset " + std::to_string(e.offset) + " and length " + std::to_string(length) +
                      " reach beyond the file of " + std::to_string(total) + " bytes",
                  where);
  if (length != size)
    return refuse("length is " + std::to_string(length) + " bytes, the tensor has " + std::to_string(size), where);
  return Range{mapped.bytes().subspan(e.offset, length), mapped.owner()};
}

}  // namespace assay::onnx

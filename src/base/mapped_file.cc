#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

namespace assay {
namespace {

using FileId = std::pair<uint64_t, uint64_t>;  // device, inode

struct Mappings {
  std::mutex mutex;
  std::multiset<FileId> files;
};
// Never freed: mappings may end after static objects do.
Mappings& mappings() {
  static auto* all = new Mappings();
  return *all;
}

}  // namespace

bool MappedFile::is_mapped(uint64_t device, uint64_t inode) {
  const std::lock_guard lock(mappings().mutex);
  return mappings().files.contains({device, inode});
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return Error{Code::file_missing, std::string("cannot open: ") + std::strerror(errno), path,
                 "check the path and its permissions"};
  auto file = from_descriptor(descriptor, path);
  ::close(descriptor);
  return file;
}

Result<MappedFile> MappedFile::from_descriptor(int descriptor, const std::string& name) {
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode))
    return Error{Code::file_missing, S_ISDIR(info.st_mode) ? "is a folder, not a file" : "is not a regular file", name,
                 "give the path of a file"};
  MappedFile file;
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return file;
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (address == MAP_FAILED)
    return Error{Code::file_missing, std::string("cannot map: ") + std::strerror(errno), name, ""};
  const FileId id{info.st_dev, info.st_ino};
  {
    const std::lock_guard lock(mappings().mutex);
    mappings().files.insert(id);
  }
  file.owner_ = std::shared_ptr<const void>(address, [size, id](const void* p) {
    ::munmap(const_cast<void*>(p), size);
    const std::lock_guard lock(mappings().mutex);
    mappings().files.erase(mappings().files.find(id));
  });
  file.bytes_ = {static_cast<const std::byte*>(address), size};
  return file;
}

}  // namespace assay

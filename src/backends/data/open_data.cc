#include "backends/data/open_data.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace assay::backends {

Result<std::shared_ptr<const OpenData>> OpenData::open(const std::string& path) {
  std::shared_ptr<OpenData> data(new OpenData(path));
  data->descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (data->descriptor_ < 0)
    return Error{Code::file_missing, std::string("cannot open: ") + std::strerror(errno), path,
                 "check the path and its permissions"};
  ASSAY_TRY(data->file_, MappedFile::from_descriptor(data->descriptor_, path));
  struct stat info {};
  ::fstat(data->descriptor_, &info);
  data->size_ = info.st_size;
  data->seconds_ = info.st_mtim.tv_sec;
  data->nanoseconds_ = info.st_mtim.tv_nsec;
  return std::shared_ptr<const OpenData>(std::move(data));
}

OpenData::~OpenData() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool OpenData::is_unchanged() const {
  struct stat info {};
  return ::fstat(descriptor_, &info) == 0 && info.st_size == size_ && info.st_mtim.tv_sec == seconds_ &&
         info.st_mtim.tv_nsec == nanoseconds_;
}

// Read, not copied from the mapping, whose bytes cannot be looked at once the file has become shorter, and which would
// bring in the pages around them too.
Result<ir::Tensor> OpenData::copy(const ir::Tensor& part) const {
  ir::Tensor own = ir::Tensor::allocate(part.elem(), part.dims());
  const auto start = part.bytes() - bytes().data();
  const size_t wanted = part.byte_size();
  size_t done = 0;
  while (done < wanted) {
    const auto got = ::pread(descriptor_, own.mutable_bytes() + done, wanted - done,
                             static_cast<off_t>(start) + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  if (done < wanted || !is_unchanged())
    return Error{Code::data_malformed, "was written to while it was being read", path_,
                 "write new data under another name, or rename it into place, and start again"};
  return own;
}

void OpenData::let_go(std::span<const std::byte> bytes) const {
  if (bytes.empty()) return;
  // Whole pages: what else lies in them is read again too.
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data()) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size());
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace assay::backends

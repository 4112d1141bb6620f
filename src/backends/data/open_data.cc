#include "backends/data/open_data.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

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

Status OpenData::read(const std::byte* from, std::span<std::byte> to) const {
  const auto start = static_cast<off_t>(from - bytes().data());
  size_t done = 0;
  while (done < to.size()) {
    const auto got = ::pread(descriptor_, to.data() + done, to.size() - done, start + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<size_t>(got);
  }
  if (done == to.size() && is_unchanged()) return {};
  return Error{Code::data_malformed, "was written to while it was being read", path_,
               "write new data under another name, or rename it into place, and start again"};
}

Result<ir::Tensor> OpenData::copy(const ir::Tensor& part) const {
  ir::Tensor own = ir::Tensor::allocate(part.elem(), part.dims());
  ASSAY_CHECK(read(part.bytes(), {own.mutable_bytes(), own.byte_size()}));
  return own;
}

Result<ir::Tensor> OpenData::kept(const ir::Tensor& whole) const {
  const std::lock_guard lock(mutex_);
  if (const auto found = kept_.find(whole.bytes()); found != kept_.end()) return found->second;
  ASSAY_TRY(ir::Tensor own, copy(whole));
  kept_.emplace(whole.bytes(), own);
  return own;
}

Status OpenData::for_each_piece(std::span<const std::byte> bytes,
                                const std::function<void(std::span<const std::byte>)>& see) const {
  std::vector<std::byte> piece(std::min(bytes.size(), kPiece));
  for (size_t at = 0; at < bytes.size(); at += kPiece) {
    const std::span part(piece.data(), std::min(kPiece, bytes.size() - at));
    ASSAY_CHECK(read(bytes.data() + at, part));
    see(part);
  }
  return {};
}

}  // namespace assay::backends

#include "coreml/file/weight_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/aside.h"
#include "coreml/file/limits.h"
#include "coreml/file/weight_file.h"

namespace assay::coreml {
namespace {
uint64_t aligned(uint64_t at) { return (at + kBlobAlignment - 1) / kBlobAlignment * kBlobAlignment; }

template <class T>
void store(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

constexpr size_t kHashed = 1U << 16, kMost = 1U << 20;  // bytes hashed, and written, at a time

/// Sources cut their bytes as they like: the hash sees pieces of one size, so that it depends on the bytes alone.
class PieceHash {
 public:
  void add(mil::Bytes bytes) {
    while (!bytes.empty()) {
      const mil::Bytes part = bytes.first(std::min(bytes.size(), kHashed - pending_.size()));
      if (pending_.empty() && part.size() == kHashed) {
        hash_.add(part.data(), part.size());
      } else {
        pending_.insert(pending_.end(), part.begin(), part.end());
        if (pending_.size() == kHashed) flush();
      }
      bytes = bytes.subspan(part.size());
    }
  }
  uint64_t value() {
    flush();
    return hash_.value();
  }

 private:
  void flush() {
    hash_.add(pending_.data(), pending_.size());
    pending_.clear();
  }

  Hash hash_;
  std::vector<std::byte> pending_;
};
}  // namespace

Result<WeightWriter> WeightWriter::create(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0)
    return Error{Code::write_failed, std::string("cannot create: ") + std::strerror(errno), path,
                 "check that the folder exists and may be written"};
  return WeightWriter(path, descriptor);
}

WeightWriter::WeightWriter(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor), aside_(std::make_unique<Aside>()) {}

WeightWriter::WeightWriter(WeightWriter&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      count_(other.count_),
      end_(other.end_),
      records_(std::move(other.records_)),
      hash_(other.hash_),
      held_{std::move(other.held_[0]), std::move(other.held_[1])},
      aside_(std::move(other.aside_)) {}

WeightWriter::~WeightWriter() {
  aside_.reset();  // it still writes where something failed
  if (descriptor_ >= 0) ::close(descriptor_);
}

Error WeightWriter::failure(const char* what) const {
  return Error{Code::write_failed, std::string(what) + ": " + std::strerror(errno), path_, "check the free space"};
}

Status WeightWriter::put(mil::Bytes bytes, uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("cannot write");
    bytes = bytes.subspan(static_cast<size_t>(n));
    at += static_cast<uint64_t>(n);
  }
  return {};
}

// Large pieces are written aside while the next one is produced and hashed. Views stay where they are; what a source
// recodes it may write over, so it is copied, in turns to one of two places.
Status WeightWriter::write(mil::Bytes bytes, uint64_t at, bool stays) {
  if (bytes.size() < kHashed) {
    ASSAY_CHECK(aside_->wait());
    return put(bytes, at);
  }
  if (!stays) {
    std::swap(held_[0], held_[1]);
    held_[0].assign(bytes.begin(), bytes.end());
    bytes = held_[0];
  }
  return aside_->start([this, bytes, at] { return put(bytes, at); });
}

Result<uint64_t> WeightWriter::append_bytes(const mil::Payload& payload, uint64_t at) {
  PieceHash hash;
  uint64_t written = 0;
  ASSAY_CHECK(payload.each([&](mil::Bytes bytes) -> Status {
    while (!bytes.empty()) {
      const mil::Bytes part = bytes.first(std::min(bytes.size(), kMost));
      ASSAY_CHECK(write(part, at + written, !payload.source));
      hash.add(part);
      written += part.size();
      bytes = bytes.subspan(part.size());
    }
    return {};
  }));
  ASSAY_CHECK(aside_->wait());
  if (written != payload.size) return Error{Code::internal, "weights have another size than announced", path_, ""};
  return hash.value();
}

Result<bool> WeightWriter::same(uint64_t a, uint64_t b, uint64_t size) const {
  std::vector<std::byte> left(std::min<uint64_t>(size, kMost)), right(left.size());
  for (uint64_t done = 0; done < size;) {
    const size_t n = std::min<uint64_t>(size - done, kMost);
    if (::pread(descriptor_, left.data(), n, static_cast<off_t>(a + done)) != static_cast<ssize_t>(n) ||
        ::pread(descriptor_, right.data(), n, static_cast<off_t>(b + done)) != static_cast<ssize_t>(n))
      return failure("cannot read back");
    if (std::memcmp(left.data(), right.data(), n) != 0) return false;
    done += n;
  }
  return true;
}

Result<uint64_t> WeightWriter::add(const mil::DataTypeRow& type, int64_t count, const mil::Payload& payload) {
  const uint64_t offset = aligned(end_), data = offset + kBlobAlignment;
  ASSAY_TRY(const uint64_t hash, append_bytes(payload, data));
  const Key key{type.blob, payload.size, hash, count};
  for (auto [at, end] = records_.equal_range(key); at != end; ++at) {
    ASSAY_TRY(const bool equal, same(at->second + kBlobAlignment, data, payload.size));
    if (equal) return at->second;  // what was just appended is written over, or cut off at the end
  }
  std::byte record[kBlobAlignment]{};
  store(record, kBlobSentinel);
  store(record + 4, static_cast<uint32_t>(type.blob));
  store(record + 8, payload.size);
  store(record + 16, data);
  if (type.bits < 8)
    store(record + 24, payload.size * 8 - static_cast<uint64_t>(count) * static_cast<uint64_t>(type.bits));
  // Between the last payload and this record may lie what a dropped duplicate left.
  const std::byte gap[kBlobAlignment]{};
  ASSAY_CHECK(put(mil::Bytes(gap).first(offset - end_), end_));
  ASSAY_CHECK(put(record, offset));
  end_ = data + payload.size;
  ++count_;
  records_.emplace(key, offset);
  hash_.word(hash);
  hash_.add(record, sizeof record);
  return offset;
}

Status WeightWriter::finish() {
  std::byte header[kBlobAlignment]{};
  store(header, count_);
  store(header + 4, kBlobVersion);
  ASSAY_CHECK(put(header, 0));
  if (::ftruncate(descriptor_, static_cast<off_t>(end_)) != 0) return failure("cannot cut");
  if (::close(std::exchange(descriptor_, -1)) != 0) return failure("cannot close");
  return {};
}

}  // namespace assay::coreml

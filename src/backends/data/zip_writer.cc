#include "backends/data/zip_writer.h"

#include <zlib.h>

#include <algorithm>

namespace assay::backends {
namespace {
constexpr uint64_t kMax32 = 0xffffffff;
constexpr uint16_t kDate = 1 << 5 | 1;  // 1 January 1980, the first day of the format

// Little-endian fields, one after the other.
class Fields {
 public:
  Fields& u16(uint64_t v) { return put(v, 2); }
  Fields& u32(uint64_t v) { return put(v, 4); }
  Fields& u64(uint64_t v) { return put(v, 8); }
  Fields& text(std::string_view v) {
    out_ += v;
    return *this;
  }
  const std::string& str() const { return out_; }

 private:
  Fields& put(uint64_t v, int bytes) {
    for (int i = 0; i < bytes; ++i) out_ += static_cast<char>(v >> (8 * i) & 0xff);
    return *this;
  }
  std::string out_;
};

uint32_t crc_of(std::span<const std::span<const std::byte>> parts) {
  uLong crc = crc32(0, nullptr, 0);
  for (std::span<const std::byte> part : parts)
    crc = crc32_z(crc, reinterpret_cast<const Bytef*>(part.data()), part.size());
  return static_cast<uint32_t>(crc);
}

// Version needed, flags (UTF-8 names), method (stored), time, date, CRC and both sizes: the same in both headers.
void common(Fields& f, uint32_t crc, uint64_t size, bool wide) {
  const uint64_t shown = wide ? kMax32 : size;
  f.u16(wide ? 45 : 20).u16(0x0800).u16(0).u16(0).u16(kDate).u32(crc).u32(shown).u32(shown);
}
}  // namespace

Result<ZipWriter> ZipWriter::create(const std::string& path) {
  ASSAY_TRY(OutputFile file, OutputFile::create(path));
  return ZipWriter(std::move(file));
}

Status ZipWriter::write(std::string_view bytes) {
  offset_ += bytes.size();
  return file_.write(bytes);
}

Status ZipWriter::add(const std::string& name, std::span<const std::span<const std::byte>> parts) {
  uint64_t size = 0;
  for (const auto part : parts) size += part.size();
  if (name.size() > 0xffff)
    return Error{Code::write_failed, "an array's name has over 65535 bytes", name.substr(0, 80), "shorten the name"};
  const Entry entry{name, crc_of(parts), size, offset_};
  const bool wide = size >= kMax32;
  Fields header;
  header.u32(0x04034b50);
  common(header, entry.crc, size, wide);
  header.u16(name.size()).u16(wide ? 20 : 0).text(name);
  if (wide) header.u16(1).u16(16).u64(size).u64(size);
  ASSAY_CHECK(write(header.str()));
  for (const auto part : parts) ASSAY_CHECK(file_.write(part));
  offset_ += size;
  entries_.push_back(entry);
  return {};
}

Status ZipWriter::finish() {
  const uint64_t start = offset_;
  for (const Entry& e : entries_) {
    const bool wide = e.size >= kMax32 || e.offset >= kMax32;
    Fields f;
    f.u32(0x02014b50).u16(wide ? 45 : 20);
    common(f, e.crc, e.size, wide);
    f.u16(e.name.size()).u16(wide ? 28 : 0).u16(0).u16(0).u16(0).u32(0).u32(wide ? kMax32 : e.offset).text(e.name);
    if (wide) f.u16(1).u16(24).u64(e.size).u64(e.size).u64(e.offset);
    ASSAY_CHECK(write(f.str()));
  }
  const uint64_t size = offset_ - start, count = entries_.size(), at = offset_;
  Fields f;
  if (count >= 0xffff || start >= kMax32 || size >= kMax32) {
    f.u32(0x06064b50).u64(44).u16(45).u16(45).u32(0).u32(0).u64(count).u64(count).u64(size).u64(start);
    f.u32(0x07064b50).u32(0).u64(at).u32(1);
  }
  const uint64_t shown = std::min<uint64_t>(count, 0xffff);
  f.u32(0x06054b50).u16(0).u16(0).u16(shown).u16(shown).u32(std::min(size, kMax32)).u32(std::min(start, kMax32)).u16(0);
  ASSAY_CHECK(write(f.str()));
  return file_.commit();
}

}  // namespace assay::backends

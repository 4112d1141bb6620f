#include "backends/data/zip_reader.h"

#define ZLIB_CONST  // input is read through pointers to const
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <new>

namespace assay::backends {
namespace {
using Bytes = std::span<const std::byte>;
constexpr uint64_t kMax16 = 0xffff, kMax32 = 0xffffffff;
constexpr uint64_t kMostEntries = 100'000;
constexpr uint64_t kMostDeflated = 1032;  // deflate cannot shrink by more
// The records' signatures, and the bytes that each has before its text.
constexpr uint64_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator = 0x07064b50, kCentral = 0x02014b50,
                   kLocal = 0x04034b50;
constexpr size_t kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20, kCentralBytes = 46, kLocalBytes = 30;
// Bits of an entry's flags.
constexpr uint64_t kEncrypted = 1 << 0 | 1 << 6 | 1 << 13;
constexpr uint64_t kSizesFollow = 1 << 3;  // a streaming writer learns CRC and sizes too late for the local header

Error malformed(const std::string& where, std::string message) {
  return Error{Code::data_malformed, std::move(message), where, "save the data again with numpy.savez"};
}

Error unreadable(const std::string& path, const std::string& why) {
  return malformed(path, "is no readable .npz archive: " + why);
}

uint64_t number(Bytes bytes, size_t at, int width) {
  uint64_t value = 0;
  for (int i = 0; i < width; ++i) value |= std::to_integer<uint64_t>(bytes[at + static_cast<size_t>(i)]) << 8 * i;
  return value;
}

// Little-endian fields, one after the other, of bytes that are known to be enough.
class Fields {
 public:
  explicit Fields(Bytes bytes) : rest_(bytes) {}
  uint64_t u16() { return take(2); }
  uint64_t u32() { return take(4); }
  uint64_t u64() { return take(8); }
  Bytes bytes(size_t count) {
    const Bytes first = rest_.first(count);
    rest_ = rest_.subspan(count);
    return first;
  }

 private:
  uint64_t take(int width) { return number(bytes(static_cast<size_t>(width)), 0, width); }
  Bytes rest_;
};

struct Directory {
  uint64_t count = 0, bytes = 0, start = 0;
};

// The last record has these 16 bits (`wide` 32 and 64 bits) wide; an archive in several files has other numbers of
// disks.
Result<Directory> directory_of(Fields f, bool wide, const std::string& path) {
  const bool split = wide ? (f.u32() | f.u32()) != 0 : (f.u16() | f.u16()) != 0;
  const uint64_t count_here = wide ? f.u64() : f.u16();
  Directory d;
  d.count = wide ? f.u64() : f.u16();
  d.bytes = wide ? f.u64() : f.u32();
  d.start = wide ? f.u64() : f.u32();
  if (split || count_here != d.count) return unreadable(path, "it is one part of several");
  return d;
}

// ZIP64's record takes the place of the last one, which points to it from the 20 bytes before. `end` becomes its place.
Result<Directory> widened(Bytes archive, const Directory& narrow, size_t& end, const std::string& path) {
  const size_t locator = end - kLocatorBytes;
  Fields f(archive.subspan(locator + 4));
  const uint64_t disk = f.u32(), at = f.u64(), disks = f.u32();
  if (disk != 0 || disks > 1) return unreadable(path, "it is one part of several");
  if (at > locator || locator - at < kEnd64Bytes || number(archive, at, 4) != kEnd64 ||
      number(archive, at + 4, 8) != locator - at - 12)
    return unreadable(path, "its ZIP64 record is not where it should be");
  // After signature, size and two versions.
  ASSAY_TRY(const Directory d, directory_of(Fields(archive.subspan(at + 16)), true, path));
  const auto agree = [](uint64_t shown, uint64_t most, uint64_t value) { return shown == most || shown == value; };
  if (!agree(narrow.count, kMax16, d.count) || !agree(narrow.bytes, kMax32, d.bytes) ||
      !agree(narrow.start, kMax32, d.start))
    return unreadable(path, "its two last records contradict each other");
  end = at;
  return d;
}

Result<Directory> find_directory(Bytes archive, const std::string& path) {
  // Only a comment may follow the last record.
  size_t end = archive.size() - std::min(archive.size(), kEndBytes);
  const size_t lowest = end - std::min<size_t>(end, kMax16);
  const auto fits = [&](size_t at) {
    return archive.size() - at >= kEndBytes && number(archive, at, 4) == kEnd &&
           number(archive, at + kEndBytes - 2, 2) == archive.size() - at - kEndBytes;
  };
  while (end > lowest && !fits(end)) --end;
  if (!fits(end)) return unreadable(path, "it has no directory at its end; check that the file is complete");
  auto d = directory_of(Fields(archive.subspan(end + 4)), false, path);
  const bool has_locator = end >= kLocatorBytes && number(archive, end - kLocatorBytes, 4) == kLocator;
  if (d.ok() && has_locator) d = widened(archive, *d, end, path);
  if (!d.ok()) return d;
  if (d->start > end || d->bytes != end - d->start || d->count > d->bytes / kCentralBytes)
    return unreadable(path, "its directory is not where it should be");
  if (d->count > kMostEntries) return malformed(path, "has over 100000 arrays");
  return d;
}

// Of numbers that are all ones in a header, ZIP64's extra field has the 64 bits, in this order.
bool widen(Bytes extra, std::initializer_list<uint64_t*> numbers) {
  Bytes wide;
  while (wide.empty() && extra.size() >= 4) {
    const uint64_t id = number(extra, 0, 2), bytes = number(extra, 2, 2);
    if (bytes > extra.size() - 4) return false;
    if (id == 1) wide = extra.subspan(4, bytes);
    extra = extra.subspan(4 + bytes);
  }
  for (uint64_t* n : numbers) {
    if (*n != kMax32) continue;
    if (wide.size() < 8) return false;
    *n = number(wide, 0, 8);
    wide = wide.subspan(8);
  }
  return true;
}

// What the directory and an entry's own header both say of it, and the directory alone says where it is.
struct Header {
  uint64_t flags = 0, method = 0, crc = 0, packed = 0, size = 0, offset = 0;
  std::string_view name{};
  size_t bytes = 0;  // of the whole header
};

// Empty where the header does not end in `bytes`, or its extra fields in it.
bool read_header(Bytes bytes, bool central, Header& h) {
  const size_t fixed = central ? kCentralBytes : kLocalBytes;
  if (bytes.size() < fixed || number(bytes, 0, 4) != (central ? kCentral : kLocal)) return false;
  Fields f(bytes.subspan(central ? 8 : 6));  // after the versions
  h.flags = f.u16();
  h.method = f.u16();
  f.bytes(4);  // time and date
  h.crc = f.u32();
  h.packed = f.u32();
  h.size = f.u32();
  const uint64_t name_bytes = f.u16(), extra_bytes = f.u16(), comment_bytes = central ? f.u16() : 0;
  if (central) f.bytes(8);  // disk and attributes
  h.offset = central ? f.u32() : 0;
  h.bytes = fixed + name_bytes + extra_bytes + comment_bytes;
  if (bytes.size() < h.bytes) return false;
  const Bytes name = bytes.subspan(fixed, name_bytes);
  h.name = {reinterpret_cast<const char*>(name.data()), name.size()};
  return widen(bytes.subspan(fixed + name_bytes, extra_bytes), {&h.size, &h.packed, &h.offset});
}

// `before` is the archive up to its directory.
Result<ZipEntry> entry_of(const Header& h, Bytes before, const std::string& path) {
  const std::string name(h.name.substr(0, h.name.find('\0')));  // as NumPy reads it
  const std::string where = path + ": " + std::string(array_of(name));
  const bool deflated = h.method == 8;
  if ((h.flags & kEncrypted) != 0) return malformed(where, "is encrypted");
  if (h.method != 0 && !deflated) return malformed(where, "is compressed by a method other than deflate");
  if (h.packed > before.size() || h.size / (deflated ? kMostDeflated : 1) > h.packed)
    return malformed(where, "claims more bytes than its archive can hold");
  Header own;
  if (h.offset > before.size() || !read_header(before.subspan(h.offset), false, own))
    return malformed(where, "is not where the archive's directory says");
  const bool same_sizes = own.crc == h.crc && own.packed == h.packed && own.size == h.size;
  if (own.name != h.name || own.method != h.method || (own.flags & kEncrypted) != 0 ||
      !(same_sizes || (own.flags & kSizesFollow) != 0) || (!deflated && h.size != h.packed))
    return malformed(where, "is not what the archive's directory says");
  const Bytes rest = before.subspan(h.offset + own.bytes);
  if (h.packed > rest.size()) return malformed(where, "claims more bytes than its archive can hold");
  return ZipEntry{name, deflated, static_cast<uint32_t>(h.crc), h.size, rest.first(h.packed)};
}

// Places of entries in the archive, headers included.
struct Extent {
  uint64_t start, end;
};

bool overlap(std::vector<Extent>& extents) {
  std::ranges::sort(extents, {}, &Extent::start);
  return std::ranges::adjacent_find(extents, [](Extent a, Extent b) { return b.start < a.end; }) != extents.end();
}

struct Inflater {
  z_stream stream{};
  Inflater() {
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream); }
};

// True when all of `in` gives all of `out`. zlib counts bytes in 32 bits, hence the pieces.
bool inflate_all(Bytes in, std::span<std::byte> out) {
  constexpr size_t kPiece = size_t{1} << 30;
  Inflater inflater;
  z_stream& z = inflater.stream;
  std::byte none{};  // an empty output has no address, which zlib wants
  z.next_out = reinterpret_cast<Bytef*>(&none);
  int state = Z_OK;
  while (state == Z_OK) {
    if (z.avail_in == 0 && !in.empty()) {
      z.next_in = reinterpret_cast<const Bytef*>(in.data());
      z.avail_in = static_cast<uInt>(std::min(in.size(), kPiece));
      in = in.subspan(z.avail_in);
    }
    if (z.avail_out == 0 && !out.empty()) {
      z.next_out = reinterpret_cast<Bytef*>(out.data());
      z.avail_out = static_cast<uInt>(std::min(out.size(), kPiece));
      out = out.subspan(z.avail_out);
    }
    state = inflate(&z, Z_NO_FLUSH);
  }
  return state == Z_STREAM_END && z.avail_in == 0 && in.empty() && z.avail_out == 0 && out.empty();
}
}  // namespace

std::string_view array_of(std::string_view entry_name) {
  if (entry_name.ends_with(".npy")) entry_name.remove_suffix(4);
  return entry_name;
}

Result<std::vector<ZipEntry>> zip_entries(std::span<const std::byte> archive, const std::string& path) {
  if (archive.empty()) return malformed(path, "is empty");
  ASSAY_TRY(const Directory directory, find_directory(archive, path));
  const Bytes before = archive.first(directory.start);
  Bytes rest = archive.subspan(directory.start, directory.bytes);
  std::vector<ZipEntry> entries;
  std::vector<Extent> extents;
  for (uint64_t i = 0; i < directory.count; ++i) {
    Header h;
    if (!read_header(rest, true, h)) return unreadable(path, "its directory is damaged");
    rest = rest.subspan(h.bytes);
    if (h.name.ends_with('/')) continue;
    ASSAY_TRY(ZipEntry entry, entry_of(h, before, path));
    extents.push_back({h.offset, static_cast<uint64_t>(entry.data.data() - archive.data()) + entry.data.size()});
    entries.push_back(std::move(entry));
  }
  if (!rest.empty()) return unreadable(path, "its directory is damaged");
  if (overlap(extents)) return unreadable(path, "two of its entries share bytes");
  return entries;
}

Status check_stored(const ZipEntry& entry, const std::string& where, const ShowPieces& read) {
  uLong crc = crc32(0, nullptr, 0);
  ASSAY_CHECK(
      read([&](Bytes piece) { crc = crc32_z(crc, reinterpret_cast<const Bytef*>(piece.data()), piece.size()); }));
  if (crc != entry.crc) return malformed(where, "is damaged: its checksum is wrong");
  return {};
}

Status unzip(const ZipEntry& entry, std::span<std::byte> out, const std::string& where) {
  if (!entry.deflated && !out.empty()) std::memcpy(out.data(), entry.data.data(), out.size());
  if (entry.deflated && !inflate_all(entry.data, out)) return malformed(where, "ends early or is damaged");
  const uLong crc = crc32_z(crc32(0, nullptr, 0), reinterpret_cast<const Bytef*>(out.data()), out.size());
  if (crc != entry.crc) return malformed(where, "is damaged: its checksum is wrong");
  return {};
}

}  // namespace assay::backends

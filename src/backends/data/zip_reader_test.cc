#include "backends/data/zip_reader.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace assay::backends {
namespace {
std::string le(uint64_t value, int width) {
  std::string bytes;
  for (int i = 0; i < width; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}

std::string deflated(const std::string& text) {
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, text.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

// What a header says of an entry. The tests make one header lie.
struct Said {
  std::string name{};
  uint64_t flags = 0, method = 0, crc = 0, packed = 0, size = 0, offset = 0;
};

struct Entry {
  std::string data{};
  Said local{}, central{};
};

Entry entry(const std::string& name, const std::string& text, bool deflate = false) {
  Entry e;
  e.data = deflate ? deflated(text) : text;
  e.local = {name, 0x800, deflate ? 8U : 0U, 0, e.data.size(), text.size(), 0};
  e.local.crc = crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  e.central = e.local;
  return e;
}

struct Layout {
  bool wide = false;         // ZIP64 for every number
  std::string between{};     // after each entry: data descriptors, say
  std::string comment{};     // after the last record
  uint64_t extra_count = 0;  // entries that the last record claims besides
  bool place = true;         // entries' offsets as they are, not those in `central`
};

std::string numbers(const Said& s, bool wide) {
  const uint64_t ones = 0xffffffff;
  return le(s.flags, 2) + le(s.method, 2) + le(0x1234, 2) + le(33, 2) + le(s.crc, 4) + le(wide ? ones : s.packed, 4) +
         le(wide ? ones : s.size, 4) + le(s.name.size(), 2);
}

std::string archive(std::vector<Entry> entries, const Layout& layout = {}) {
  const bool wide = layout.wide;
  const std::string other = le(0xcafe, 2) + le(3, 2) + "abc";  // a field that is not ZIP64's
  std::string out, directory;
  for (Entry& e : entries) {
    if (layout.place) e.central.offset = out.size();
    const std::string extra = wide ? other + le(1, 2) + le(16, 2) + le(e.local.size, 8) + le(e.local.packed, 8) : "";
    out += "PK\3\4" + le(45, 2) + numbers(e.local, wide) + le(extra.size(), 2) + e.local.name + extra + e.data +
           layout.between;
  }
  for (const auto& [data, local, c] : entries) {
    const std::string extra = wide ? le(1, 2) + le(24, 2) + le(c.size, 8) + le(c.packed, 8) + le(c.offset, 8) : "";
    directory += "PK\1\2" + le(45, 2) + le(45, 2) + numbers(c, wide) + le(extra.size(), 2) + le(2, 2) + le(0, 8) +
                 le(wide ? 0xffffffff : c.offset, 4) + c.name + extra + "no";
  }
  const uint64_t start = out.size(), count = entries.size() + layout.extra_count, bytes = directory.size();
  out += directory;
  if (wide) {
    const uint64_t at = out.size();
    out += "PK\6\6" + le(44, 8) + le(45, 2) + le(45, 2) + le(0, 8) + le(count, 8) + le(count, 8) + le(bytes, 8) +
           le(start, 8);
    out += "PK\6\7" + le(0, 4) + le(at, 8) + le(1, 4);
  }
  out += "PK\5\6" + le(0, 4) + le(wide ? 0xffff : count, 2) + le(wide ? 0xffff : count, 2) +
         le(wide ? 0xffffffff : bytes, 4) + le(wide ? 0xffffffff : start, 4) + le(layout.comment.size(), 2);
  return out + layout.comment;
}

using Read = Result<std::vector<std::pair<std::string, std::string>>>;

Read read(const std::string& bytes) {
  ASSAY_TRY(const auto entries, zip_entries(std::as_bytes(std::span(bytes)), "a.npz"));
  std::vector<std::pair<std::string, std::string>> all;
  for (const ZipEntry& e : entries) {
    if (e.size > 1 << 20) return Error{Code::limit_exceeded, "over what these tests hold", e.name, ""};
    std::string text(e.size, '\0');
    ASSAY_CHECK(unzip(e, std::as_writable_bytes(std::span(text)), "a.npz: " + std::string(array_of(e.name))));
    all.emplace_back(e.name, text);
  }
  return all;
}

const std::string kLong(5000, 'x');

std::vector<Entry> usual() {
  return {entry("a.npy", "stored"), entry("folder/", ""), entry("folder/b.npy", kLong, true), entry("none", ""),
          entry("nothing", "", true)};
}

const std::vector<std::pair<std::string, std::string>> kUsual = {
    {"a.npy", "stored"}, {"folder/b.npy", kLong}, {"none", ""}, {"nothing", ""}};

TEST(ZipReader, StoredAndDeflatedWithAndWithoutZip64) {
  Layout odd;
  odd.comment = std::string("PK\5\6") + std::string(40, 'c');
  Layout wide;
  wide.wide = true;
  for (const Layout& layout : {Layout(), odd, wide}) {
    const Read all = read(archive(usual(), layout));
    ASSERT_TRUE(all.ok()) << all.error().message;
    EXPECT_EQ(*all, kUsual);
  }
  EXPECT_TRUE(read(archive({}))->empty());
}

TEST(ZipReader, SizesThatFollowTheEntry) {
  std::vector<Entry> entries = usual();
  for (Entry& e : entries) {
    e.local.flags = e.central.flags = 0x808;
    e.local.crc = e.local.size = e.local.packed = 0;
  }
  Layout layout;
  layout.between = std::string(16, 'd');
  const Read all = read(archive(entries, layout));
  ASSERT_TRUE(all.ok()) << all.error().message;
  EXPECT_EQ(*all, kUsual);
}

// A field that nobody reads may change; what is read may not.
TEST(ZipReader, EveryChangedBitIsAnErrorOrWithoutEffect) {
  for (const bool wide : {false, true}) {
    Layout layout;
    layout.wide = wide;
    const std::string good = archive({entry("a.npy", "stored"), entry("b.npy", std::string(90, 'x'), true)}, layout);
    const Read want = read(good);
    ASSERT_TRUE(want.ok());
    for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
      std::string bad = good;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
      const Read all = read(bad);
      EXPECT_TRUE(!all.ok() || *all == *want) << "bit " << bit % 8 << " of byte " << bit / 8;
    }
    for (size_t cut = 0; cut < good.size(); ++cut) {
      EXPECT_FALSE(read(good.substr(0, cut)).ok()) << cut;
      EXPECT_FALSE(read(good.substr(good.size() - cut)).ok()) << cut;
    }
  }
}

TEST(ZipReader, LiesAreNamed) {
  const auto one = [](auto change, const std::string& text = "stored", bool deflate = false) {
    Entry e = entry("a.npy", text, deflate);
    change(e);
    return archive({e});
  };
  const auto both = [&](auto change) { return one([&](Entry& e) { change(e.local), change(e.central); }); };
  Layout as_said;
  as_said.place = false;
  Layout more;
  more.extra_count = 1;
  Layout million;
  million.wide = true;
  million.extra_count = uint64_t{1} << 62;
  Entry far = entry("a.npy", "stored");
  far.central.offset = 1000;
  const std::string kArchive = "a.npz", kArray = "a.npz: a";
  const struct {
    std::string bytes, message, where;
  } lies[] = {
      {"", "is empty", kArchive},
      {"PK", "it has no directory at its end", kArchive},
      {both([](Said& s) { s.flags |= 1; }), "is encrypted", kArray},
      {both([](Said& s) { s.method = 12; }), "a method other than deflate", kArray},
      {both([](Said& s) { s.size = 1000; }), "claims more bytes than its archive can hold", kArray},
      {both([](Said& s) { s.packed = s.size = 1000; }), "claims more bytes than its archive can hold", kArray},
      {both([](Said& s) { s.packed = s.size = 60; }), "claims more bytes than its archive can hold", kArray},
      {both([](Said& s) { s.size = 5; }), "is not what the archive's directory says", kArray},
      {both([](Said& s) { s.crc ^= 1; }), "its checksum is wrong", kArray},
      {both([](Said& s) { s.method = 8; }), "ends early or is damaged", kArray},
      {one([](Entry& e) { e.local.name = "b.npy"; }), "is not what the archive's directory says", kArray},
      {one([](Entry& e) { e.central.crc ^= 1; }), "is not what the archive's directory says", kArray},
      {one([](Entry& e) { e.local.size += 1; }), "is not what the archive's directory says", kArray},
      {one([](Entry& e) { e.central.packed = e.central.size = 0xffffffff; }), "its directory is damaged", kArchive},
      {one([](Entry& e) { e.local.size = e.central.size = 4999; }, kLong, true), "ends early or is damaged", kArray},
      {one([](Entry& e) { e.local.size = e.central.size = 5001; }, kLong, true), "ends early or is damaged", kArray},
      {one([](Entry& e) { e.local.size = e.central.size = 1 << 20; }, kLong, true), "claims more bytes", kArray},
      {archive({far}, as_said), "is not where the archive's directory says", kArray},
      {archive({entry("a.npy", "stored"), entry("a.npy", "stored")}, as_said), "share bytes", kArchive},
      {archive({entry("a.npy", "stored")}, more), "its directory is", kArchive},
      {archive({entry("a.npy", "stored")}, million), "its directory is not where it should be", kArchive},
      {"stub" + archive({entry("a.npy", "stored")}), "its directory is not where it should be", kArchive},
  };
  for (const auto& lie : lies) {
    const Read all = read(lie.bytes);
    ASSERT_FALSE(all.ok()) << lie.message;
    EXPECT_EQ(all.error().code, Code::data_malformed) << lie.message;
    EXPECT_NE(all.error().message.find(lie.message), std::string::npos) << all.error().message << "; " << lie.message;
    EXPECT_EQ(all.error().where, lie.where) << lie.message;
  }
}

TEST(ZipReader, NumberOfEntriesIsLimited) {
  EXPECT_EQ(read(archive(std::vector<Entry>(65534, entry("a", ""))))->size(), 65534U);
  Layout wide;
  wide.wide = true;
  const Read all = read(archive(std::vector<Entry>(100'001, entry("a", "")), wide));
  ASSERT_FALSE(all.ok());
  EXPECT_EQ(all.error().message, "has over 100000 arrays");
}
}  // namespace
}  // namespace assay::backends

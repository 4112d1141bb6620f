#include <gtest/gtest.h>

#include <numbers>

#include "pb/reader.h"
#include "pb/writer.h"

namespace assay::pb {
namespace {

std::string text_of(const Writer& w) {
  std::string out;
  EXPECT_TRUE(w.each([&](Bytes bytes) -> Status {
                 out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                 return {};
               }).ok());
  return out;
}
Reader reader(const std::string& bytes) { return Reader(std::as_bytes(std::span(bytes))); }

TEST(Wire, RawFieldsGoFromReaderToWriter) {
  Writer w;
  w.varint(1, 300);
  w.text(7, "kept");
  w.float32(9, 0.5F);
  w.float64(2000, 0.25);
  const std::string bytes = text_of(w);
  Writer copy;
  Reader r = reader(bytes);
  while (r.next()) {
    const Bytes field = r.raw();
    copy.raw({reinterpret_cast<const char*>(field.data()), field.size()});
    EXPECT_TRUE(r.raw().empty()) << "a field is read once";
  }
  EXPECT_TRUE(r.ok());
  EXPECT_EQ(text_of(copy), bytes);
}

TEST(Wire, RawFieldsThatEndEarlyAreAnError) {
  const std::string bytes("\x0a\x05xy", 4);
  Reader r = reader(bytes);
  ASSERT_TRUE(r.next());
  EXPECT_TRUE(r.raw().empty());
  EXPECT_FALSE(r.status().ok());
}

TEST(Wire, PackedFloatsAndDoubles) {
  const std::vector<float> floats = {1.5F, -0.0F};
  const std::vector<double> doubles = {std::numbers::pi, 1e300};
  Writer w;
  w.packed(1, floats);
  w.packed(2, doubles);
  w.packed(3, std::vector<double>());
  w.float64(2, 7);  // one more, unpacked
  const std::string bytes = text_of(w);
  EXPECT_EQ(bytes.size(), w.size());
  std::vector<float> f;
  std::vector<double> d;
  Reader r = reader(bytes);
  while (r.next()) {
    EXPECT_NE(r.field(), 3U);
    if (r.field() == 1) r.append(f);
    if (r.field() == 2) r.append(d);
  }
  EXPECT_TRUE(r.ok());
  EXPECT_EQ(f, floats);
  EXPECT_EQ(d, (std::vector<double>{std::numbers::pi, 1e300, 7}));
}

TEST(Wire, StreamedPieces) {
  int runs = 0;
  const auto source = [&runs](const Writer::Sink& sink) -> Status {
    ++runs;
    const std::string a = "ab", b = "cde";
    ASSAY_CHECK(sink(std::as_bytes(std::span(a))));
    return sink(std::as_bytes(std::span(b)));
  };
  Writer inner, w;
  inner.text(1, "x");
  inner.stream(2, 5, source);
  inner.text(3, "y");
  w.message(4, std::move(inner));
  EXPECT_EQ(runs, 0);
  const std::string expected(
      "\x22\x0d\x0a\x01x\x12\x05"
      "abcde\x1a\x01y");
  EXPECT_EQ(text_of(w), expected);
  EXPECT_EQ(text_of(w), expected);
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(w.size(), expected.size());
}

TEST(Wire, StreamsOfAnotherSizeAreAnError) {
  const auto nothing = [](Bytes) -> Status { return {}; };
  for (const uint64_t size : {4, 6}) {
    Writer w;
    w.stream(1, size, [](const Writer::Sink& sink) { return sink(std::as_bytes(std::span("abcd"))); });
    EXPECT_FALSE(w.each(nothing).ok()) << size;
  }
}

}  // namespace
}  // namespace assay::pb

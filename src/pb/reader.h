// Protobuf's wire format, read in place.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay::pb {

enum class Wire : uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };
using Bytes = std::span<const std::byte>;

/// One message as two pointers: owns nothing, allocates nothing. The bytes must outlive the reader and every view that
/// it hands out; a reader made by message() also needs its parent to stay where it is (it names the parent in errors).
///
///   while (r.next()) {
///     switch (r.field()) {
///       case 1: r.append(dims); break;              // packed or not
///       case 7: ASSAY_CHECK(parse(r.message("graph"), graph)); break;
///     }                                             // what is not read is skipped
///   }
///   return r.status();
///
/// Lengths are 64-bit and checked against what remains. After an error next() is false, values are zero or empty, and
/// status() says what and where (byte offset and field path).
class Reader {
 public:
  static constexpr int kMaxDepth = 100;  ///< nested messages, as protobuf's own default

  /// Called by large_bytes() for fields of at least kLarge bytes, with the start of the outermost message.
  using LargeHook = void (*)(const std::byte* origin, Bytes field);
  static constexpr uint64_t kLarge = 1U << 20;

  explicit Reader(Bytes bytes, std::string_view name = "", LargeHook large = nullptr);

  /// Advances to the next field, skipping the current one when it was not read.
  bool next();
  uint32_t field() const { return field_; }
  Wire wire() const { return wire_; }

  // The current field's value; each consumes it. A wire type that does not fit is an error.
  uint64_t varint();
  int64_t int64() { return static_cast<int64_t>(varint()); }
  int32_t int32() { return static_cast<int32_t>(varint()); }
  float float32();
  double float64();
  Bytes bytes();
  /// The same; tells the hook about large ones.
  Bytes large_bytes();
  std::string_view text();
  /// The whole field as it stands, its tag too: for fields that are kept without being understood.
  Bytes raw();
  /// A reader of the sub-message; `index` is printed for repeated fields.
  Reader message(std::string_view name, int64_t index = -1);

  // Repeated scalars: one value or a packed run, whichever the field holds.
  void append(std::vector<int64_t>& to);
  void append(std::vector<float>& to);
  void append(std::vector<double>& to);
  /// The encoded run itself (of varints or of fixed-width numbers of `width` bytes), to be decoded later.
  void append_run(std::vector<Bytes>& to, Wire element);

  bool ok() const { return problem_ == nullptr; }
  Status status() const;
  /// An error of the caller's about this message, with its offset and path.
  Error error(Code code, std::string message) const;
  /// "model.graph.node[3].attribute[0]"
  std::string path() const;

 private:
  enum class State : uint8_t { unread, read };
  uint64_t raw_varint();
  Bytes take(uint64_t length);
  void skip();
  void fail(const char* problem);
  template <class T>
  void append_fixed(std::vector<T>& to, T (Reader::*one)());
  bool expect(Wire wire);

  const std::byte* at_;
  const std::byte* end_;
  const std::byte* field_at_ = nullptr;  ///< the current field's tag
  const std::byte* origin_;              ///< start of the outermost message, for offsets
  const std::byte* failed_at_ = nullptr;
  const char* problem_ = nullptr;
  const Reader* parent_ = nullptr;
  LargeHook large_ = nullptr;
  std::string_view name_;
  int64_t index_ = -1;
  int depth_ = 0;
  uint32_t field_ = 0;
  Wire wire_ = Wire::varint;
  State state_ = State::read;
};

/// Decodes a run of varints; calls sink(uint64_t) for each. False when the run ends inside a number.
template <class Sink>
bool each_varint(Bytes run, Sink sink) {
  uint64_t value = 0;
  int shift = 0;
  for (const std::byte b : run) {
    if (shift > 63) return false;
    value |= (std::to_integer<uint64_t>(b) & 0x7f) << shift;
    shift += 7;
    if (std::to_integer<unsigned>(b) & 0x80) continue;
    sink(value);
    value = 0;
    shift = 0;
  }
  return shift == 0;
}

}  // namespace assay::pb

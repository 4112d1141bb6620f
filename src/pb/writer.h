// Writes protobuf's wire format as a list of pieces, so that weights stream from where they are to the file.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pb/reader.h"

namespace assay::pb {

/// One message in the making. Small fields are copied; `borrow` and sub-messages that borrow keep views, which must
/// outlive the writer. Fields appear in the order of the calls: same calls, same bytes.
class Writer {
 public:
  using Sink = std::function<Status(Bytes)>;
  /// Produces a field's bytes piece by piece, each time that it is called the same ones.
  using Source = std::function<Status(const Sink&)>;

  void varint(uint32_t field, uint64_t value);
  void int64(uint32_t field, int64_t value) { varint(field, static_cast<uint64_t>(value)); }
  void float32(uint32_t field, float value);
  void float64(uint32_t field, double value);
  void text(uint32_t field, std::string_view value);
  /// A packed run of varints; nothing for an empty one.
  void packed(uint32_t field, std::span<const int64_t> values);
  void packed(uint32_t field, std::span<const float> values);
  void packed(uint32_t field, std::span<const double> values);
  /// A bytes field that is not copied.
  void borrow(uint32_t field, Bytes value);
  /// A bytes field (or packed run) of `size` bytes that `source` produces when the message is written out.
  void stream(uint32_t field, uint64_t size, Source source);
  void message(uint32_t field, Writer child);
  /// Whole fields as they were read (Reader::raw).
  void raw(std::string_view fields) { put(fields); }
  /// The fields of another writer, as if they had been written here.
  void splice(Writer fields);

  uint64_t size() const { return size_; }
  /// Calls sink(Bytes) -> Status for each piece in order.
  template <class S>
  Status each(S sink) const {
    for (const Piece& p : pieces_) {
      if (p.source) {
        ASSAY_CHECK(produce(p, [&sink](Bytes bytes) -> Status { return sink(bytes); }));
        continue;
      }
      const Bytes bytes = p.view.data() ? p.view : std::as_bytes(std::span(p.own));
      if (!bytes.empty()) ASSAY_CHECK(sink(bytes));
    }
    return {};
  }

 private:
  struct Piece {
    std::string own;
    Bytes view{};     ///< set: a borrowed piece
    Source source{};  ///< set: a piece of `size` bytes that is produced when it is asked for
    uint64_t size = 0;
    bool is_own() const { return !view.data() && !source; }
  };
  static Status produce(const Piece& piece, const Sink& sink);
  std::string& own();
  void tag(uint32_t field, Wire wire);
  void raw_varint(uint64_t value);
  void put(std::string_view bytes);

  std::vector<Piece> pieces_;
  uint64_t size_ = 0;
};

}  // namespace assay::pb

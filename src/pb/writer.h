// Writes protobuf's wire format as a list of pieces, so that weights stream from where they are to the file.
#pragma once
#include <cstdint>
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
  void varint(uint32_t field, uint64_t value);
  void int64(uint32_t field, int64_t value) { varint(field, static_cast<uint64_t>(value)); }
  void float32(uint32_t field, float value);
  void text(uint32_t field, std::string_view value);
  /// A packed run of varints; nothing for an empty one.
  void packed(uint32_t field, std::span<const int64_t> values);
  /// A bytes field that is not copied.
  void borrow(uint32_t field, Bytes value);
  void message(uint32_t field, Writer child);
  /// The fields of another writer, as if they had been written here.
  void splice(Writer fields);

  uint64_t size() const { return size_; }
  /// Calls sink(Bytes) -> Status for each piece in order.
  template <class Sink>
  Status each(Sink sink) const {
    for (const Piece& p : pieces_) {
      const Bytes bytes = p.view.data() ? p.view : std::as_bytes(std::span(p.own));
      if (!bytes.empty()) ASSAY_CHECK(sink(bytes));
    }
    return {};
  }

 private:
  struct Piece {
    std::string own;
    Bytes view;  ///< set: a borrowed piece
  };
  std::string& own();
  void tag(uint32_t field, Wire wire);
  void raw_varint(uint64_t value);
  void put(std::string_view bytes);

  std::vector<Piece> pieces_;
  uint64_t size_ = 0;
};

}  // namespace assay::pb

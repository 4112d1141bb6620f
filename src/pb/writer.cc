#include "pb/writer.h"

#include <cstring>
#include <utility>

namespace assay::pb {

std::string& Writer::own() {
  if (pieces_.empty() || !pieces_.back().is_own()) pieces_.emplace_back();
  return pieces_.back().own;
}

void Writer::put(std::string_view bytes) {
  own().append(bytes);
  size_ += bytes.size();
}

void Writer::raw_varint(uint64_t value) {
  char buffer[10];
  size_t n = 0;
  for (; value >= 0x80; value >>= 7) buffer[n++] = static_cast<char>(value | 0x80);
  buffer[n++] = static_cast<char>(value);
  put({buffer, n});
}

void Writer::tag(uint32_t field, Wire wire) { raw_varint(uint64_t{field} << 3 | static_cast<uint64_t>(wire)); }

void Writer::varint(uint32_t field, uint64_t value) {
  tag(field, Wire::varint);
  raw_varint(value);
}

void Writer::float32(uint32_t field, float value) {
  tag(field, Wire::fixed32);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  put({bytes, sizeof bytes});
}

void Writer::float64(uint32_t field, double value) {
  tag(field, Wire::fixed64);
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  put({bytes, sizeof bytes});
}

void Writer::text(uint32_t field, std::string_view value) {
  tag(field, Wire::bytes);
  raw_varint(value.size());
  put(value);
}

void Writer::packed(uint32_t field, std::span<const int64_t> values) {
  if (values.empty()) return;
  Writer run;
  for (const int64_t v : values) run.raw_varint(static_cast<uint64_t>(v));
  message(field, std::move(run));
}

void Writer::packed(uint32_t field, std::span<const float> values) {
  if (!values.empty()) text(field, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

void Writer::packed(uint32_t field, std::span<const double> values) {
  if (!values.empty()) text(field, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

void Writer::borrow(uint32_t field, Bytes value) {
  tag(field, Wire::bytes);
  raw_varint(value.size());
  if (value.empty()) return;
  pieces_.push_back(Piece{.own = {}, .view = value});
  size_ += value.size();
}

void Writer::stream(uint32_t field, uint64_t size, Source source) {
  tag(field, Wire::bytes);
  raw_varint(size);
  if (size == 0) return;
  pieces_.push_back(Piece{.own = {}, .source = std::move(source), .size = size});
  size_ += size;
}

Status Writer::produce(const Piece& piece, const Sink& sink) {
  uint64_t left = piece.size;
  const Error wrong{Code::internal, "a streamed field has another size than was announced", "protobuf writer", ""};
  ASSAY_CHECK(piece.source([&](Bytes bytes) -> Status {
    if (bytes.size() > left) return wrong;
    left -= bytes.size();
    return sink(bytes);
  }));
  if (left != 0) return wrong;
  return {};
}

void Writer::message(uint32_t field, Writer child) {
  tag(field, Wire::bytes);
  raw_varint(child.size_);
  splice(std::move(child));
}

void Writer::splice(Writer fields) {
  size_ += fields.size_;
  for (Piece& p : fields.pieces_) {
    if (!p.is_own())
      pieces_.push_back(std::move(p));
    else
      own().append(p.own);
  }
}

}  // namespace assay::pb

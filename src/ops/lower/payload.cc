#include "ops/lower/payload.h"

#include <algorithm>
#include <cstring>

#include "num/format.h"

namespace assay::ops {
namespace {

constexpr int64_t kPiece = 1 << 18;  // elements held at a time

/// Hands float32 numbers on, rounded when the type is float16; `halves` is scratch.
Status put(const mil::Payload::Sink& sink, std::span<const float> values, mil::DataType type,
           std::vector<uint16_t>& halves) {
  if (type == mil::DataType::float32) return sink(std::as_bytes(values));
  halves.resize(values.size());
  num::to_float16(values.data(), halves.data(), values.size());
  return sink(std::as_bytes(std::span(halves)));
}

/// Some columns of a matrix as rows. Sources are read where they lie, at any byte of a mapped file: a copy of each
/// would be a copy of the model.
class Band {
 public:
  Band(int64_t rows, int64_t most)
      : rows_(rows),
        pitch_(rows + kGap),
        strip_(static_cast<size_t>(kStrip * most)),
        lines_(static_cast<size_t>(most * pitch_)) {}

  /// Columns [0, n) of the matrix at `from`, whose rows are `columns` long; valid until the next call.
  std::span<const float> turn(const std::byte* from, int64_t columns, int64_t n) {
    for (int64_t i = 0; i < rows_; i += kStrip) {
      const int64_t high = std::min(kStrip, rows_ - i);
      for (int64_t k = 0; k < high; ++k)
        std::memcpy(strip_.data() + k * n, from + (i + k) * columns * 4, static_cast<size_t>(n) * 4);
      high == kStrip ? turn_strip<kStrip>(i, n, high) : turn_strip<0>(i, n, high);
    }
    for (int64_t j = 1; j < n; ++j)
      std::memmove(lines_.data() + j * rows_, lines_.data() + j * pitch_, static_cast<size_t>(rows_) * 4);
    return {lines_.data(), static_cast<size_t>(n * rows_)};
  }

 private:
  static constexpr int64_t kStrip = 16;  ///< rows at a time: a cache line of what is written
  static constexpr int64_t kGap = 16;    ///< keeps lines of a power of two out of one another's cache sets

  template <int64_t kHigh>
  void turn_strip(int64_t i, int64_t n, int64_t high) {
    for (int64_t j = 0; j < n; ++j) {
      float line[kStrip];
      for (int64_t k = 0; k < (kHigh ? kHigh : high); ++k) line[k] = strip_[static_cast<size_t>(k * n + j)];
      std::memcpy(lines_.data() + j * pitch_ + i, line, static_cast<size_t>(kHigh ? kHigh : high) * 4);
    }
  }

  int64_t rows_, pitch_;
  std::vector<float> strip_, lines_;
};

}  // namespace

mil::Payload halved(const ir::Tensor& tensor) {
  const auto write = [source = tensor](const mil::Payload::Sink& sink) -> Status {
    std::vector<float> values(static_cast<size_t>(std::min(kPiece, source.size())));
    std::vector<uint16_t> halves;
    for (int64_t at = 0; at < source.size(); at += kPiece) {
      const auto n = static_cast<size_t>(std::min(kPiece, source.size() - at));
      std::memcpy(values.data(), source.bytes() + at * 4, n * 4);
      ASSAY_CHECK(put(sink, {values.data(), n}, mil::DataType::float16, halves));
    }
    return {};
  };
  return mil::Payload::stream(static_cast<uint64_t>(tensor.size()) * 2, write);
}

mil::Payload transposed(const ir::Tensor& matrix, mil::DataType type) {
  const auto write = [source = matrix, type](const mil::Payload::Sink& sink) -> Status {
    const int64_t rows = source.dims()[0], columns = source.dims()[1];
    const int64_t most = std::clamp<int64_t>(kPiece / std::max<int64_t>(rows, 1), 1, std::max<int64_t>(columns, 1));
    Band band(rows, most);
    std::vector<uint16_t> halves;
    for (int64_t first = 0; first < columns; first += most) {
      const int64_t n = std::min(most, columns - first);
      ASSAY_CHECK(put(sink, band.turn(source.bytes() + first * 4, columns, n), type, halves));
    }
    return {};
  };
  const uint64_t width = type == mil::DataType::float16 ? 2 : 4;
  return mil::Payload::stream(static_cast<uint64_t>(matrix.size()) * width, write);
}

}  // namespace assay::ops

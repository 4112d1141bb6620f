#include "ops/lower/payload.h"

#include <algorithm>

#include "num/format.h"

namespace assay::ops {
namespace {

constexpr int64_t kPiece = 1 << 16;  // elements held at a time

/// Hands float32 numbers on, rounded when the type is float16; `halves` is scratch.
Status put(const mil::Payload::Sink& sink, std::span<const float> values, mil::DataType type,
           std::vector<uint16_t>& halves) {
  if (type == mil::DataType::float32) return sink(std::as_bytes(values));
  halves.resize(values.size());
  num::to_float16(values.data(), halves.data(), values.size());
  return sink(std::as_bytes(std::span(halves)));
}

}  // namespace

mil::Payload halved(const ir::Tensor& tensor) {
  const ir::Tensor source = tensor.aligned();
  const auto write = [source](const mil::Payload::Sink& sink) -> Status {
    std::vector<uint16_t> halves;
    for (int64_t at = 0; at < source.size(); at += kPiece) {
      const auto n = static_cast<size_t>(std::min(kPiece, source.size() - at));
      ASSAY_CHECK(put(sink, {source.data<float>() + at, n}, mil::DataType::float16, halves));
    }
    return {};
  };
  return mil::Payload::stream(static_cast<uint64_t>(source.size()) * 2, write);
}

mil::Payload transposed(const ir::Tensor& matrix, mil::DataType type) {
  const ir::Tensor source = matrix.aligned();
  const auto write = [source, type](const mil::Payload::Sink& sink) -> Status {
    const int64_t rows = source.dims()[0], columns = source.dims()[1];
    // A band of columns at a time: rows are read in runs that caches like.
    const int64_t band = std::clamp<int64_t>(kPiece / std::max<int64_t>(rows, 1), 1, std::max<int64_t>(columns, 1));
    std::vector<float> lines(static_cast<size_t>(band * rows));
    std::vector<uint16_t> halves;
    for (int64_t first = 0; first < columns; first += band) {
      const int64_t n = std::min(band, columns - first);
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < n; ++j)
          lines[static_cast<size_t>(j * rows + i)] = source.data<float>()[i * columns + first + j];
      ASSAY_CHECK(put(sink, {lines.data(), static_cast<size_t>(n * rows)}, type, halves));
    }
    return {};
  };
  const uint64_t width = type == mil::DataType::float16 ? 2 : 4;
  return mil::Payload::stream(static_cast<uint64_t>(source.size()) * width, write);
}

}  // namespace assay::ops

// Core ML's ways to take N points from an interval of X samples: resize_bilinear's sampling_mode, NeuralNetwork's
// SamplingMode (STRICT_ALIGN_ENDPOINTS, ALIGN_ENDPOINTS, UPSAMPLE and ROI_ALIGN are the first four here).
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace assay::ops {

enum class SamplingGrid : uint8_t { strict_align_corners, align_corners, upsample, offset_corners, unalign_corners };

inline std::optional<SamplingGrid> sampling_grid(std::string_view mode) {
  constexpr std::array<std::pair<std::string_view, SamplingGrid>, 5> kGrids = {{
      {"STRICT_ALIGN_CORNERS", SamplingGrid::strict_align_corners},
      {"ALIGN_CORNERS", SamplingGrid::align_corners},
      {"DEFAULT", SamplingGrid::upsample},
      {"OFFSET_CORNERS", SamplingGrid::offset_corners},
      {"UNALIGN_CORNERS", SamplingGrid::unalign_corners},
  }};
  for (const auto& [name, grid] : kGrids)
    if (name == mode) return grid;
  return std::nullopt;
}

/// Point `i` of `count` in [0, extent - 1]; the extent of a box need not be whole. Products are formed before they are
/// divided, so that points that are samples come out exact.
template <class T>
T grid_point(SamplingGrid grid, T i, T extent, T count) {
  const T last = std::max<T>(extent - 1, 0);
  T x = 0;
  switch (grid) {
    case SamplingGrid::strict_align_corners:
      x = count > 1 ? i * last / (count - 1) : T{0};
      break;
    case SamplingGrid::align_corners:
      x = count > 1 ? i * last / (count - 1) : last / 2;
      break;
    case SamplingGrid::upsample:
      x = i * extent / count;
      break;
    case SamplingGrid::offset_corners:
      x = (i + T(0.5)) * std::max<T>(last, 1) / count;
      break;
    case SamplingGrid::unalign_corners:
      x = (i + T(0.5)) * extent / count - T(0.5);
      break;
  }
  return std::min(std::max<T>(x, 0), last);
}

}  // namespace assay::ops

#include "backends/sizes.h"

#include <algorithm>

#include "base/text.h"
#include "coreml/lift/images.h"

namespace assay::backends {
namespace {

bool in(const mil::SizeRange& range, int64_t size) {
  return size >= 0 && static_cast<uint64_t>(size) >= range.lower && (range.upper < 0 || size <= range.upper);
}

mil::SizeRange only(int64_t size) { return {static_cast<uint64_t>(size), size}; }

Sizes sizes_of_image(const mil::ImageFeature& image) {
  const int64_t channels = coreml::is_gray(image) ? 1 : 3;
  Sizes sizes;
  if (image.range) sizes.ranges = {only(1), only(channels), image.range->second, image.range->first};
  for (const auto& [width, height] : image.enumerated)
    sizes.shapes.push_back({1, channels, static_cast<int64_t>(height), static_cast<int64_t>(width)});
  return sizes;
}

}  // namespace

bool Sizes::allow(const ir::Dims& dims) const {
  if (!shapes.empty()) return std::ranges::find(shapes, dims) != shapes.end();
  return ranges.empty() || std::ranges::equal(ranges, dims, in);
}

size_t Sizes::most_samples() const {
  int64_t most = ranges.empty() ? -1 : ranges.front().upper;
  for (const ir::Dims& dims : shapes)
    if (!dims.empty()) most = most < 0 ? dims.front() : std::min(most, dims.front());
  return most < 0 ? 0 : static_cast<size_t>(std::max<int64_t>(most, 1));
}

ir::Dims Sizes::typical() const {
  if (!shapes.empty()) return shapes.front();
  ir::Dims dims;
  for (const mil::SizeRange& range : ranges) dims.push_back(static_cast<int64_t>(std::max<uint64_t>(range.lower, 1)));
  return dims;
}

Sizes sizes_of(const mil::Feature& feature) {
  if (feature.kind == mil::Feature::Kind::image) return sizes_of_image(feature.image);
  if (feature.kind != mil::Feature::Kind::array) return {};
  return {feature.array.enumerated, feature.array.ranges};
}

std::string to_string(const Sizes& sizes) {
  std::vector<std::string> parts;
  parts.reserve(sizes.shapes.size() + sizes.ranges.size());
  for (const ir::Dims& dims : sizes.shapes) parts.push_back(ir::to_string(dims));
  if (!parts.empty()) return join(parts, " or ");
  for (const mil::SizeRange& range : sizes.ranges) parts.push_back(mil::to_string(range));
  return "[" + join(parts, ",") + "]";
}

}  // namespace assay::backends

#include "report/image.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "report/base64.h"
#include "report/png.h"

namespace assay::report {
namespace {
constexpr int64_t kLeast = 8, kMost = 64;  // pixels of a side: of an image, of a thumbnail

// How an array's samples are images.
struct Images {
  const audit::NamedArray* array = nullptr;
  int64_t channels = 0, height = 0, width = 0;
  bool last = false;  // channels come last
  double at(int64_t sample, int64_t c, int64_t y, int64_t x) const {
    const int64_t inside = last ? (y * width + x) * channels + c : (c * height + y) * width + x;
    const int64_t i = sample * channels * height * width + inside;
    const ir::Tensor& tensor = array->tensor;
    return ir::is_float(tensor.elem()) ? tensor.float_at(i) : static_cast<double>(tensor.int_at(i));
  }
};

bool is_count_of_channels(int64_t n) { return n == 1 || n == 3; }

std::optional<Images> images_in(const audit::NamedArray& array) {
  const ir::Tensor& tensor = array.tensor;
  const ir::Dims& d = tensor.dims();
  if (tensor.elem() == ir::ElemType::string || tensor.elem() == ir::ElemType::boolean) return std::nullopt;
  if (d.size() == 4 && is_count_of_channels(d[1]) && d[2] >= kLeast && d[3] >= kLeast)
    return Images{&array, d[1], d[2], d[3], false};
  if (d.size() == 4 && is_count_of_channels(d[3]) && d[1] >= kLeast && d[2] >= kLeast)
    return Images{&array, d[3], d[1], d[2], true};
  return std::nullopt;
}

// The mean over the pixels of the image that one of the thumbnail stands for; those without a number count as 0.
std::vector<double> shrink(const Images& from, int64_t sample, int64_t height, int64_t width) {
  std::vector<double> out;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < from.channels; ++c) {
        const int64_t y0 = y * from.height / height, y1 = std::max(y0 + 1, (y + 1) * from.height / height);
        const int64_t x0 = x * from.width / width, x1 = std::max(x0 + 1, (x + 1) * from.width / width);
        double sum = 0;
        for (int64_t v = y0; v < y1; ++v)
          for (int64_t u = x0; u < x1; ++u)
            if (const double value = from.at(sample, c, v, u); std::isfinite(value)) sum += value;
        out.push_back(sum / static_cast<double>((y1 - y0) * (x1 - x0)));
      }
  return out;
}

std::string thumbnail(const Images& from, int64_t sample) {
  const double scale = static_cast<double>(std::max({from.height, from.width, kMost})) / static_cast<double>(kMost);
  const auto side = [&](int64_t n) {
    return std::max<int64_t>(1, static_cast<int64_t>(std::lround(static_cast<double>(n) / scale)));
  };
  const int64_t height = side(from.height), width = side(from.width);
  const std::vector<double> values = shrink(from, sample, height, width);
  const auto [low, high] = std::ranges::minmax(values);
  std::vector<uint8_t> pixels;
  pixels.reserve(values.size());
  for (const double value : values)
    pixels.push_back(high > low ? static_cast<uint8_t>(std::lround((value - low) / (high - low) * 255)) : uint8_t{128});
  const std::string png =
      to_png(pixels, static_cast<int>(width), static_cast<int>(height), static_cast<int>(from.channels));
  return png.empty() ? "" : "data:image/png;base64," + to_base64(png);
}

// The samples that change, flips first, each once.
std::vector<int64_t> changed(const audit::AuditResult& audit, size_t most) {
  std::vector<int64_t> out;
  const auto add = [&](const std::vector<audit::Case>& cases) {
    for (const audit::Case& one : cases)
      if (out.size() < most && std::ranges::find(out, one.sample) == out.end()) out.push_back(one.sample);
  };
  for (const audit::CandidateResult& c : audit.candidates) add(c.flips);
  for (const audit::CandidateResult& c : audit.candidates) add(c.at_risk);
  return out;
}
}  // namespace

Thumbnails thumbnails(const audit::AuditResult& audit, const audit::Arrays& data, size_t most) {
  Thumbnails out;
  std::optional<Images> images;
  for (const audit::NamedArray& array : data)
    if (const ir::Dims& dims = array.tensor.dims();
        !images && !dims.empty() && static_cast<uint64_t>(dims[0]) == audit.samples)
      images = images_in(array);
  if (!images) return out;
  for (const int64_t sample : changed(audit, most)) {
    const int64_t row = sample - audit.first_sample;
    if (row < 0 || row >= images->array->tensor.dims()[0]) continue;
    auto pixels = backends::slice_samples(*images->array, static_cast<size_t>(row), 1, false);
    if (!pixels.ok()) continue;  // the file was written to meanwhile: a page without pictures
    const audit::NamedArray one{images->array->name, *std::move(pixels)};
    if (std::string uri = thumbnail(*images_in(one), 0); !uri.empty()) out.emplace(sample, std::move(uri));
  }
  return out;
}

}  // namespace assay::report

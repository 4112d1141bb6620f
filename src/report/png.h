// PNG files in memory.
#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace assay::report {

/// Rows from the top, `channels` (1 or 3) bytes a pixel. Empty where the encoder fails.
std::string to_png(std::span<const uint8_t> pixels, int width, int height, int channels);

}  // namespace assay::report

// The only file that knows stb_image_write.
#include "report/png.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb/stb_image_write.h>

namespace assay::report {

std::string to_png(std::span<const uint8_t> pixels, int width, int height, int channels) {
  std::string out;
  const auto append = [](void* into, void* data, int size) {
    static_cast<std::string*>(into)->append(static_cast<const char*>(data), static_cast<size_t>(size));
  };
  if (stbi_write_png_to_func(append, &out, width, height, channels, pixels.data(), width * channels) == 0) return "";
  return out;
}

}  // namespace assay::report

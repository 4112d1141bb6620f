// Any bytes as an .npz archive: an error, or entries inside of it that share no byte.
#include <cstdlib>

#include "backends/data/zip_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace assay;
  const std::span archive(reinterpret_cast<const std::byte*>(data), size);
  const auto entries = backends::zip_entries(archive, "a.npz");
  if (!entries.ok()) return 0;
  size_t packed = 0;
  for (const backends::ZipEntry& entry : *entries) {
    packed += entry.data.size();
    if (entry.size > 1 << 20) continue;
    std::vector<std::byte> content(entry.size);
    const Status status = backends::unzip(entry, content, entry.name);
    if (!status.ok() && status.error().code != Code::data_malformed) std::abort();
  }
  if (packed > size) std::abort();
  return 0;
}

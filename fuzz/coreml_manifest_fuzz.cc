// Any text as Manifest.json: an error, or items that stay inside of the package and survive being written.
#include <cstdlib>

#include "base/beneath.h"
#include "coreml/file/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace assay::coreml;
  const auto manifest = parse_manifest({reinterpret_cast<const char*>(data), size}, "");
  if (!manifest.ok()) return 0;
  for (const ManifestItem& item : manifest->items)
    if (!assay::bad_location(item.path).empty()) std::abort();
  if (!manifest->find(manifest->root)) std::abort();
  const std::string text = manifest_text(*manifest);
  const auto again = parse_manifest(text, "");
  if (!again.ok() || manifest_text(*again) != text) std::abort();
  return 0;
}

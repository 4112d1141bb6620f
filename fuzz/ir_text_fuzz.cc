// Any bytes as a program's text: an error, or a graph whose text reads back to the same text.
#include <cstdlib>
#include <string_view>

#include "ir/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto zeros = [](std::string_view, const assay::ir::Type& type) {
    int64_t n = 1;
    for (const int64_t d : type.dims())
      if (d > 4096 || (n *= d) > 4096) return assay::ir::Tensor();
    return assay::ir::Tensor::allocate(type.elem, type.dims());
  };
  const auto graph = assay::ir::parse({reinterpret_cast<const char*>(data), size}, zeros);
  if (!graph.ok()) return 0;
  const std::string text = assay::ir::print(*graph);
  const auto again = assay::ir::parse(text, zeros);
  if (!again.ok() || assay::ir::print(*again) != text) std::abort();
  return 0;
}

#include "onnx/residency.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace assay::onnx {

void release_around(const std::byte* origin, pb::Bytes weight) {
  constexpr uintptr_t kFolio = uintptr_t{2} << 20;
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<uintptr_t>(origin), start = reinterpret_cast<uintptr_t>(weight.data());
  const uintptr_t low = std::max(first, start > kFolio ? start - kFolio : 0);
  const uintptr_t high = std::min(start + weight.size(), start + kFolio);
  const uintptr_t from = (low + page - 1) / page * page, to = high / page * page;
  if (from < to) ::madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
}

}  // namespace assay::onnx

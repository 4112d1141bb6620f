#include "base/block.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <new>

namespace assay {
namespace {

constexpr size_t kLargePage = size_t{1} << 21;
constexpr size_t kMost = size_t{1} << 47;  // what a process can address

// Sanitizers know the bounds of what operator new gives, and those alone.
#ifdef __has_feature
#define ASSAY_FEATURE(name) __has_feature(name)
#else
#define ASSAY_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || ASSAY_FEATURE(address_sanitizer) || !defined(MADV_HUGEPAGE)
constexpr size_t kLarge = SIZE_MAX;
#else
constexpr size_t kLarge = kLargePage;
#endif

uintptr_t up(uintptr_t number, uintptr_t multiple) { return (number + multiple - 1) / multiple * multiple; }

void* map_large(size_t bytes) {
  const size_t all = bytes + kLargePage;
  void* const mapped = ::mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  const auto first = reinterpret_cast<uintptr_t>(mapped), begin = up(first, kLargePage);
  const uintptr_t end = up(begin + bytes, static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE)));
  if (begin > first) ::munmap(mapped, begin - first);
  if (first + all > end) ::munmap(reinterpret_cast<void*>(end), first + all - end);
  void* const block = reinterpret_cast<void*>(begin);
#ifdef MADV_HUGEPAGE
  ::madvise(block, bytes, MADV_HUGEPAGE);  // advice: without it the block is no worse than any other
#endif
  return block;
}

}  // namespace

void* allocate_block(size_t bytes) {
  if (bytes > kMost) return nullptr;
  if (bytes >= kLarge) return map_large(bytes);
  return ::operator new(bytes, std::align_val_t{kBlockAlignment}, std::nothrow);
}

void free_block(void* block, size_t bytes) {
  if (block == nullptr) return;
  if (bytes < kLarge) return ::operator delete(block, std::align_val_t{kBlockAlignment});
  ::munmap(block, bytes);
}

}  // namespace assay

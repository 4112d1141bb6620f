// Memory of tensors and of packed weights. Large blocks lie on large pages: with pages of 4 KiB a fifth of a command
// that runs a model once goes into faults.
#pragma once
#include <cstddef>

namespace assay {

inline constexpr size_t kBlockAlignment = 64;  ///< bytes; a cache line, and the widest vector

/// Uninitialised, aligned. Null: there is not enough memory.
void* allocate_block(size_t bytes);
/// `bytes` as they were asked for.
void free_block(void* block, size_t bytes);

}  // namespace assay

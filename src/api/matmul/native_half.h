// The machine's own float16 arithmetic, to be timed and tested beside the engine: no result of Assay comes from here.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/threads.h"

namespace assay::api {

/// Instructions for float16 multiply-add that this processor has and this build knows ("AVX512-FP16", "FEAT_FP16");
/// empty: none.
std::string native_half();

/// C = A * B for square matrices of float16 bit patterns, row-major: float16 multiply-adds, float16 accumulators, k
/// ascending. Call only where native_half() names something. `n` elements a side.
class NativeHalfProduct {
 public:
  /// Packs B.
  NativeHalfProduct(const uint16_t* b, size_t n);
  void run(const uint16_t* a, uint16_t* c, const Threads& threads) const;

 private:
  size_t n_;
  std::vector<uint16_t> packed_;  ///< panels of kColumns columns, k by k
};

}  // namespace assay::api

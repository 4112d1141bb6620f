// Choice of the compiled code path (instruction set) and the floating-point environment that every path relies on.
// All paths give the same bits; forcing one exists so that this can be tested.
//
// A kernel file is compiled once per target by Highway:
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "num/x.cc"
//   #include "hwy/foreach_target.h"
//   #include "hwy/highway.h"
//   #include "num/simd-inl.h"          // Fma, LoadF16, StoreF16, ...
//   HWY_BEFORE_NAMESPACE();
//   namespace assay::num::HWY_NAMESPACE { ... }
//   HWY_AFTER_NAMESPACE();
//   #if HWY_ONCE
//   namespace assay::num { HWY_EXPORT(Kernel); void kernel(...) { HWY_DYNAMIC_DISPATCH(Kernel)(...); } }
//   #endif
// No code may depend on the number of lanes.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay::num {

enum class Isa : uint8_t {
  scalar,  ///< portable C++; fused multiply-adds through std::fma
  avx2,    ///< x86-64 with AVX2, FMA, F16C (2013 on)
  avx512,  ///< AVX-512 F, VL, DQ, BW
  neon,    ///< arm64
  best,    ///< the fastest of these that the machine has
};

std::string_view isa_name(Isa isa);
std::optional<Isa> parse_isa(std::string_view name);
/// What this machine can run, slowest first; never `best`.
std::vector<Isa> available_isas();
/// All kernels called from now on, in every thread, use `isa`. Call it before work starts. isa_unavailable if the
/// machine lacks it.
Status force_isa(Isa isa);
/// The path that kernels take now; never `best`.
Isa current_isa();

/// While it lives, this thread rounds to nearest even and keeps subnormals (no FTZ, no DAZ), whatever a host program
/// or a library built with -ffast-math has set. Restores what was there.
class ScopedFloatEnvironment {
 public:
  ScopedFloatEnvironment();
  ~ScopedFloatEnvironment();
  ScopedFloatEnvironment(const ScopedFloatEnvironment&) = delete;
  ScopedFloatEnvironment& operator=(const ScopedFloatEnvironment&) = delete;

  /// Whether the thread had another rounding mode, or flushed subnormals, when this was made.
  bool changed() const { return changed_; }

 private:
  uint64_t saved_;
  bool changed_;
};

}  // namespace assay::num

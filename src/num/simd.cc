#include "num/simd.h"

#include <array>
#include <string>
#include <utility>

#include "hwy/targets.h"

#if HWY_ARCH_X86
#include <xmmintrin.h>
#endif

namespace assay::num {
namespace {

struct Row {
  Isa isa;
  std::string_view name;
  int64_t target;  ///< Highway's bit; 0: not of this architecture
};

#if HWY_ARCH_X86
constexpr int64_t kAvx2 = HWY_AVX2, kAvx512 = HWY_AVX3, kNeon = 0;
#elif HWY_ARCH_ARM
constexpr int64_t kAvx2 = 0, kAvx512 = 0, kNeon = HWY_NEON;
#else
constexpr int64_t kAvx2 = 0, kAvx512 = 0, kNeon = 0;
#endif

// Slowest first.
constexpr std::array kRows = {
    Row{Isa::scalar, "scalar", HWY_EMU128},
    Row{Isa::neon, "neon", kNeon},
    Row{Isa::avx2, "avx2", kAvx2},
    Row{Isa::avx512, "avx512", kAvx512},
};

int64_t machine_targets() {
  // The CPU's own set, asked once, before any mock: Highway's SupportedTargets() reflects the mock afterwards.
  static const int64_t targets = (hwy::SupportedTargets() & HWY_TARGETS) | (HWY_TARGETS & HWY_EMU128);
  return targets;
}

bool available(const Row& row) { return (machine_targets() & row.target) != 0; }

void use_targets(int64_t targets) {
  hwy::SetSupportedTargetsForTest(targets);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace

std::string_view isa_name(Isa isa) {
  for (const Row& row : kRows) {
    if (row.isa == isa) return row.name;
  }
  return "best";
}

std::optional<Isa> parse_isa(std::string_view name) {
  if (name == "best") return Isa::best;
  for (const Row& row : kRows) {
    if (row.name == name) return row.isa;
  }
  return std::nullopt;
}

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Row& row : kRows) {
    if (available(row)) isas.push_back(row.isa);
  }
  return isas;
}

Status force_isa(Isa isa) {
  if (isa == Isa::best) {
    use_targets(machine_targets());
    return {};
  }
  for (const Row& row : kRows) {
    if (row.isa != isa) continue;
    if (available(row)) {
      use_targets(row.target);
      return {};
    }
    std::string names;
    for (Isa each : available_isas()) names += (names.empty() ? "" : ", ") + std::string(isa_name(each));
    return Error{Code::isa_unavailable, "this machine cannot run the " + std::string(row.name) + " code path",
                 "--isa " + std::string(row.name), "it has: " + names + "; leave --isa out to take the fastest"};
  }
  return Error{Code::isa_unavailable, "unknown instruction set"};
}

Isa current_isa() {
  machine_targets();
  const int64_t targets = hwy::SupportedTargets() & machine_targets();
  for (size_t i = kRows.size(); i-- > 0;) {
    if ((targets & kRows[i].target) != 0) return kRows[i].isa;
  }
  return Isa::scalar;
}

#if HWY_ARCH_X86
namespace {
constexpr unsigned kControl = 0xffc0u;   // everything but the sticky exception flags
constexpr unsigned kStandard = 0x1f80u;  // all exceptions masked, nearest even, no FTZ, no DAZ
}  // namespace

ScopedFloatEnvironment::ScopedFloatEnvironment() : saved_(_mm_getcsr()), changed_((saved_ & kControl) != kStandard) {
  if (changed_) _mm_setcsr(kStandard);
}
ScopedFloatEnvironment::~ScopedFloatEnvironment() {
  if (changed_) _mm_setcsr(static_cast<unsigned>(saved_));
}
#elif HWY_ARCH_ARM_A64
ScopedFloatEnvironment::ScopedFloatEnvironment() : saved_(0), changed_(false) {
  __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
  changed_ = saved_ != 0;
  if (changed_) __asm__ volatile("msr fpcr, %0" : : "r"(uint64_t{0}));
}
ScopedFloatEnvironment::~ScopedFloatEnvironment() {
  if (changed_) __asm__ volatile("msr fpcr, %0" : : "r"(saved_));
}
#else
ScopedFloatEnvironment::ScopedFloatEnvironment() : saved_(0), changed_(false) {}
ScopedFloatEnvironment::~ScopedFloatEnvironment() = default;
#endif

}  // namespace assay::num

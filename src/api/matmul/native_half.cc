#include "api/matmul/native_half.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#include <arm_neon.h>
#define ASSAY_NEON_HALF 1
#endif

namespace assay::api {
namespace {

// A tile of C stays in registers over all of k: 8 rows of 2 vectors leave room for B and the broadcast of A.
constexpr size_t kRows = 8;

#if defined(__x86_64__)

constexpr size_t kColumns = 64;  // 2 vectors of 32

__attribute__((target("avx512fp16,avx512bw,avx512vl"))) void tile(const uint16_t* a, size_t rows, size_t n,
                                                                  const uint16_t* panel, uint16_t* c, size_t columns) {
  __m512h sum[kRows][2];
  for (auto& row : sum) row[0] = row[1] = _mm512_setzero_ph();
  const _Float16* left[kRows];  // rows that are not there repeat the last one
  for (size_t r = 0; r < kRows; ++r) left[r] = reinterpret_cast<const _Float16*>(a + std::min(r, rows - 1) * n);
  for (size_t k = 0; k < n; ++k) {
    const __m512h b0 = _mm512_loadu_ph(panel + k * kColumns), b1 = _mm512_loadu_ph(panel + k * kColumns + 32);
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) {
      const __m512h value = _mm512_set1_ph(left[r][k]);
      sum[r][0] = _mm512_fmadd_ph(value, b0, sum[r][0]);
      sum[r][1] = _mm512_fmadd_ph(value, b1, sum[r][1]);
    }
  }
  for (size_t r = 0; r < rows; ++r) {
    for (size_t v = 0; v < 2; ++v) {
      const size_t count = columns > v * 32 ? std::min<size_t>(32, columns - v * 32) : 0;
      const auto mask = static_cast<__mmask32>(count == 32 ? ~0U : (1U << count) - 1);
      _mm512_mask_storeu_epi16(c + r * n + v * 32, mask, _mm512_castph_si512(sum[r][v]));
    }
  }
}

#elif defined(ASSAY_NEON_HALF)

constexpr size_t kColumns = 16;  // 2 vectors of 8

void tile(const uint16_t* a, size_t rows, size_t n, const uint16_t* panel, uint16_t* c, size_t columns) {
  float16x8_t sum[kRows][2];
  for (auto& row : sum) row[0] = row[1] = vdupq_n_f16(0);
  const float16_t* left[kRows];  // rows that are not there repeat the last one
  for (size_t r = 0; r < kRows; ++r) left[r] = reinterpret_cast<const float16_t*>(a + std::min(r, rows - 1) * n);
  for (size_t k = 0; k < n; ++k) {
    const auto* b = reinterpret_cast<const float16_t*>(panel + k * kColumns);
    const float16x8_t b0 = vld1q_f16(b), b1 = vld1q_f16(b + 8);
    for (size_t r = 0; r < kRows; ++r) {
      const float16x8_t value = vdupq_n_f16(left[r][k]);
      sum[r][0] = vfmaq_f16(sum[r][0], value, b0);
      sum[r][1] = vfmaq_f16(sum[r][1], value, b1);
    }
  }
  for (size_t r = 0; r < rows; ++r) {
    uint16_t whole[kColumns];
    vst1q_u16(whole, vreinterpretq_u16_f16(sum[r][0]));
    vst1q_u16(whole + 8, vreinterpretq_u16_f16(sum[r][1]));
    std::copy_n(whole, columns, c + r * n);
  }
}

#else

constexpr size_t kColumns = 16;
void tile(const uint16_t*, size_t, size_t, const uint16_t*, uint16_t*, size_t) {}

#endif

size_t panels_of(size_t n) { return (n + kColumns - 1) / kColumns; }

}  // namespace

std::string native_half() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512fp16") ? "AVX512-FP16" : "";
#elif defined(ASSAY_NEON_HALF)
  return "FEAT_FP16";
#else
  return "";
#endif
}

NativeHalfProduct::NativeHalfProduct(const uint16_t* b, size_t n) : n_(n), packed_(panels_of(n) * n * kColumns) {
  for (size_t p = 0; p < panels_of(n); ++p) {
    const size_t first = p * kColumns, columns = std::min(kColumns, n - first);
    for (size_t k = 0; k < n; ++k) std::copy_n(b + k * n + first, columns, packed_.data() + (p * n + k) * kColumns);
  }
}

void NativeHalfProduct::run(const uint16_t* a, uint16_t* c, const Threads& threads) const {
  const size_t stripes = (n_ + kRows - 1) / kRows;
  // A panel of B is read by all rows of a stripe while it is in the cache: panels are the outer loop.
  threads.for_each(stripes, 1, [&](size_t begin, size_t end) {
    for (size_t p = 0; p < panels_of(n_); ++p) {
      const size_t first = p * kColumns, columns = std::min(kColumns, n_ - first);
      for (size_t stripe = begin; stripe < end; ++stripe) {
        const size_t row = stripe * kRows;
        tile(a + row * n_, std::min(kRows, n_ - row), n_, packed_.data() + p * n_ * kColumns, c + row * n_ + first,
             columns);
      }
    }
  });
}

}  // namespace assay::api

// Floating-point formats and the one function that rounds a real number into any of them.
//
// A format is (exponent bits, stored significand bits, what its special codes mean). Everything is defined through
// float64: every value of every format here (at most 11 exponent and 52 stored significand bits) is a float64.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace assay::num {

enum class FormatId : uint8_t {
  float64,
  float32,
  tf32,
  bfloat16,
  float16,
  float8e4m3fn,
  float8e4m3fnuz,
  float8e5m2,
  float8e5m2fnuz,
  float8e8m0,
  float4e2m1,
};

/// What the codes with all exponent bits set mean.
enum class Specials : uint8_t {
  ieee,      ///< infinities and NaNs, as IEEE 754
  nan_only,  ///< no infinity; only the all-ones code is NaN (e4m3fn, e8m0)
  fnuz,      ///< no infinity, no -0; the code of -0 is NaN
  none,      ///< neither (e2m1): every code is a number
};

/// A binary floating-point format. Source of the named ones: docs/semantics.md, "Formats".
struct Format {
  std::string_view name;
  int exponent_bits;     ///< 2..11
  int significand_bits;  ///< stored bits, without the hidden one: 0..52
  int bias;
  Specials specials = Specials::ieee;
  bool has_sign = true;
  bool has_subnormals = true;  ///< also has zero; false only for e8m0

  int width() const { return exponent_bits + significand_bits + (has_sign ? 1 : 0); }
  friend bool operator==(const Format&, const Format&) = default;
};

const Format& format(FormatId id);
std::optional<FormatId> format_named(std::string_view name);
/// An IEEE-like format of any size: bias 2^(e-1)-1, infinities, NaNs, subnormals. exponent 2..11, significand 1..52.
Format ieee_like(int exponent_bits, int significand_bits);

enum class Mode : uint8_t { nearest_even, nearest_away, toward_zero, to_odd };
enum class Overflow : uint8_t {
  infinity,  ///< to infinity (to NaN where the format has none), as IEEE 754 says for the mode
  clamp,     ///< to the largest finite magnitude; infinities too
};

/// How a real number becomes a value of a format.
struct Rounding {
  Format format;
  Mode mode = Mode::nearest_even;
  bool flush_subnormals = false;  ///< results below the smallest normal magnitude become a zero of the same sign
  Overflow overflow = Overflow::infinity;
  /// Magnitudes that round to this or more overflow; 0: the format's own limit. (Neural Engine: 32768.)
  double limit = 0;

  friend bool operator==(const Rounding&, const Rounding&) = default;
};

/// `value` rounded once. NaN gives NaN. This is the definition; round_float and the bulk functions give the same bits.
double round(double value, const Rounding& rounding);
/// The same for a float32 value; exact shortcuts for float16, bfloat16 and TF32.
float round_float(float value, const Rounding& rounding);

/// Bit pattern (in the low width() bits) of a value that is representable; round() first. NaN gives the canonical
/// quiet NaN of the format; a format without NaN gives 0.
uint64_t encode(double value, const Format& format);
double decode(uint64_t bits, const Format& format);

double max_finite(const Format& format);
double min_normal(const Format& format);
double min_subnormal(const Format& format);  ///< min_normal where there are none
bool representable(double value, const Format& format);

/// Neighbours on the format's lattice (value must be representable); from the largest finite to infinity.
double next_up(double value, const Format& format);
double next_down(double value, const Format& format);

// 16-bit storage of float32 values, nearest even, subnormals kept, overflow to infinity; NaN becomes 0x7e00 / 0x7fc0.
uint16_t float16_bits(float value);
uint16_t bfloat16_bits(float value);
float float16_value(uint16_t bits);
float bfloat16_value(uint16_t bits);
/// From float64 in one rounding.
uint16_t float16_bits(double value);
uint16_t bfloat16_bits(double value);

// Bulk forms, vectorised; same bits as the scalar ones on every machine.
void to_float16(const float* in, uint16_t* out, size_t n);
void from_float16(const uint16_t* in, float* out, size_t n);
void to_bfloat16(const float* in, uint16_t* out, size_t n);
void from_bfloat16(const uint16_t* in, float* out, size_t n);
/// values[i] = round_float(values[i], rounding); vectorised for float16, bfloat16 and TF32 targets.
void round_in_place(float* values, size_t n, const Rounding& rounding);
void round_in_place(double* values, size_t n, const Rounding& rounding);

/// a * b + c with one rounding to float16 (bfloat16): the exact sum is rounded to odd first (docs/semantics.md).
float fma_float16(float a, float b, float c);
float fma_bfloat16(float a, float b, float c);
/// a * b + c rounded once to any format with at most 24 significand bits; the general form of the two above.
double fma_round(double a, double b, double c, const Rounding& rounding);
/// out[i] = fma_round(a[i], b[i], c[i]), vectorised; out may be one of the others.
void fma_round(const float* a, const float* b, const float* c, float* out, size_t n, const Rounding& rounding);

}  // namespace assay::num

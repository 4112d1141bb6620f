// What outputs alone tell beyond their lattice: where their range ends, whether subnormals are flushed, whether they
// are integers times a scale, and whether only some channels are rounded. Every claim has its evidence in bits.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "ir/tensor.h"
#include "num/format.h"

namespace assay::audit {

/// Where the values' range ends.
struct ValueRange {
  double largest = 0;     ///< largest finite magnitude
  double least = 0;       ///< smallest magnitude but 0; 0 when all are zeros
  uint64_t infinite = 0;  ///< infinities
  uint64_t nan = 0;
  uint64_t at_largest = 0;  ///< values whose magnitude is `largest`
  /// The format whose largest finite value is `largest`, reached by at least two values and passed by none, with others
  /// in the upper half of its range: values were clamped there. The values must show that they are of this format:
  /// boxes of a 448 pixel image end at the largest float8e4m3fn, and masks are often filled with the largest float32.
  std::optional<num::FormatId> clamped{};
  /// The narrowest format that overflows to the infinities seen: the largest finite magnitude is in the upper half of
  /// its range, and the values show that they are of this format.
  std::optional<num::FormatId> overflowed{};
};

/// Subnormals of a format among the values. As many values are expected below the smallest normal magnitude as between
/// it and its double, where the density of the values does not change near 0; with n there and none below, chance
/// alone would have done that with probability 2^-n. That the density goes on has to be seen: values down to the
/// smallest normal magnitude, more beyond its double or of both signs, and zeros, which is what flushed values become.
/// Probabilities of about 1e-4, or cut off there, have none of these.
struct Subnormals {
  num::FormatId format = num::FormatId::float16;
  uint64_t seen = 0;    ///< values below the smallest normal magnitude, zeros left out
  uint64_t beside = 0;  ///< different values from there up to its double
  uint64_t zeros = 0;   ///< of either sign
  bool near = false;    ///< some of `beside` are within a tenth of the smallest normal magnitude
  bool spread = false;  ///< they have both signs, or there are values up to its fourfold
  bool flushed() const { return seen == 0 && beside >= 32 && near && spread && 2 * zeros >= beside; }
};

/// Values that are scale * (q - zero point) with integers q of at most 8 bits.
struct Scaled {
  float scale = 0;
  int64_t lowest = 0, highest = 0;  ///< of q - zero point
  uint64_t levels = 0;              ///< distinct values
  uint64_t evidence_bits = 0;       ///< chance alone would put the values there with probability 2^-evidence_bits
  /// The zero point of signed and unsigned 8-bit integers, where all 256 levels are spanned; else the values that are
  /// possible.
  int64_t int8_lowest = 0, int8_highest = 0, uint8_lowest = 0, uint8_highest = 0;
};

/// Slices along one axis that lie on a narrower format than the whole does.
struct Mixed {
  int64_t axis = 0;
  num::FormatId format = num::FormatId::float16;
  std::vector<int64_t> narrow{};  ///< slices on the format, with 32 bits of evidence or more together
  std::vector<int64_t> wide{};    ///< slices that are not
  uint64_t evidence_bits = 0;     ///< of all narrow slices together
};

struct Traits {
  ValueRange range{};
  std::vector<Subnormals> subnormals{};  ///< of formats whose subnormals the values could have shown
  std::optional<Scaled> scaled{};
  std::optional<Mixed> mixed{};
};

/// `values` holds floating-point numbers.
Traits traits_of(const ir::Tensor& values);

std::optional<Scaled> scaled_lattice(const std::vector<float>& values);
std::optional<Mixed> mixed_slices(const ir::Tensor& values);

}  // namespace assay::audit

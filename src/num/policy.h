// The numeric policy of an operation: small composable data that says how each step is rounded. Policies are not an
// enum of devices; a device profile (profiles/*.toml) is a list of statements that fill these fields.
// Orders and meanings: docs/semantics.md.
#pragma once
#include <cstdint>
#include <optional>

#include "num/format.h"

namespace assay::num {

/// How the products of a contraction (MatMul, Conv, Gemm, ...) or the terms of a sum are added up.
struct Accumulator {
  enum class Kind : uint8_t {
    chain,    ///< k ascending; fused: acc = step(fma(a, b, acc)); else acc = step(acc + product(a * b))
    lanes,    ///< lane i takes k = i, i + lanes, ...; each a chain; then halves are added (i with i + lanes/2, ...)
    exact,    ///< all products exact, summed exactly (in effect: wide), one rounding to float32
    aligned,  ///< tensor cores: blocks of `block` products and acc aligned to the largest exponent, cut to
              ///< `fraction_bits` fractional bits, summed exactly, `block_result` rounding to float32 / float16
    tiles,    ///< Neural Engine: tiles of `block` lanes added in order by an adder that aligns to the larger exponent
              ///< and keeps `fraction_bits` significant bits (cut by `block_mode`); tile results summed exactly; one
              ///< rounding (`step`) at the end. With step->limit, partial sums that reach it are infinite already
    pairs,    ///< CPU bf16 dot instructions, two products a step: see PairRule
  };
  enum class PairRule : uint8_t {
    odd_then_even,  ///< VDPBF16PS: t = fma(a1, b1, acc); acc = fma(a0, b0, t); both RNE, subnormals flushed
    even_odd_sums,  ///< TDPBF16PS: separate even and odd chains over up to `block` products, even + odd, + acc
    round_to_odd,   ///< BFDOT, BFMMLA without EBF16: acc = odd(acc + odd(a0*b0 + a1*b1)), flushed
  };
  Kind kind = Kind::chain;
  bool fused = true;  ///< chain, lanes: product exact inside a fused multiply-add
  /// tiles, unfused chains: rounding of each product; absent: step's (chain), exact (tiles)
  std::optional<Rounding> product;
  std::optional<Rounding> step;   ///< rounding after each step; absent: the compute type's own
  bool step_via_float32 = false;  ///< each step is rounded to float32 first, then by `step` (AVX2 XNNPACK)
  int lanes = 1;
  int block = 1;                              ///< aligned, tiles, even_odd_sums: products per block
  int fraction_bits = 24;                     ///< aligned: F, 1..40; tiles: significant bits kept, 2..40
  Mode block_mode = Mode::toward_zero;        ///< aligned: rounding of a block's sum
  FormatId block_format = FormatId::float32;  ///< aligned: format of a block's sum
  int block_result_fraction_bits = 23;        ///< aligned: fractional bits kept in the block's result (fp8: 13)
  FormatId factors = FormatId::float32;       ///< aligned: format of the factors: subnormals keep its least exponent
  /// aligned (AMD CDNA3): products alone are cut to `fraction_bits`; their sum (to 31 bits) and acc (to 24 bits) are
  /// then aligned to the larger exponent, both downwards, and added.
  bool accumulator_apart = false;
  int split_k = 1;  ///< k cut into this many equal parts (rounded up to `block`), added in float32
  PairRule pairs = PairRule::odd_then_even;
  bool flush_subnormals = false;  ///< inputs, accumulator and results of each step

  friend bool operator==(const Accumulator&, const Accumulator&) = default;
};

enum class Bias : uint8_t {
  after,        ///< acc + bias in the compute type, before the result is rounded (ours)
  first,        ///< acc starts at the bias
  after_store,  ///< result rounded, then bias added and rounded again
};

/// Which elementary functions (exp, tanh, erf, ...) an operation calls.
enum class Elementary : uint8_t {
  sleef,              ///< deterministic 1.0-ULP functions of the compute type
  correctly_rounded,  ///< float64 function rounded once to `step` (or `result`) format
};

/// What becomes of NaN and invalid operations.
enum class SpecialValues : uint8_t {
  ieee,
  neural_engine,  ///< NaN -> +infinity, inf - inf and 0 * inf -> +0, log(0) -> -45440, ... (docs/semantics.md)
};

struct Policy {
  /// float32 or float64: the type in which everything outside of accumulators and `step` is computed.
  FormatId compute = FormatId::float32;
  /// Rounding of each operand as it enters a contraction (TF32, bfloat16 math modes); absent: none.
  std::optional<Rounding> operand;
  /// Contractions: MatMul, Gemm, Conv, Einsum, recurrent gates.
  Accumulator accumulator;
  /// Sums of reductions, poolings, softmax and normalisations; absent: the order of docs/semantics.md (16 lanes).
  std::optional<Accumulator> sum;
  Bias bias = Bias::after;
  /// Rounding of every step inside an operation (float16 throughout); absent: the compute type's own.
  std::optional<Rounding> step;
  /// Rounding of what the operation returns (storage); absent: the declared type's own.
  std::optional<Rounding> result;
  /// Rounding of float attributes such as epsilon; absent: none.
  std::optional<Rounding> attribute;
  /// Float32 subnormals of inputs and results are flushed to zero (DAZ and FTZ).
  bool flush_subnormals = false;
  Elementary elementary = Elementary::sleef;
  SpecialValues special_values = SpecialValues::ieee;
  /// Division by a constant becomes a multiplication by its reciprocal rounded to `result`.
  bool divide_by_reciprocal = false;
  /// Softplus of Core ML is log(exp(x) + 1) as written, which overflows, as ONNX's is.
  bool plain_softplus = false;

  friend bool operator==(const Policy&, const Policy&) = default;
};

}  // namespace assay::num

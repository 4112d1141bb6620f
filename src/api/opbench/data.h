// Operands of a case as numbers that are the same on every machine.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/tensor.h"

namespace assay::api::opbench {

/// How an operand is drawn:
///   LOW..HIGH           uniform; without it floats in [-1, 1), 8-bit integers of any value, others 0 to 100
///   distinct LOW..HIGH  integers, each at most once
///   boxes LOW..HIGH     rows of four: a corner in the range and the corner across, 1 to 9 further
///   dominant            square matrices far from singular
///   words               strings, of a vocabulary of 64
struct Draw {
  std::string_view kind{};
  std::optional<double> low{}, high{};
};
/// Errors: internal.
Result<Draw> parse_draw(std::string_view text);

/// "0.5" as a number.
std::optional<double> number(std::string_view text);

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  double uniform(double low, double high);
  int64_t whole(int64_t low, int64_t high);  ///< both ends belong to it

 private:
  uint64_t next();
  uint64_t state_;
};

ir::Tensor draw(ir::ElemType elem, const ir::Dims& dims, const Draw& how, Random& random);

}  // namespace assay::api::opbench

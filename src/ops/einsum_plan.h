// The equation of Einsum: labels, extents, and what each pairwise step contracts.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/tensor.h"

namespace assay::ops {

/// One label a character. The axes that an ellipsis stands for get labels of their own, from the right: kEllipsis + 0
/// is the last of them.
inline constexpr char kEllipsis = '\x01';

struct Equation {
  std::vector<std::string> operands;  ///< labels of each operand's axes
  std::string output;
  std::string order;  ///< all labels by first appearance
};

/// `ranks` of the operands; the error's message is what is wrong.
Result<Equation> parse_einsum(std::string_view text, const std::vector<size_t>& ranks);

/// Labels that stay after operands 0 .. i were joined: those of the output and of later operands, in order of first
/// appearance (the output's own order after the last).
std::string labels_after(const Equation& equation, size_t i);

}  // namespace assay::ops

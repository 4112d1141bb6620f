// What Pad's kernel and its lowerings share.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ops/lower/mil.h"
#include "ops/lower/nn.h"

namespace assay::ops {

struct Side {
  int64_t begin = 0, end = 0;
  bool any() const { return begin != 0 || end != 0; }
};

/// Pads of every axis, or why the operands contradict each other.
Result<std::vector<Side>> sides(const Error& error, const ir::Dims& pads, const std::optional<ir::Dims>& axes,
                                int64_t rank);
/// For each output position of an axis the input position it shows, in the modes that read the input.
ir::Dims source_positions(const std::string& mode, int64_t extent, Side side);

Status pad_to_mil(MilContext& c);
Status pad_to_nn(NnContext& c);

}  // namespace assay::ops

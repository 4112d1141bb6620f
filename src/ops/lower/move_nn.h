// The same as lower/move.h for layers: shapes that are known only at run time, slices, indices that count from the end.
// Blobs have at least one axis: a scalar is one of one element.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ops/lower/move.h"
#include "ops/lower/nn.h"

namespace assay::ops {

/// The blob of operand `i`; an error when its rank is not known or layers do not hold its type.
Result<std::string> nn_operand(NnContext& c, size_t i);

/// A vector of integers, exact in floating point.
std::string nn_ints(NnContext& c, const ir::Dims& values);

/// Begin, end and step of every axis; masks: 1 where the bound is the axis' own.
struct NnSlice {
  ir::Dims begin, end, step;
  std::vector<int64_t> begin_mask, end_mask;
};
std::string nn_slice(NnContext& c, const std::string& x, const NnSlice& slice);

/// Extents [begin, end) of operand `i` as a vector: a constant where all are known.
std::string nn_extents(NnContext& c, size_t i, int64_t begin, int64_t end);
/// Vectors one behind the other.
std::string nn_joined(NnContext& c, const std::vector<std::string>& parts);
/// Operand `i` (held by `x`) under a shape of which at most one extent is unknown, or whose unknown extents are copies.
Result<std::string> nn_reshape(NnContext& c, size_t i, const std::string& x, const std::vector<Extent>& shape);

/// Operand `i`, which holds indices into operand 0, as indices_of(). The layers take indices from the end where
/// `as_they_are`.
Result<std::string> nn_indices(NnContext& c, size_t i, const ir::Dims& axes, bool as_they_are);

}  // namespace assay::ops

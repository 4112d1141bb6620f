// Models with the types taken away: what their mathematics is.
#pragma once
#include <cstdint>
#include <optional>
#include <unordered_set>

#include "ir/graph.h"
#include "ir/tensor.h"

namespace assay::audit {

/// A copy whose values and constants declared float16 or bfloat16 are float32.
ir::Graph widened(const ir::Graph& graph);
/// The same numbers in float32 where they are in float16 or bfloat16.
ir::Tensor widened(const ir::Tensor& tensor);

/// Constants and attributes: a hash of the elements of each, in any order, since converters turn weights.
using Numbers = std::unordered_set<uint64_t>;
/// Those of a graph, and of those inside it, in floating point of 32 bits and less.
Numbers numbers_in(const ir::Graph& graph);

/// Those that are declared in 16 bits.
struct Narrow {
  std::optional<ir::ElemType> type{};  ///< of the first; none: there is none
  Numbers numbers;
};
Narrow narrow_constants(const ir::Graph& graph);
/// Float32 constants of `graph` that are those of `wide` rounded to `type`, where they are too many to be so by chance.
Narrow rounded_constants(const ir::Graph& graph, const ir::Graph& wide, ir::ElemType type);
/// widened(), and float32 constants and attributes that are one of `narrow` once they are rounded are rounded.
ir::Graph rounded_like(const ir::Graph& graph, const Narrow& narrow);
/// widened(), with each constant that is none of `shared` off by a unit in the last place of its type, in directions
/// that look random: rounding moves it by half of that. Elements of so few bits that they were hardly rounded stay.
ir::Graph moved_but(const ir::Graph& graph, const Numbers& shared);

}  // namespace assay::audit

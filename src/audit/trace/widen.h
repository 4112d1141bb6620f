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

/// The constants of a graph, and of those inside it, that are declared in 16 bits.
struct Narrow {
  std::optional<ir::ElemType> type{};    ///< of the first; none: there is none
  std::unordered_set<uint64_t> numbers;  ///< a hash of each one's elements, in any order: converters turn weights
};
Narrow narrow_constants(const ir::Graph& graph);
/// widened(), and float32 constants and attributes that are one of `narrow` once they are rounded are rounded; `found`
/// gets the hashes of those.
ir::Graph rounded_like(const ir::Graph& graph, const Narrow& narrow, std::unordered_set<uint64_t>& found);
/// widened(), with each constant in 16 bits that is none of `found` off by what rounding may have moved it, half a unit
/// in its last place, in directions that look random.
ir::Graph moved_but(const ir::Graph& graph, const std::unordered_set<uint64_t>& found);

}  // namespace assay::audit

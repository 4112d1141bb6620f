// Layers whose results are beyond the range of the format, rescaled by powers of two: the scale goes into the weights
// of the layer, its inverse into those of the layers behind it. In float32 the results are the same bits, unless
// weights become subnormal.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace assay::audit {

struct Rescaled {
  ir::Graph graph;
  std::vector<std::pair<ir::OpId, int>> layers;  ///< operation, and the power of two that its result is multiplied by
  std::vector<ir::OpId> left;                    ///< beyond the range, and no such change is possible
};

/// `largest`: magnitude of each value in float32, 0 where it is not known. `limit`: of the format.
Rescaled rescale(const ir::Graph& model, std::span<const double> largest, double limit);

}  // namespace assay::audit

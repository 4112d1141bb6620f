// What Slice's kernel and its lowerings share.
#pragma once
#include <optional>

#include "ops/lower/mil.h"
#include "ops/lower/nn.h"

namespace assay::ops {

struct Range {
  int64_t begin = 0, count = 0, step = 1;
};

/// The elements that a slice takes of one axis. Bounds are clamped as NumPy clamps them, whatever sentinel they are,
/// but for one case: backwards from before the first element takes that element (ONNX's text; NumPy takes none).
Range clamped(int64_t begin, int64_t end, int64_t step, int64_t extent);

struct Operands {
  std::optional<ir::Dims> starts, ends, axes, steps;
  int64_t axis(size_t k) const { return axes ? (*axes)[k] : static_cast<int64_t>(k); }
  int64_t step(size_t k) const { return steps ? (*steps)[k] : 1; }
};

Status slice_to_mil(MilContext& c);
Status slice_to_nn(NnContext& c);

}  // namespace assay::ops

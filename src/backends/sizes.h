// Sizes that a Core ML file allows of an input beyond what its type says.
#pragma once
#include <string>
#include <vector>

#include "ir/type.h"
#include "mil/model.h"

namespace assay::backends {

struct Sizes {
  std::vector<ir::Dims> shapes{};        ///< the enumerated ones, the default first
  std::vector<mil::SizeRange> ranges{};  ///< one for each axis

  bool stated() const { return !shapes.empty() || !ranges.empty(); }
  bool allow(const ir::Dims& dims) const;
  /// How many samples may go together along the first axis, whatever the other axes are: 0 stands for any number.
  size_t most_samples() const;
  /// The shape that stands for all: the default, or the smallest.
  ir::Dims typical() const;
};

/// Of an array, or of an image as [1, C, H, W].
Sizes sizes_of(const mil::Feature& feature);
/// "[1,3,2..9,4]", "[1,10] or [1,20]".
std::string to_string(const Sizes& sizes);

}  // namespace assay::backends

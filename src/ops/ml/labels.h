// The labels of a classifier's classes: strings or integers.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace assay::ops {

struct ClassLabels {
  std::vector<std::string> strings;
  std::vector<int64_t> integers;

  bool text() const { return !strings.empty(); }
  size_t size() const { return text() ? strings.size() : integers.size(); }
  ir::ElemType elem() const { return text() ? ir::ElemType::string : ir::ElemType::int64; }
  /// Element `row` of `y` becomes the label of class `k`.
  void write(ir::Tensor& y, int64_t row, size_t k) const {
    if (text())
      y.mutable_strings()[static_cast<size_t>(row)] = strings[k];
    else
      y.set_int(row, integers[k]);
  }
};

/// From classlabels_strings and the attribute of the integers ("classlabels_ints", "classlabels_int64s").
inline ClassLabels labels_of(const ir::Op& op, std::string_view integers) {
  return {op.attr_strings("classlabels_strings"), op.attr_ints(integers)};
}

}  // namespace assay::ops

// The table of all layers, joined from its parts.
#include <algorithm>

#include "mil/layer_rows.h"

namespace assay::mil {

std::span<const LayerRow> layer_table() {
  static const std::vector<LayerRow> rows = [] {
    std::vector<LayerRow> all;
    for (const auto part : {rank5_layers(), nd_layers(), more_nd_layers()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return rows;
}

const LayerRow* find_layer(std::string_view name) {
  const auto rows = layer_table();
  const auto at = std::ranges::find(rows, name, &LayerRow::name);
  return at == rows.end() ? nullptr : &*at;
}

const LayerRow* find_layer(uint32_t number) {
  const auto rows = layer_table();
  const auto at = std::ranges::lower_bound(rows, number, {}, &LayerRow::number);
  return at == rows.end() || at->number != number ? nullptr : &*at;
}

}  // namespace assay::mil

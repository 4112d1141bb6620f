// Layered drawings of graphs: where nodes stand and how edges run, from top to bottom
// (docs/decisions/0039-graphviz.md).
#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace assay::report {

struct GraphDrawing {
  struct Point {
    double x = 0, y = 0;
  };
  struct Edge {
    size_t from = 0, to = 0;
    std::vector<Point> curve;  ///< a cubic Bezier spline: one point, then three for each piece
  };
  double width = 0, height = 0;
  std::vector<Point> nodes;  ///< their middles, y downwards
  std::vector<Edge> edges;
  bool empty() const { return nodes.empty(); }
};

struct GraphBox {
  double width = 0, height = 0;  ///< of a node, in points
};

inline constexpr size_t kMostDrawn = 1500;  ///< nodes: larger graphs are not drawn

/// `edges` are pairs of nodes; those to the node itself or beyond the last are left out. Empty for graphs without nodes
/// or with more than kMostDrawn, and where the library fails. Calls from several threads wait for each other: the
/// library has global state.
GraphDrawing draw(const std::vector<GraphBox>& nodes, const std::vector<std::pair<size_t, size_t>>& edges);

}  // namespace assay::report

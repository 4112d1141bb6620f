// The only file that knows Graphviz.
#include "report/graph_layout.h"

#include <graphviz/cgraph.h>
#include <graphviz/gvc.h>
// Behind gvc.h, which it needs.
#include <graphviz/gvplugin.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "base/text.h"

extern "C" {
extern gvplugin_library_t gvplugin_dot_layout_LTX_library;
}

namespace assay::report {
namespace {
constexpr double kInch = 72;  // points

using Context = std::unique_ptr<GVC_t, int (*)(GVC_t*)>;
using Drawn = std::unique_ptr<Agraph_t, int (*)(Agraph_t*)>;

// The layered layout alone, which is linked: nothing is searched for, loaded or configured at run time.
GVC_t* context() {
  static lt_symlist_t symbols[] = {{"gvplugin_dot_layout_LTX_library", &gvplugin_dot_layout_LTX_library},
                                   {nullptr, nullptr}};
  static const Context kContext(gvContextPlugins(symbols, 0), gvFreeContext);
  return kContext.get();
}

void set(void* object, const char* name, const std::string& value) {
  agsafeset(object, const_cast<char*>(name), const_cast<char*>(value.c_str()), const_cast<char*>(""));
}

std::string inches(double points) { return shortest(points / kInch); }

std::vector<Agnode_t*> add_nodes(Agraph_t* graph, const std::vector<GraphBox>& boxes) {
  std::vector<Agnode_t*> out;
  for (size_t i = 0; i < boxes.size(); ++i) {
    std::string name = std::to_string(i);
    Agnode_t* node = agnode(graph, name.data(), 1);
    set(node, "shape", "box");
    set(node, "fixedsize", "true");
    set(node, "label", "");
    set(node, "width", inches(boxes[i].width));
    set(node, "height", inches(boxes[i].height));
    out.push_back(node);
  }
  return out;
}

// Without arrow heads, whose room would be left free: all edges run downwards.
Agedge_t* add_edge(Agraph_t* graph, Agnode_t* from, Agnode_t* to) {
  Agedge_t* edge = agedge(graph, from, to, nullptr, 1);
  set(edge, "dir", "none");
  return edge;
}

struct Known {
  Agedge_t* edge;
  size_t from, to;
};

std::vector<GraphDrawing::Point> curve_of(Agedge_t* edge, double height) {
  std::vector<GraphDrawing::Point> out;
  const splines* all = ED_spl(edge);
  if (all == nullptr || all->size == 0) return out;
  const bezier& piece = all->list[0];
  for (int i = 0; i < static_cast<int>(piece.size); ++i) out.push_back({piece.list[i].x, height - piece.list[i].y});
  return out;
}

GraphDrawing read(Agraph_t* graph, const std::vector<Agnode_t*>& nodes, const std::vector<Known>& edges) {
  GraphDrawing out;
  out.width = GD_bb(graph).UR.x;
  out.height = GD_bb(graph).UR.y;
  for (Agnode_t* node : nodes) out.nodes.push_back({ND_coord(node).x, out.height - ND_coord(node).y});
  for (const Known& known : edges) out.edges.push_back({known.from, known.to, curve_of(known.edge, out.height)});
  return out;
}
}  // namespace

GraphDrawing draw(const std::vector<GraphBox>& boxes, const std::vector<std::pair<size_t, size_t>>& edges) {
  if (boxes.empty() || boxes.size() > kMostDrawn) return {};
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  agseterr(AGMAX);  // a library prints nothing
  GVC_t* const gvc = context();
  if (gvc == nullptr) return {};
  std::string name = "model";
  const Drawn graph(agopen(name.data(), Agstrictdirected, nullptr), agclose);
  if (graph == nullptr) return {};
  set(graph.get(), "nodesep", "0.2");
  set(graph.get(), "ranksep", "0.35");
  // Bounds on its two searches, whose last gains nobody sees: without them large graphs take minutes.
  set(graph.get(), "nslimit", "2");
  set(graph.get(), "nslimit1", "2");
  set(graph.get(), "mclimit", "0.5");
  const std::vector<Agnode_t*> nodes = add_nodes(graph.get(), boxes);
  std::vector<Known> known;
  for (const auto& [from, to] : edges)
    if (from != to && std::max(from, to) < boxes.size())
      known.push_back({add_edge(graph.get(), nodes[from], nodes[to]), from, to});
  if (gvLayout(gvc, graph.get(), "dot") != 0) return {};
  GraphDrawing out = read(graph.get(), nodes, known);
  gvFreeLayout(gvc, graph.get());
  return out;
}

}  // namespace assay::report

// The graph of a model as SVG: an operation is a box, coloured by its error.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/graph_layout.h"
#include "report/html_parts.h"

namespace assay::report::html {
namespace {
constexpr double kLetter = 6.4, kHigh = 34, kNarrow = 64, kPad = 14, kEdge = 8;
constexpr size_t kLongest = 22;  // letters of a name

std::string shortened(const std::string& text) {
  if (text.size() <= kLongest) return text;
  size_t cut = kLongest - 1;  // never inside a character
  while (cut > 0 && (static_cast<unsigned char>(text[text.size() - cut]) & 0xc0) == 0x80) --cut;
  return "\xe2\x80\xa6" + text.substr(text.size() - cut);
}

const std::string& label_of(const audit::TraceOp& op) { return op.node.empty() ? op.name : op.node; }

GraphBox box_of(const audit::TraceOp& op) {
  const size_t letters = std::max(op.type.size(), std::min(label_of(op).size(), kLongest));
  return {std::max(kNarrow, kPad + kLetter * static_cast<double>(letters)), kHigh};
}

std::string path(const GraphDrawing::Edge& edge) {
  std::string d;
  for (size_t i = 0; i < edge.curve.size(); ++i)
    d += fmt::format("{}{:.0f} {:.0f}", i == 0 ? "M" : i == 1 ? "C" : " ", edge.curve[i].x, edge.curve[i].y);
  return d.empty() ? "" : "<path d=\"" + d + "\"/>";
}

std::string decibels(const audit::Distance& distance) {
  if (distance.snr.undefined > 0) return "not a number";
  return distance.snr.decibels.total() == 0 ? "no error" : fmt::format("{:.0f} decibels", distance.snr.worst);
}

std::string node(const audit::TraceResult& trace, size_t i, audit::Verdict found, const GraphDrawing::Point& at,
                 const GraphBox& box) {
  const audit::TraceOp& op = trace.ops[i];
  const std::string verdict(audit::verdict_name(found));
  return fmt::format(
      "<g class=\"n i{} a{} {}\" data-op=\"{}\" role=\"button\" tabindex=\"{}\" aria-label=\"{}: introduces {}, "
      "accumulated {}, {}\"><rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\" rx=\"5\"/><text "
      "x=\"{:.0f}\" y=\"{:.0f}\"><tspan class=\"ink\">{}</tspan></text><text x=\"{:.0f}\" y=\"{:.0f}\">{}</text></g>",
      level_of(op.introduced), level_of(op.accumulated), word_of(found), i, i == 0 ? 0 : -1, escape(name_of(op)),
      decibels(op.introduced), decibels(op.accumulated), verdict, at.x - box.width / 2, at.y - box.height / 2,
      box.width, box.height, at.x, at.y - 3, escape(op.type), at.x, at.y + 11, escape(shortened(label_of(op))));
}
}  // namespace

int level_of(const audit::Distance& distance) {
  if (distance.snr.undefined > 0 || distance.misshapen > 0) return 5;
  if (distance.snr.decibels.total() == 0) return 0;
  constexpr double kSteps[] = {90, 60, 40, 20};
  int level = 1;
  for (const double step : kSteps) level += distance.snr.worst < step;
  return level;
}

std::string_view word_of(audit::Verdict verdict) {
  switch (verdict) {  // the compiler tells of a new one
    case audit::Verdict::exact:
      return "exact";
    case audit::Verdict::ordinary:
      return "ordinary";
    case audit::Verdict::follows:
      return "follows";
    case audit::Verdict::guilty:
      return "guilty";
    case audit::Verdict::breaks:
      return "breaks";
  }
  return "unknown";
}

std::string name_of(const audit::TraceOp& op) { return op.type + " '" + (op.node.empty() ? op.name : op.node) + "'"; }

std::string graph(const audit::TraceResult& trace) {
  std::vector<GraphBox> boxes;
  std::vector<std::pair<size_t, size_t>> edges;
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    boxes.push_back(box_of(trace.ops[i]));
    for (const size_t from : trace.ops[i].from) edges.emplace_back(from, i);
  }
  const GraphDrawing drawing = draw(boxes, edges);
  if (drawing.empty()) return "";
  std::string out = fmt::format(
      "<div class=\"graph\"><svg data-by=\"introduced\" role=\"group\" aria-label=\"The model's operations, in order "
      "of "
      "execution; arrow keys go from one to the next\" viewBox=\"{0:.0f} {0:.0f} {1:.0f} {2:.0f}\" "
      "style=\"width:{1:.0f}px\"><g class=\"e\">",
      -kEdge, drawing.width + 2 * kEdge, drawing.height + 2 * kEdge);
  for (const GraphDrawing::Edge& edge : drawing.edges) out += path(edge);
  out += "</g>";
  const std::vector<audit::Verdict> verdicts = trace.verdicts();
  for (size_t i = 0; i < boxes.size(); ++i) out += node(trace, i, verdicts[i], drawing.nodes[i], boxes[i]);
  return out + "</svg></div>";
}

}  // namespace assay::report::html

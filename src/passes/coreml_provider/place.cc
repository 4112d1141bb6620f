// Asks the table about each node and makes the partitions.
#include <algorithm>
#include <deque>
#include <set>

#include "ops/def.h"
#include "passes/coreml_provider.h"
#include "passes/coreml_provider/node.h"

namespace assay::passes {
namespace provider {

std::optional<ir::Dims> Node::ints(size_t input) const {
  if (!has(input)) return std::nullopt;
  const auto& constant = c_.graph.at(op_.inputs[input]).constant;
  if (!constant || !ir::is_integer(constant->elem())) return std::nullopt;
  return constant->ints();
}

std::optional<std::vector<double>> Node::floats(size_t input) const {
  if (!has(input)) return std::nullopt;
  const auto& constant = c_.graph.at(op_.inputs[input]).constant;
  if (!constant || !ir::is_float(constant->elem())) return std::nullopt;
  std::vector<double> values;
  for (int64_t i = 0; i < constant->size(); ++i) values.push_back(constant->float_at(i));
  return values;
}

std::vector<size_t> Node::readers() const {
  std::vector<size_t> all;
  for (const ir::ValueId id : op_.outputs)
    if (id != ir::kNoValue) all.insert(all.end(), c_.readers[id].begin(), c_.readers[id].end());
  return all;
}

std::optional<size_t> Node::producer(size_t input) const {
  const ir::ValueId id = op_.inputs[input];
  if (c_.folded[id] || c_.graph.at(id).producer == ir::kNoOp) return std::nullopt;
  return c_.graph.at(id).producer;
}

size_t Node::results() const {
  return op_.outputs.size() - static_cast<size_t>(std::ranges::count(op_.outputs, ir::kNoValue));
}

}  // namespace provider

namespace {
using provider::Context;
using provider::Node;
using provider::Row;

constexpr int64_t kLargestDim = 16384;
constexpr size_t kMostAxes = 5;
constexpr std::string_view kFoldedReason = "reads constants alone, which ONNX Runtime computes beforehand";

std::string only(std::string_view needs) { return "the provider takes it only " + std::string(needs); }

std::string types_text(ir::TypeSet types) {
  std::string text;
  for (int t = 1; t < ir::kElemTypeCount; ++t)
    if (types.has(static_cast<ir::ElemType>(t)))
      text += (text.empty() ? "" : ", ") + std::string(ir::elem_name(static_cast<ir::ElemType>(t)));
  return text;
}

/// What holds for the arrays that any node reads.
std::string check_array(const Node& n, size_t input) {
  const ir::Type& type = n.type(input);
  const std::string which = "input " + std::to_string(input);
  if (!type.ranked()) return which + " has no known number of axes";
  if (n.context().options.static_shapes && !type.is_static())
    return which + " has no fixed sizes, which RequireStaticInputShapes wants";
  for (const ir::Dim& dim : *type.shape) {
    if (dim.value > kLargestDim)
      return which + " has an axis of " + std::to_string(dim.value) + ", over " + std::to_string(kLargestDim);
    if (dim.value == 0 && n.op().type != "Resize") return which + " is empty";
  }
  if (type.shape->size() > kMostAxes) return which + " has more than five axes";
  return {};
}

/// Empty where the provider takes the node.
std::string reason_against(const Node& n) {
  const ir::Op& op = n.op();
  const Row* row = provider::find_row(op);
  if (row == nullptr) return "the provider has no such operator";
  const ir::TypeSet types = n.ml_program() ? row->program : row->network;
  if (types.bits == 0) return only(n.ml_program() ? "in a NeuralNetwork" : "in an ML Program");
  const int opset = n.context().opset;
  if (opset < row->since) return only("from operator set " + std::to_string(row->since) + " on");
  if (row->revised != 0 && opset >= row->revised)
    return only("as it was before operator set " + std::to_string(row->revised));
  if (op.inputs.empty() || !op.has_input(0)) return "it has no first input";
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (!op.has_input(i)) continue;
    if (std::string reason = check_array(n, i); !reason.empty()) return reason;
  }
  if (!types.has(n.elem(0))) return only("for " + types_text(types));
  for (const provider::Condition& condition : row->conditions)
    if (!condition.holds(n)) return only(condition.needs);
  return {};
}

std::vector<ir::ValueId> operands(const ir::Op& op) {
  std::vector<ir::ValueId> all;
  for (const ir::ValueId id : op.inputs)
    if (id != ir::kNoValue) all.push_back(id);
  const std::vector<ir::ValueId> captured = ir::captured_by(op);
  all.insert(all.end(), captured.begin(), captured.end());
  return all;
}

/// The operator set that the model imports; the newest that is known where it does not say.
int opset_of(const ir::Graph& graph) {
  const auto said = graph.metadata.find("onnx.opset");
  constexpr int kBeforeRevisions = 20;
  return said == graph.metadata.end() ? kBeforeRevisions : std::atoi(said->second.c_str());
}

Context context_of(const ir::Graph& graph, const ProviderOptions& options, int opset) {
  Context c{graph,
            options,
            opset,
            std::vector<std::vector<size_t>>(graph.values.size()),
            std::vector<bool>(graph.values.size()),
            std::vector<bool>(graph.ops.size())};
  for (ir::ValueId id = 0; id < graph.values.size(); ++id) c.folded[id] = graph.at(id).constant != nullptr;
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    const ir::Op& op = graph.ops[i];
    const std::vector<ir::ValueId> read = operands(op);
    for (const ir::ValueId id : read) c.readers[id].push_back(i);
    const bool folds =
        !read.empty() && !ir::has_nested(op) && std::ranges::all_of(read, [&](ir::ValueId id) { return c.folded[id]; });
    if (!folds) continue;
    for (const ir::ValueId id : op.outputs)
      if (id != ir::kNoValue) c.folded[id] = true;
  }
  return c;
}

bool is_folded(const Context& c, const ir::Op& op) {
  return std::ranges::any_of(op.outputs, [&](ir::ValueId id) { return id != ir::kNoValue && c.folded[id]; });
}

/// ONNX Runtime's grouping: a variant of Kahn's topological sort. A wave takes, from the nodes whose inputs are all
/// there, those that are supported into the group, passes those that are not and read nothing of the group, and puts
/// the rest off to the next wave.
class Grouping {
 public:
  Grouping(const Context& c, Placement& placement) : c_(c), placement_(placement), waits_(c.graph.ops.size()) {}

  void run() {
    for (size_t i = 0; i < c_.graph.ops.size(); ++i) {
      if (is_folded(c_, c_.graph.ops[i])) continue;
      for (const ir::ValueId id : operands(c_.graph.ops[i])) waits_[i] += has_producer(id) ? 1 : 0;
      if (waits_[i] == 0) ready_.push_back(i);
    }
    while (!ready_.empty() || !later_.empty()) {
      if (ready_.empty()) {
        close();
        ready_.swap(later_);
        continue;
      }
      const size_t node = ready_.front();
      ready_.pop_front();
      visit(node);
    }
    close();
  }

 private:
  bool has_producer(ir::ValueId id) const { return !c_.folded[id] && c_.graph.at(id).producer != ir::kNoOp; }

  void visit(size_t node) {
    const bool taken = c_.taken[node];
    if (!taken && border_.contains(node)) {
      later_.push_back(node);
      return;
    }
    if (taken) {
      group_.push_back(node);
      border_.erase(node);
    }
    std::vector<size_t> readers = Node(c_, node).readers();
    std::ranges::sort(readers);
    for (const size_t reader : readers) {
      if (taken) border_.insert(reader);
      if (--waits_[reader] == 0) ready_.push_back(reader);
    }
  }

  void close() {
    const bool worth =
        std::ranges::any_of(group_, [&](size_t node) { return !provider::find_row(c_.graph.ops[node])->trivial; });
    for (const size_t node : group_) {
      if (worth)
        placement_.partition[node] = placement_.partitions;
      else
        placement_.reasons[node] = "a partition that moves data alone is left to the CPU";
    }
    if (worth) ++placement_.partitions;
    group_.clear();
    border_.clear();
  }

  const Context& c_;
  Placement& placement_;
  std::vector<size_t> waits_;
  std::deque<size_t> ready_, later_;
  std::vector<size_t> group_;
  std::set<size_t> border_;
};

Placement place(const ir::Graph& graph, const ProviderOptions& options, int opset, bool main) {
  Context c = context_of(graph, options, opset);
  Placement placement;
  placement.partition.assign(graph.ops.size(), kOutside);
  placement.reasons.resize(graph.ops.size());
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    const ir::Op& op = graph.ops[i];
    placement.folded.push_back(is_folded(c, op));
    if (placement.folded.back())
      placement.reasons[i] = kFoldedReason;
    else if (main || options.subgraphs)
      placement.reasons[i] = reason_against(Node(c, i));
    else
      placement.reasons[i] = "it stands in a graph inside an operation (EnableOnSubgraphs=0)";
    c.taken[i] = placement.reasons[i].empty();
    ir::for_each_nested(
        op, [&](const ir::Graph& inner) { placement.nested.emplace(&inner, place(inner, options, opset, false)); });
  }
  Grouping(c, placement).run();
  return placement;
}

}  // namespace

Placement place_on_coreml(const ir::Graph& graph, const ProviderOptions& options) {
  return place(graph, options, opset_of(graph), true);
}

std::vector<ProviderRow> coreml_provider_rows() {
  std::vector<ProviderRow> out;
  for (const Row& row : provider::rows()) {
    ProviderRow words{std::string(row.op),     row.since, row.revised, types_text(row.network),
                      types_text(row.program), {}};
    for (const provider::Condition& condition : row.conditions) words.needs.emplace_back(condition.needs);
    if (row.trivial) words.needs.emplace_back("beside nodes that do more than move data");
    out.push_back(std::move(words));
  }
  return out;
}

}  // namespace assay::passes

// Branches and loops. Their networks write blobs of the network around; here what is read later becomes their outputs.
#include "coreml/lift/nn_control.h"

#include <algorithm>
#include <memory>

#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_blobs.h"
#include "coreml/lift/nn_tables.h"
#include "coreml/lift/scope.h"
#include "ops/infer.h"

namespace assay::coreml {
namespace {

using ir::ElemType;
using Layers = std::span<const mil::Layer>;
using Names = std::vector<std::string>;

/// The format's notion of truth for branches and loops.
ValueId holds(NnLift& c, ValueId x) { return c.reshape(with_number(c, "Greater", c.op("Abs", {x}), 1e-6), {}); }

ValueId boolean(NnLift& c, bool value) {
  ir::Tensor t = ir::Tensor::allocate(ElemType::boolean, {});
  t.set_int(0, value);
  return c.parameter(std::move(t), "flag");
}

/// Blobs that somebody reads behind the current layer.
BlobNames read_later(const NnLift& c) {
  BlobNames names = c.needed;
  add_reads(c.rest, names);
  return names;
}

Names in_both(const BlobNames& a, const BlobNames& b) {
  Names out;
  std::ranges::set_intersection(a, b, std::back_inserter(out));
  return out;
}

/// A nested graph being filled.
struct Nested {
  explicit Nested(NnLift& outer, const Names& needed)
      : graph(std::make_shared<ir::Graph>()), scope(*graph, &outer.scope()), lift(*graph, scope, outer.warnings()) {
    lift.needed.insert(needed.begin(), needed.end());
    lift.begin(std::string(outer.layer->kind->name), outer.layer->name);
  }
  std::shared_ptr<ir::Graph> graph;
  NnScope scope;
  NnLift lift;

  /// A graph's output is written by an operation of its own, once.
  void add_output(ValueId id) {
    if (graph->at(id).producer == ir::kNoOp || std::ranges::count(graph->outputs, id) > 0) {
      id = lift.op("Identity", {id});
      graph->at(id).unstated = graph->at(id).type.elem == ElemType::float32;
    }
    graph->outputs.push_back(id);
  }
};

/// A value of that type where none is defined: nobody reads it. Unknown extents are 1.
ValueId placeholder(NnLift& c, const ir::Type& type) {
  ir::Dims dims;
  for (const ir::Dim& d : type.shape.value_or(std::vector<ir::Dim>{})) dims.push_back(d.known() ? d.value : 1);
  ir::Tensor t = ir::Tensor::allocate(type.elem, std::move(dims));
  std::fill_n(t.mutable_bytes(), t.byte_size(), std::byte{0});
  return c.parameter(std::move(t), "undefined");
}

void define_results(NnLift& c, const Names& names, const std::vector<ValueId>& values) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i][0] != '\x01') c.name_value(values[i], names[i]);
    c.graph.at(values[i]).unstated = c.type(values[i]).elem == ElemType::float32;
    c.scope().define(names[i], values[i]);
  }
}

/// What a branch leaves behind: its own blobs, else those from before it. `like`: the other branch, whose types what is
/// undefined here gets; null where both must define everything.
void finish_branch(NnLift& c, Nested& branch, const Names& outputs, const Nested* like) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    ValueId id = branch.scope.find(outputs[i]);
    if (id == ir::kNoValue && like == nullptr) {
      return c.bad("only one of its branches writes '" + outputs[i] + "', which is read later");
    }
    if (id == ir::kNoValue) id = placeholder(branch.lift, like->graph->at(like->graph->outputs[i]).type);
    branch.add_output(id);
  }
  if (const Status status = branch.lift.status(); !status.ok()) c.fail(status.error());
}

void lift_into(NnLift& c, Nested& nested, Layers layers) {
  if (const Status status = lift_layers(layers, nested.lift); !status.ok()) c.fail(status.error());
}

/// Layers that run when the condition holds, and others when it does not. `guard`: the first are none because the
/// iteration has been left, so that nobody reads there what the others would write.
void choose(NnLift& c, ValueId condition, Layers yes, Layers no, bool guard) {
  BlobNames written;
  add_writes(yes, written);
  add_writes(no, written);
  const Names outputs = in_both(written, read_later(c));
  if (outputs.empty() || c.failed()) return;
  Nested first(c, outputs), second(c, outputs);
  lift_into(c, first, yes);
  lift_into(c, second, no);
  if (c.failed()) return;
  finish_branch(c, second, outputs, nullptr);
  if (c.failed()) return;
  finish_branch(c, first, outputs, guard ? &second : nullptr);
  if (c.failed()) return;
  define_results(
      c, outputs,
      c.ops("If", {condition}, outputs.size(), {{"then_branch", first.graph}, {"else_branch", second.graph}}));
}

void lift_branch(NnLift& c) {
  choose(c, holds(c, c.in(0)), nested_layers(*c.layer, "ifBranch"), nested_layers(*c.layer, "elseBranch"), false);
}

void leave(NnLift& c, bool whole_loop) {
  if (c.scope().find(kLeft) == ir::kNoValue) return c.bad("there is no loop around it");
  c.scope().define(kLeft, boolean(c, true));
  if (whole_loop) c.scope().define(kBroken, boolean(c, true));
}
void lift_break(NnLift& c) { leave(c, true); }
void lift_continue(NnLift& c) { leave(c, false); }

/// A loop as the layer states it, and the blobs that go from one iteration to the next and out of it.
struct LoopParts {
  Layers body, condition;
  std::string variable;  ///< empty: nothing but the count ends the loop
  Names carried;
  std::vector<ir::Type> types;
};

/// The condition network at the end of an iteration; not behind a break.
ValueId condition_at_end(NnLift& c, const LoopParts& loop) {
  if (!loop.variable.empty()) {
    if (may_break(loop.body))
      choose(c, c.scope().find(kBroken), {}, loop.condition, true);
    else if (const Status status = lift_layers(loop.condition, c); !status.ok())
      c.fail(status.error());
  }
  if (c.failed()) return ir::kNoValue;
  ValueId go_on = ir::kNoValue;
  if (!loop.variable.empty()) {
    const ValueId value = c.scope().find(loop.variable);
    if (value == ir::kNoValue) c.bad("nobody writes its condition '" + loop.variable + "'");
    if (!c.failed()) go_on = holds(c, value);
  }
  if (!may_break(loop.body) || c.failed()) return go_on;
  const ValueId unbroken = c.op("Not", {c.scope().find(kBroken)});
  return go_on == ir::kNoValue ? unbroken : c.op("And", {go_on, unbroken});
}

/// One iteration as a graph whose inputs have `loop.types`. Blobs without a type are new in it.
std::shared_ptr<ir::Graph> body_graph(NnLift& c, const LoopParts& loop) {
  Names needed = loop.carried;
  needed.insert(needed.end(), {kLeft, kBroken, loop.variable});
  Nested body(c, needed);
  add_reads(loop.condition, body.lift.needed);
  const auto input = [&](std::string_view name, ir::Type type) {
    const ValueId id = body.graph->add_value(body.graph->fresh_name(name), std::move(type));
    body.graph->inputs.push_back(id);
    return id;
  };
  input("iteration", ir::Type::of(ElemType::int64, {}));
  const ValueId condition = input("condition", ir::Type::of(ElemType::boolean, {}));
  for (size_t i = 0; i < loop.carried.size(); ++i) {
    if (loop.types[i].elem == ElemType::undefined) continue;
    const ValueId id = input(loop.carried[i], loop.types[i]);
    body.graph->at(id).unstated = true;
    body.scope.define(loop.carried[i], id);
  }
  body.lift.layer = c.layer;
  body.scope.define(kLeft, boolean(body.lift, false));
  body.scope.define(kBroken, boolean(body.lift, false));
  lift_into(c, body, loop.body);
  body.lift.layer = c.layer;
  body.lift.rest = {};
  const ValueId go_on = c.failed() ? ir::kNoValue : condition_at_end(body.lift, loop);
  if (const Status status = body.lift.status(); !status.ok()) c.fail(status.error());
  if (c.failed()) return nullptr;
  body.add_output(go_on == ir::kNoValue ? condition : go_on);
  for (const std::string& name : loop.carried) {
    const ValueId id = body.scope.find(name);
    if (id == ir::kNoValue) {
      c.bad("its body does not always write '" + name + "', which is read later");
      return nullptr;
    }
    body.add_output(id);
  }
  return body.graph;
}

/// Bodies are lifted until the types of what they carry are those that they make: extents that change are unknown.
std::shared_ptr<ir::Graph> settled_body(NnLift& c, LoopParts& loop) {
  constexpr int kMostRounds = 8;
  for (int round = 0; round < kMostRounds; ++round) {
    const size_t known_warnings = c.warnings().size();
    const auto body = body_graph(c, loop);
    if (body == nullptr) return nullptr;
    bool settled = true;
    for (size_t i = 0; i < loop.carried.size(); ++i) {
      const ir::Type& made = body->at(body->outputs[1 + i]).type;
      const bool fresh = loop.types[i].elem == ElemType::undefined;
      const auto both = fresh ? made : ::assay::ops::join_types(loop.types[i], made).value_or(made);
      settled = settled && !fresh && both == loop.types[i];
      loop.types[i] = both;
    }
    if (settled) return body;
    c.warnings().resize(known_warnings, Warning{});
  }
  c.unsupported("the types of its blobs change with every iteration");
  return nullptr;
}

/// Blobs that the iterations write and that somebody reads: the next iteration, the condition or a layer behind.
Names carried_blobs(NnLift& c, const LoopParts& loop) {
  BlobNames written, read = read_later(c), own;
  add_writes(loop.body, written);
  add_writes(loop.condition, written);
  written.erase(kLeft);
  written.erase(kBroken);
  Names carried = in_both(written, read);
  add_reads(loop.body, own);
  add_reads(loop.condition, own);
  if (!loop.variable.empty()) own.insert(loop.variable);
  for (const std::string& name : in_both(written, own))
    if (c.scope().find(name) != ir::kNoValue && std::ranges::count(carried, name) == 0) carried.push_back(name);
  return carried;
}

/// How many iterations at most; absent: as many as the condition lets.
ValueId most_iterations(NnLift& c, bool has_condition) {
  if (c.input_count() > 0) return c.reshape(c.indices(c.in(0)), {});
  const int64_t most = c.params().integer("maxLoopIterations");
  return most == 0 && has_condition ? ir::kNoValue : c.integer(most);
}

void lift_loop(NnLift& c) {
  LoopParts loop{nested_layers(*c.layer, "bodyNetwork"),
                 nested_layers(*c.layer, "conditionNetwork"),
                 std::string(c.params().text("conditionVar")),
                 {},
                 {}};
  const mil::Layer& layer = *c.layer;
  const NnRow& row = *c.row;
  const Layers rest = c.rest;
  const ValueId most = most_iterations(c, !loop.variable.empty());
  ValueId first = ir::kNoValue;
  if (!loop.variable.empty()) {
    const BlobNames before = c.needed;
    c.needed = read_later(c);
    add_reads(loop.body, c.needed);
    c.needed.insert(loop.variable);
    if (const Status status = lift_layers(loop.condition, c); !status.ok()) return c.fail(status.error());
    c.needed = before;
    c.start(layer, row);
    c.rest = rest;
    const ValueId value = c.scope().find(loop.variable);
    if (value == ir::kNoValue) return c.bad("nobody writes its condition '" + loop.variable + "'");
    first = holds(c, value);
  }
  loop.carried = carried_blobs(c, loop);
  if (loop.carried.empty()) return;
  std::vector<ValueId> operands = {most, first};
  for (const std::string& name : loop.carried) {
    operands.push_back(c.scope().find(name));
    loop.types.push_back(operands.back() == ir::kNoValue ? ir::Type{} : c.type(operands.back()));
  }
  const auto body = settled_body(c, loop);
  if (body == nullptr) return;
  for (size_t i = 0; i < loop.carried.size(); ++i)
    if (operands[2 + i] == ir::kNoValue) operands[2 + i] = placeholder(c, loop.types[i]);
  define_results(c, loop.carried, c.ops("Loop", operands, loop.carried.size(), {{"body", body}}));
}

constexpr NnRow kRows[] = {
    {"branch", lift_branch},
    {"loop", lift_loop},
    {"loopBreak", lift_break},
    {"loopContinue", lift_continue},
};

}  // namespace

void lift_unless_left(Layers layers, NnLift& c) { choose(c, c.scope().find(kLeft), {}, layers, true); }

std::span<const NnRow> nn_control_rows() { return kRows; }

}  // namespace assay::coreml

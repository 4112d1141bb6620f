// Branches and loops. Their networks write blobs of the network around; here what is read later becomes their outputs.
#include "coreml/lift/nn_control.h"

#include <algorithm>

#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_nested.h"
#include "coreml/lift/nn_tables.h"
#include "ops/infer.h"

namespace assay::coreml {
namespace {

using ir::ElemType;

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

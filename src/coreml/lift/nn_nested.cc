#include "coreml/lift/nn_nested.h"

#include <algorithm>

#include "coreml/file/limits.h"
#include "coreml/lift/nn_axes.h"

namespace assay::coreml {
namespace {

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

}  // namespace

Nested::Nested(NnLift& outer, const Names& needed)
    : graph(std::make_shared<ir::Graph>()), scope(*graph, &outer.scope()), lift(*graph, scope, outer.warnings()) {
  lift.needed.insert(needed.begin(), needed.end());
  lift.begin(std::string(outer.layer->kind->name), outer.layer->name);
}

void Nested::add_output(ValueId id) {
  if (graph->at(id).producer == ir::kNoOp || std::ranges::count(graph->outputs, id) > 0) {
    id = lift.op("Identity", {id});
    graph->at(id).unstated = graph->at(id).type.elem == ir::ElemType::float32;
  }
  graph->outputs.push_back(id);
}

ValueId holds(NnLift& c, ValueId x) { return c.reshape(with_number(c, "Greater", c.op("Abs", {x}), 1e-6), {}); }

ValueId boolean(NnLift& c, bool value) {
  ir::Tensor t = ir::Tensor::allocate(ir::ElemType::boolean, {});
  t.set_int(0, value);
  return c.parameter(std::move(t), "flag");
}

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

ValueId placeholder(NnLift& c, const ir::Type& type) {
  ir::Dims dims;
  int64_t count = 1;
  for (const ir::Dim& d : type.shape.value_or(std::vector<ir::Dim>{})) {
    dims.push_back(d.known() ? d.value : 1);
    if (__builtin_mul_overflow(count, dims.back(), &count)) count = INT64_MAX;
  }
  if (count > kMaxImplied) {
    c.fail({Code::limit_exceeded, "a branch lacks a value of type " + to_string(type), "", "check the model's shapes"});
    dims = {0};
  }
  ir::Tensor t = ir::Tensor::allocate(type.elem, std::move(dims));
  std::fill_n(t.mutable_bytes(), t.byte_size(), std::byte{0});
  return c.parameter(std::move(t), "undefined");
}

void define_results(NnLift& c, const Names& names, const std::vector<ValueId>& values) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i][0] != '\x01') c.name_value(values[i], names[i]);
    c.graph.at(values[i]).unstated = c.type(values[i]).elem == ir::ElemType::float32;
    c.scope().define(names[i], values[i]);
  }
}

void lift_into(NnLift& c, Nested& nested, Layers layers) {
  if (const Status status = lift_layers(layers, nested.lift); !status.ok()) c.fail(status.error());
}

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

}  // namespace assay::coreml

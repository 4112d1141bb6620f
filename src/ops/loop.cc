#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "ops/kernel.h"
#include "ops/lower/families.h"
#include "ops/nested.h"

namespace assay::ops {
namespace {

// Inputs of the op: M, cond, then what is carried. Inputs of the body: iteration, condition, carried. Outputs of the
// body: condition, carried, then what is scanned. Outputs of the op: carried, scanned.
constexpr size_t kCarried = 2;
constexpr const char* kBody = "body";

size_t carried_count(size_t inputs) { return inputs > kCarried ? inputs - kCarried : 0; }

Result<const ir::Graph*> body_of(const InferContext& c) {
  const size_t carried = carried_count(c.input_count());
  return nested_graph(c, kBody, kCarried + carried, 1 + std::max(carried, c.output_count()));
}

Error contradiction(const InferContext& c, size_t i, const ir::Type& in, const ir::Type& out) {
  return c.fail("loop_c1", "carried value " + std::to_string(i) + " is " + to_string(in) + ", but the body makes it " +
                               to_string(out));
}

bool is_optional(const ir::Type& type) { return type.kind == ir::Type::Kind::optional; }

/// The type of a carried value that is `a` before an iteration and `b` behind it. An optional may become what it holds:
/// it is an optional as the body reads it, and what it holds when the loop ends.
std::optional<ir::Type> carried_type(const ir::Type& a, const ir::Type& b, bool read) {
  if (!is_optional(a) || is_optional(b)) return join_types(a, b);
  auto held = join_types(*a.element, b);
  return held && read ? ir::Type::optional_of(*std::move(held)) : std::move(held);
}

Status nested_inputs(InferContext& c, const ir::Graph* inferred, std::vector<ir::Type>& types) {
  const size_t carried = carried_count(c.input_count());
  ASSAY_CHECK(body_of(c));
  if (!inferred) {
    types = {ir::Type::of(ir::ElemType::int64, {}), ir::Type::of(ir::ElemType::boolean, {})};
    for (size_t i = 0; i < carried; ++i) types.push_back(c.type(kCarried + i));
    return {};
  }
  for (size_t i = 0; i < carried; ++i) {
    const ir::Type& next = nested_output(*inferred, 1 + i);
    const auto both = carried_type(types[kCarried + i], next, true);
    if (!both) return contradiction(c, i, types[kCarried + i], next);
    types[kCarried + i] = *both;
  }
  return {};
}

// Whether nothing in the body can end the loop: what it returns as the condition is its own input or known to be true.
bool goes_on(const ir::Graph& body) {
  ir::ValueId v = body.outputs[0];
  while (body.at(v).producer != ir::kNoOp) {
    const ir::Op& writer = body.ops[body.at(v).producer];
    if (!writer.domain.empty() || writer.type != "Identity" || !writer.has_input(0)) break;
    v = writer.inputs[0];
  }
  const ir::Value& condition = body.at(v);
  const bool holds = condition.constant && condition.constant->size() == 1 && condition.constant->int_at(0) != 0;
  return v == body.inputs[1] || holds;
}

// The number of iterations when nothing can end the loop earlier.
std::optional<int64_t> known_trips(const InferContext& c, const ir::Graph& body) {
  const ir::Tensor *most = c.constant(0), *first = c.constant(1);
  if (!most || most->size() != 1 || (c.has(1) && !first) || !goes_on(body)) return std::nullopt;
  if (first && (first->size() != 1 || first->int_at(0) == 0)) return std::nullopt;
  return std::max<int64_t>(0, most->int_at(0));
}

Status infer(InferContext& c) {
  const size_t carried = carried_count(c.input_count());
  if (c.has(0)) ASSAY_CHECK(one_element(c, c.type(0), ir::ElemType::int64, "the trip count"));
  if (c.has(1)) ASSAY_CHECK(one_element(c, c.type(1), ir::ElemType::boolean, "the condition"));
  ASSAY_TRY(const ir::Graph* body, body_of(c));
  ASSAY_CHECK(one_element(c, body->at(body->outputs[0]).type, ir::ElemType::boolean, "the body's condition"));
  const auto trips = known_trips(c, *body);
  for (size_t i = 0; i < c.output_count(); ++i) {
    ir::Type made = nested_output(*body, 1 + i);
    if (i < carried) {
      const auto either = carried_type(c.type(kCarried + i), made, false);
      if (!either) return contradiction(c, i, c.type(kCarried + i), made);
      c.set(i, *either);
      continue;
    }
    if (!made.is_tensor())
      return c.fail("loop_c2", "scan output " + std::to_string(i - carried) + " is " + to_string(made) +
                                   ": only tensors can be stacked");
    if (made.shape) made.shape->insert(made.shape->begin(), trips ? ir::Dim(*trips) : ir::Dim{});
    c.set(i, std::move(made));
  }
  return {};
}

Result<int64_t> most_trips(const KernelContext& c) {
  if (!c.has(0)) return std::numeric_limits<int64_t>::max();
  if (c.in(0).size() != 1)
    return c.fail(Code::value_range, "the trip count has " + std::to_string(c.in(0).size()) + " elements, not one");
  return c.in(0).int_at(0);
}

Result<bool> holds(const KernelContext& c, const ir::Tensor& condition) {
  if (condition.size() != 1)
    return c.fail(Code::value_range, "the condition has " + std::to_string(condition.size()) + " elements, not one");
  return condition.int_at(0) != 0;
}

ir::Tensor truth() {
  ir::Tensor t = ir::Tensor::allocate(ir::ElemType::boolean, {});
  t.set_int(0, 1);
  return t;
}

// Whether carried value `i` is an optional as the body reads it, and what that holds as the body gives it.
bool unwraps(const ir::Graph& body, size_t i) {
  return is_optional(body.at(body.inputs[kCarried + i]).type) && !is_optional(nested_output(body, 1 + i));
}

// One iteration: `state` is what the body reads, and afterwards what it reads next; scanned values go to `scans`.
Result<bool> iterate(KernelContext& c, std::vector<ir::Tensor>& state, std::vector<std::vector<ir::Tensor>>& scans) {
  ASSAY_TRY(std::vector<ir::Tensor> results, c.run_nested(kBody, state));
  const size_t carried = state.size() - kCarried;
  const ir::Graph& body = *c.op.attr_graph(kBody);
  for (size_t i = 0; i < carried; ++i) {
    state[kCarried + i] =
        unwraps(body, i) ? ir::Tensor::of_items({std::move(results[1 + i])}) : std::move(results[1 + i]);
  }
  for (size_t k = 0; k < scans.size(); ++k) {
    if (!c.wants(carried + k)) continue;
    ASSAY_CHECK(add_scanned(c, k, std::move(results[1 + carried + k]), scans[k]));
  }
  return holds(c, results[0]);
}

/// What output `i` is: a carried value, or what it holds where the body turns an optional into that.
Result<ir::Tensor> left_behind(const KernelContext& c, size_t i, ir::Tensor value) {
  if (!unwraps(*c.op.attr_graph(kBody), i)) return value;
  if (value.items().empty())
    return c.fail(Code::value_range, "carried value " + std::to_string(i) + " is an optional that holds nothing");
  return ir::Tensor(value.items()[0]);
}

Error too_long(const KernelContext& c, int64_t most) {
  const std::string asked =
      most == std::numeric_limits<int64_t>::max() ? "has no end" : "runs " + std::to_string(most) + " times";
  Error e = c.fail(Code::limit_exceeded,
                   "the loop " + asked + "; " + std::to_string(limits().iterations) + " iterations are allowed");
  e.fix = "check the export, or allow more with --max-iterations";
  return e;
}

Status eval(KernelContext& c) {
  const size_t carried = carried_count(c.input_count());
  ASSAY_TRY(const int64_t most, most_trips(c));
  bool more = true;
  if (c.has(1)) {
    ASSAY_TRY(more, holds(c, c.in(1)));
  }
  const int64_t allowed = limits().iterations;
  if (more && most > allowed && goes_on(*c.op.attr_graph(kBody))) return too_long(c, most);
  std::vector<ir::Tensor> state = {ir::Tensor::scalar(int64_t{0}), truth()};
  // What the graph around holds may be overwritten there later; what iterations give stays.
  for (size_t i = 0; i < carried; ++i) state.push_back(c.in(kCarried + i).copy());
  std::vector<std::vector<ir::Tensor>> scans(c.outputs.size() > carried ? c.outputs.size() - carried : 0);
  for (int64_t trip = 0; trip < most && more; ++trip) {
    if (trip >= allowed) return too_long(c, most);
    state[0] = ir::Tensor::scalar(trip);
    ASSAY_TRY(more, iterate(c, state, scans));
  }
  const ir::Graph& body = *c.op.attr_graph(kBody);
  for (size_t i = 0; i < c.outputs.size(); ++i) {
    if (!c.wants(i)) continue;
    if (i < carried) {
      ASSAY_TRY(c.outputs[i], left_behind(c, i, std::move(state[kCarried + i])));
      continue;
    }
    ASSAY_TRY(c.outputs[i], stack(c, scans[i - carried], {c.storage_out(i), nested_output(body, 1 + i)}));
  }
  return {};
}

constexpr In kIn[] = {{"M", kInt64, kOptional | kExempt},
                      {"cond", kBool, kOptional | kExempt},
                      {"v_initial", kAnything | kSequences | kOptionals, kVariadic | kOptional}};
constexpr Out kOut[] = {{"v_final_and_scan_outputs", kVariadic}};
constexpr AttrDoc kAttrs[] = {{"body", ""}};

}  // namespace

extern const OpDef kLoop = {
    .name = "Loop",
    .since = 25,
    .doc = "Runs a nested graph again and again, carrying values from one run to the next and stacking up others.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .infer = infer,
    .nested_inputs = nested_inputs,
    .eval = eval,
    .to_mil = {loop_to_mil, "while_loop"},
    .to_nn = {loop_to_nn, "loop"},
};

}  // namespace assay::ops

// Scan: a nested graph run over the slices of tensors, carrying state from one to the next.
#include <algorithm>

#include "ops/move.h"
#include "ops/nested.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

using ir::Type;
constexpr const char* kBody = "body";

/// What the attributes say. Inputs of the op and of the body: states, then what is scanned; outputs: states, then
/// scan outputs. Attributes that are lists have an entry a scan input or output; empty lists mean zeros.
struct Form {
  size_t states = 0, scanned = 0, made = 0;
  ir::Dims in_axes, in_backwards, out_axes, out_backwards;
};
int64_t entry(const ir::Dims& list, size_t i) { return i < list.size() ? list[i] : 0; }

Form read_form(const ir::Op& op) {
  Form f;
  f.scanned = static_cast<size_t>(op.attr_int("num_scan_inputs", 0));
  f.states = op.inputs.size() - f.scanned;
  f.made = op.outputs.size() - f.states;
  f.in_axes = op.attr_ints("scan_input_axes");
  f.in_backwards = op.attr_ints("scan_input_directions");
  f.out_axes = op.attr_ints("scan_output_axes");
  f.out_backwards = op.attr_ints("scan_output_directions");
  return f;
}

Result<Form> form_of(const InferContext& c) {
  const int64_t scanned = c.op().attr_int("num_scan_inputs", 0);
  if (scanned < 1 || scanned > static_cast<int64_t>(c.input_count()))
    return c.fail("scan_c1", "num_scan_inputs is " + std::to_string(scanned) + " with " +
                                 std::to_string(c.input_count()) + " inputs");
  if (static_cast<int64_t>(c.output_count()) < static_cast<int64_t>(c.input_count()) - scanned)
    return c.fail("scan_c2", std::to_string(c.output_count()) + " outputs for " +
                                 std::to_string(static_cast<int64_t>(c.input_count()) - scanned) + " states");
  Form f = read_form(c.op());
  struct List {
    const char* name;
    const ir::Dims& given;
    size_t count;
  };
  for (const List& list : {List{"scan_input_axes", f.in_axes, f.scanned},
                           {"scan_input_directions", f.in_backwards, f.scanned},
                           {"scan_output_axes", f.out_axes, f.made},
                           {"scan_output_directions", f.out_backwards, f.made}}) {
    if (!list.given.empty() && list.given.size() != list.count)
      return c.fail("scan_c3", std::string(list.name) + " has " + std::to_string(list.given.size()) + " entries for " +
                                   std::to_string(list.count) + " tensors");
  }
  return f;
}

/// The type of one slice of scan input `i`.
Result<Type> slice_type(const InferContext& c, const Form& f, size_t i) {
  Type type = c.type(f.states + i);
  if (!type.shape) return type;
  ASSAY_TRY(const int64_t axis, c.axis(entry(f.in_axes, i), static_cast<int64_t>(type.shape->size()), "scan_c4"));
  type.shape->erase(type.shape->begin() + axis);
  return type;
}

/// The extent that all scanned axes have, where one is known.
Result<ir::Dim> extent_of(const InferContext& c, const Form& f) {
  ir::Dim known;
  for (size_t i = 0; i < f.scanned; ++i) {
    if (!c.ranked(f.states + i)) continue;
    ASSAY_TRY(const int64_t axis, c.axis(entry(f.in_axes, i), c.rank(f.states + i), "scan_c4"));
    const ir::Dim& extent = c.shape(f.states + i)[static_cast<size_t>(axis)];
    if (!extent.known()) continue;
    if (known.known() && known.value != extent.value)
      return c.fail("scan_c5",
                    "scan inputs have extents " + std::to_string(known.value) + " and " + std::to_string(extent.value));
    known = extent;
  }
  return known;
}

Error contradiction(const InferContext& c, size_t i, const Type& in, const Type& out) {
  return c.fail("scan_c6",
                "state " + std::to_string(i) + " is " + to_string(in) + ", but the body makes it " + to_string(out));
}

Result<const ir::Graph*> body_of(const InferContext& c, const Form& f) {
  return nested_graph(c, kBody, c.input_count(), f.states + f.made);
}

Status nested_inputs(InferContext& c, const ir::Graph* inferred, std::vector<Type>& types) {
  ASSAY_TRY(const Form f, form_of(c));
  ASSAY_CHECK(body_of(c, f));
  if (!inferred) {
    types.clear();
    for (size_t i = 0; i < f.states; ++i) types.push_back(c.type(i));
    for (size_t i = 0; i < f.scanned; ++i) {
      ASSAY_TRY(Type slice, slice_type(c, f, i));
      types.push_back(std::move(slice));
    }
    return {};
  }
  for (size_t i = 0; i < f.states; ++i) {
    const auto both = join_types(types[i], nested_output(*inferred, i));
    if (!both) return contradiction(c, i, types[i], nested_output(*inferred, i));
    types[i] = *both;
  }
  return {};
}

Status infer(InferContext& c) {
  ASSAY_TRY(const Form f, form_of(c));
  ASSAY_TRY(const ir::Graph* body, body_of(c, f));
  ASSAY_TRY(const ir::Dim extent, extent_of(c, f));
  for (size_t i = 0; i < f.states; ++i) {
    const auto either = join_types(c.type(i), nested_output(*body, i));
    if (!either) return contradiction(c, i, c.type(i), nested_output(*body, i));
    c.set(i, *either);
  }
  for (size_t i = 0; i < f.made; ++i) {
    Type made = nested_output(*body, f.states + i);
    if (!made.is_tensor()) return c.fail("scan_c7", "scan output " + std::to_string(i) + " is " + to_string(made));
    if (made.shape) {
      ASSAY_TRY(const int64_t axis,
                c.axis(entry(f.out_axes, i), static_cast<int64_t>(made.shape->size()) + 1, "scan_c8"));
      made.shape->insert(made.shape->begin() + axis, extent);
    }
    c.set(f.states + i, std::move(made));
  }
  return {};
}

/// Slice `k` of `t` along an axis, in memory of its own.
ir::Tensor slice_of(const ir::Tensor& t, size_t axis, int64_t k, const Threads& threads) {
  ir::Dims dims = t.dims();
  dims[axis] = 1;
  ir::Tensor out = ir::Tensor::allocate(t.elem(), dims);
  const ir::Dims strides = strides_of(t.dims());
  copy_strided(t, out, {dims, strides, strides_of(dims), k * strides[axis], 0}, threads);
  dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(axis));
  return out.reshaped(std::move(dims));
}

struct Scanned {
  const ir::Tensor* tensor;
  size_t axis;
  bool backwards;
};

/// Runs the body `trips` times: `states` are what it reads first, and afterwards what it gave last.
Status scan(KernelContext& c, std::span<const Scanned> inputs, int64_t trips, std::vector<ir::Tensor>& states,
            std::vector<std::vector<ir::Tensor>>& made) {
  for (int64_t trip = 0; trip < trips; ++trip) {
    std::vector<ir::Tensor> given = states;
    for (const Scanned& s : inputs)
      given.push_back(slice_of(*s.tensor, s.axis, s.backwards ? trips - 1 - trip : trip, c.threads));
    ASSAY_TRY(std::vector<ir::Tensor> results, c.run_nested(kBody, given));
    for (size_t i = 0; i < states.size(); ++i) states[i] = results[i];
    for (size_t i = 0; i < made.size(); ++i)
      if (c.wants(states.size() + i)) ASSAY_CHECK(add_scanned(c, i, results[states.size() + i], made[i]));
  }
  return {};
}

Status eval(KernelContext& c) {
  const Form f = read_form(c.op);  // checked by infer
  std::vector<Scanned> inputs;
  int64_t trips = -1;
  for (size_t i = 0; i < f.scanned; ++i) {
    const ir::Tensor& t = c.in(f.states + i);
    const int64_t axis = normal_axis(entry(f.in_axes, i), t.rank());
    if (axis < 0) return axis_error(c, entry(f.in_axes, i), t.rank());
    const int64_t extent = t.dims()[static_cast<size_t>(axis)];
    if (trips >= 0 && extent != trips)
      return c.fail(Code::value_range, "scan input " + std::to_string(i) + " has extent " + std::to_string(extent) +
                                           ", the ones before " + std::to_string(trips));
    trips = extent;
    inputs.push_back({&t, static_cast<size_t>(axis), entry(f.in_backwards, i) != 0});
  }
  std::vector<ir::Tensor> states;
  // What the graph around holds may be overwritten there later; what iterations give stays.
  for (size_t i = 0; i < f.states; ++i) states.push_back(c.in(i).copy());
  std::vector<std::vector<ir::Tensor>> made(f.made);
  ASSAY_CHECK(scan(c, inputs, trips, states, made));
  const ir::Graph& body = *c.op.attr_graph(kBody);
  for (size_t i = 0; i < c.outputs.size(); ++i) {
    if (!c.wants(i)) continue;
    if (i < f.states) {
      c.outputs[i] = std::move(states[i]);
      continue;
    }
    const size_t k = i - f.states;
    ASSAY_TRY(c.outputs[i],
              stack(c, made[k],
                    {c.storage_out(i), nested_output(body, i), entry(f.out_axes, k), entry(f.out_backwards, k) != 0}));
  }
  return {};
}

/// Version 8 has a batch axis in front, and lengths of the sequences: another operator, in domain `assay`.
Status upgrade_batches(UpgradeContext& c) {
  c.op.domain = "assay";
  c.op.type = "BatchScan";
  return {};
}

// assay.BatchScan: inputs lengths, states [batch, ...], scanned [batch, time, ...]; outputs states, made [batch, time,
// ...].

Type without_front(Type type, size_t axes) {
  if (type.shape)
    type.shape->erase(type.shape->begin(),
                      type.shape->begin() + static_cast<std::ptrdiff_t>(std::min(axes, type.shape->size())));
  return type;
}

struct BatchForm {
  size_t states, scanned;
};
Result<BatchForm> batch_form(const InferContext& c) {
  const int64_t scanned = c.op().attr_int("num_scan_inputs", 0);
  const auto given = static_cast<int64_t>(c.input_count()) - 1;
  if (scanned < 1 || scanned > given || static_cast<int64_t>(c.output_count()) < given - scanned)
    return c.fail("scan_c1", "num_scan_inputs is " + std::to_string(scanned) + " with " + std::to_string(given) +
                                 " inputs and " + std::to_string(c.output_count()) + " outputs");
  const ir::Dims directions = c.op().attr_ints("directions");
  if (!directions.empty() && static_cast<int64_t>(directions.size()) != scanned)
    return c.fail("scan_c3", "directions has " + std::to_string(directions.size()) + " entries");
  return BatchForm{static_cast<size_t>(given - scanned), static_cast<size_t>(scanned)};
}

Status batch_nested_inputs(InferContext& c, const ir::Graph* inferred, std::vector<Type>& types) {
  ASSAY_TRY(const BatchForm f, batch_form(c));
  ASSAY_CHECK(nested_graph(c, kBody, f.states + f.scanned, c.output_count()));
  if (!inferred) {
    types.clear();
    for (size_t i = 0; i < f.states + f.scanned; ++i)
      types.push_back(without_front(c.type(1 + i), i < f.states ? 1 : 2));
    return {};
  }
  for (size_t i = 0; i < f.states; ++i) {
    const auto both = join_types(types[i], nested_output(*inferred, i));
    if (!both) return contradiction(c, i, types[i], nested_output(*inferred, i));
    types[i] = *both;
  }
  return {};
}

Status batch_infer(InferContext& c) {
  ASSAY_TRY(const BatchForm f, batch_form(c));
  ASSAY_TRY(const ir::Graph* body, nested_graph(c, kBody, f.states + f.scanned, c.output_count()));
  for (size_t i = 0; i < c.output_count(); ++i) c.set(i, Type::tensor(nested_output(*body, i).elem));
  return {};
}

/// The parts behind each other on a new front axis, each with zeros behind it up to `rows`.
ir::Tensor padded(const ir::Tensor& t, int64_t rows) {
  ir::Dims dims = t.dims();
  if (dims[0] == rows) return t;
  const int64_t have = t.size();
  dims[0] = rows;
  ir::Tensor out = ir::Tensor::allocate(t.elem(), std::move(dims));
  std::fill_n(out.mutable_bytes(), out.byte_size(), std::byte{0});
  copy_run(t, 0, out, 0, have);
  return out;
}

Result<std::pair<int64_t, int64_t>> batch_and_time(const KernelContext& c, const BatchForm& f) {
  int64_t batch = -1, time = -1;
  for (size_t i = 0; i < f.states + f.scanned; ++i) {
    const ir::Dims& dims = c.in(1 + i).dims();
    const bool scanned = i >= f.states;
    if (dims.size() < (scanned ? 2U : 1U) || (batch >= 0 && dims[0] != batch) ||
        (scanned && time >= 0 && dims[1] != time))
      return c.fail(Code::value_range, "input " + std::to_string(1 + i) + " has shape " + ir::to_string(dims) +
                                           ", which does not fit those before it");
    batch = dims[0];
    if (scanned) time = dims[1];
  }
  if (c.has(0) && c.in(0).size() != batch)
    return c.fail(Code::value_range,
                  std::to_string(c.in(0).size()) + " sequence lengths for a batch of " + std::to_string(batch));
  return std::pair(batch, time);
}

Status batch_eval(KernelContext& c) {
  const auto scanned = static_cast<size_t>(c.op.attr_int("num_scan_inputs", 0));
  const BatchForm f{c.input_count() - 1 - scanned, scanned};
  const ir::Dims directions = c.op.attr_ints("directions");
  ASSAY_TRY(const auto sizes, batch_and_time(c, f));
  const auto [batch, time] = sizes;
  const ir::Graph& body = *c.op.attr_graph(kBody);
  std::vector<std::vector<ir::Tensor>> results(c.outputs.size());
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t trips = c.has(0) ? c.in(0).int_at(b) : time;
    if (trips < 0 || trips > time)
      return c.fail(Code::value_range,
                    "sequence length " + std::to_string(trips) + " is outside of [0, " + std::to_string(time) + "]");
    std::vector<ir::Tensor> states, slices;
    for (size_t i = 0; i < f.states; ++i) states.push_back(slice_of(c.in(1 + i), 0, b, c.threads));
    for (size_t i = 0; i < f.scanned; ++i) slices.push_back(slice_of(c.in(1 + f.states + i), 0, b, c.threads));
    std::vector<Scanned> inputs;
    for (size_t i = 0; i < f.scanned; ++i) inputs.push_back({&slices[i], 0, entry(directions, i) != 0});
    std::vector<std::vector<ir::Tensor>> made(c.outputs.size() - f.states);
    ASSAY_CHECK(scan(c, inputs, trips, states, made));
    for (size_t i = 0; i < c.outputs.size(); ++i) {
      if (!c.wants(i)) continue;
      if (i < f.states) {
        results[i].push_back(states[i]);
        continue;
      }
      ASSAY_TRY(const ir::Tensor rows, stack(c, made[i - f.states], {c.storage_out(i), nested_output(body, i)}));
      results[i].push_back(padded(rows, time));
    }
  }
  for (size_t i = 0; i < c.outputs.size(); ++i)
    if (c.wants(i)) {
      ASSAY_TRY(c.outputs[i], stack(c, results[i], {c.storage_out(i), nested_output(body, i)}));
    }
  return {};
}

constexpr In kIn[] = {{"initial_state_and_scan_inputs", kAnything, kVariadic}};
constexpr In kBatchIn[] = {{"sequence_lens", kInt64, kOptional | kExempt},
                           {"initial_state_and_scan_inputs", kAnything, kVariadic}};
constexpr Out kOut[] = {{"final_state_and_scan_outputs", kVariadic}};
constexpr AttrDoc kAttrs[] = {{"body", ""},
                              {"num_scan_inputs", ""},
                              {"scan_input_axes", "0"},
                              {"scan_input_directions", "0"},
                              {"scan_output_axes", "0"},
                              {"scan_output_directions", "0"}};
constexpr AttrDoc kBatchAttrs[] = {{"body", ""}, {"num_scan_inputs", ""}, {"directions", "0"}};
constexpr Upgrade kUpgrades[] = {{9, upgrade_batches}};

}  // namespace

extern const OpDef kScan = {
    .name = "Scan",
    .since = 25,
    .doc = "Runs a nested graph over slices of tensors, carrying states from one to the next and stacking up results.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .upgrades = kUpgrades,
    .infer = infer,
    .nested_inputs = nested_inputs,
    .eval = eval,
    .to_mil = {nullptr, "not written; a Loop is"},
    .to_nn = {nullptr, "not written; a Loop is"},
};

extern const OpDef kBatchScan = {
    .domain = "assay",
    .name = "BatchScan",
    .since = 1,
    .doc = "Scan of operator set 8: over the second axis of batches, each sequence as far as it is long.",
    .in = kBatchIn,
    .out = kOut,
    .attrs = kBatchAttrs,
    .mixed = true,
    .infer = batch_infer,
    .nested_inputs = batch_nested_inputs,
    .eval = batch_eval,
    .to_mil = {nullptr, "not written; a Loop is"},
    .to_nn = {nullptr, "not written; a Loop is"},
};

}  // namespace assay::ops

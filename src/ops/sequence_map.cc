#include "ops/nested.h"
#include "ops/sequence.h"

namespace assay::ops {
namespace {

using ir::Type;
constexpr const char* kBody = "body";

Result<const ir::Graph*> body_of(const InferContext& c) {
  if (c.type(0).kind != Type::Kind::sequence)
    return c.fail("sequence_map_c1", "the first input is " + to_string(c.type(0)) + ", not a sequence");
  return nested_graph(c, kBody, c.input_count(), c.output_count());
}

Status nested_inputs(InferContext& c, const ir::Graph* inferred, std::vector<Type>& types) {
  ASSAY_CHECK(body_of(c));
  if (inferred) return {};
  types.clear();
  for (size_t i = 0; i < c.input_count(); ++i)
    types.push_back(c.type(i).kind == Type::Kind::sequence ? *c.type(i).element : c.type(i));
  return {};
}

Status infer(InferContext& c) {
  ASSAY_TRY(const ir::Graph* body, body_of(c));
  for (size_t i = 0; i < c.output_count(); ++i) c.set(i, Type::sequence_of(nested_output(*body, i)));
  return {};
}

Status eval(KernelContext& c) {
  const size_t size = c.in(0).items().size();
  for (size_t i = 1; i < c.input_count(); ++i)
    if (c.in(i).is_list() && c.in(i).items().size() != size)
      return c.fail(Code::value_range, "input " + std::to_string(i) + " has " + std::to_string(c.in(i).items().size()) +
                                           " items, the first input " + std::to_string(size));
  std::vector<std::vector<ir::Tensor>> made(c.outputs.size());
  for (size_t k = 0; k < size; ++k) {
    std::vector<ir::Tensor> given;
    for (size_t i = 0; i < c.input_count(); ++i) given.push_back(c.in(i).is_list() ? c.in(i).items()[k] : c.in(i));
    ASSAY_TRY(std::vector<ir::Tensor> results, c.run_nested(kBody, given));
    // A body may return what it was given, which here is not its own.
    for (size_t i = 0; i < made.size(); ++i) made[i].push_back(results[i].copy());
  }
  for (size_t i = 0; i < made.size(); ++i)
    if (c.wants(i)) c.outputs[i] = ir::Tensor::of_items(std::move(made[i]));
  return {};
}

constexpr In kIn[] = {{"input_sequence", kSequences},
                      {"additional_inputs", kAnything | kSequences, kVariadic | kOptional}};
constexpr Out kOut[] = {{"out_sequence", kVariadic}};
constexpr AttrDoc kAttrs[] = {{"body", ""}};

}  // namespace

extern const OpDef kSequenceMap = {
    .name = "SequenceMap",
    .since = 17,
    .doc = "Runs a nested graph on each item of sequences; what it gives becomes sequences.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .infer = infer,
    .nested_inputs = nested_inputs,
    .eval = eval,
    .to_mil = {nullptr, kNoSequences},
    .to_nn = {nullptr, kNoSequences},
};

}  // namespace assay::ops

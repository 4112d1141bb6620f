#include <numeric>

#include "ops/lower/move_nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  const int64_t batch = c.op().attr_int("batch_axis", 1), time = c.op().attr_int("time_axis", 0);
  if (batch + time != 1 || batch * time != 0)
    return c.fail("reverse_sequence_c1", "time and batch are not axes 0 and 1");
  if (c.ranked(0) && c.rank(0) < 2) return c.fail("reverse_sequence_c2", "the input has no time and batch axes");
  return infer_same(c);
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor& in = c.in(0);
  const auto batch = static_cast<size_t>(c.op.attr_int("batch_axis", 1)), time = 1 - batch;
  const int64_t extent = in.dims()[time];
  const ir::Dims strides = strides_of(in.dims());
  const int64_t inner = volume({in.dims().begin() + 2, in.dims().end()});
  if (c.in(1).size() != in.dims()[batch]) return c.fail(Code::model_invalid, "one length a sequence is needed");
  for (int64_t b = 0; b < in.dims()[batch]; ++b) {
    const int64_t length = c.in(1).int_at(b);
    if (length < 0 || length > extent)
      return c.fail(Code::value_range, "length " + std::to_string(length) + " of " + std::to_string(extent) + " steps");
    for (int64_t t = 0; t < extent; ++t) {
      const int64_t from = t < length ? length - 1 - t : t;
      copy_run(in, b * strides[batch] + from * strides[time], c.out(0), b * strides[batch] + t * strides[time], inner);
    }
  }
  return {};
}

Status to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans | kTakesSmall));
  ASSAY_TRY(const MilValue lengths, operand(c, 1, kTakesNumbers));
  const auto batch = static_cast<int32_t>(c.op.attr_int("batch_axis", 1));
  return emit_carried(
      c, "reverse_sequence",
      {{"x", x}, {"lengths", lengths}, {"seq_axis", mil::of_int(1 - batch)}, {"batch_axis", mil::of_int(batch)}},
      x.data());
}

/// The layer wants the batch axis in front of the sequence's.
Status to_nn(NnContext& c) {
  ASSAY_TRY(std::string x, nn_operand(c, 0));
  const bool swap = c.op.attr_int("batch_axis", 1) == 1;
  ir::Dims perm(static_cast<size_t>(c.rank(0)));
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[0], perm[1]);
  if (swap) x = c.make("transpose", {x}, c.params("transpose").set("axes", perm));
  x = c.make("reverseSeq", {x, c.in(1)},
             c.params("reverseSeq").set("batchAxis", int64_t{0}).set("sequenceAxis", int64_t{1}));
  if (swap) x = c.make("transpose", {x}, c.params("transpose").set("axes", perm));
  return c.result(x);
}

constexpr In kIn[] = {{"input", kAnything}, {"sequence_lens", kInt64}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"batch_axis", "1"}, {"time_axis", "0"}};

}  // namespace

extern const OpDef kReverseSequence = {
    .name = "ReverseSequence",
    .since = 10,
    .doc = "The first sequence_lens[b] steps of sequence b in reverse; the rest as it is.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "reverse_sequence"},
    .to_nn = {to_nn, "reverseSeq, transpose"},
};

}  // namespace assay::ops

// Sequences of tensors: lists that share their items. Nothing is rounded; what leaves a sequence is stored as the graph
// stores it.
#include "ops/sequence.h"

#include <algorithm>

#include "ops/move.h"

namespace assay::ops {
namespace {

using ir::Type;

Error bad_position(const KernelContext& c, int64_t position, int64_t size, int64_t most) {
  return c.fail(Code::value_range, "position " + std::to_string(position) + " is outside of [" + std::to_string(-size) +
                                       ", " + std::to_string(most) + "] in a sequence of " + std::to_string(size));
}

/// Input `i` as a position among `size` items, counted from the end where negative; `most` is the last one allowed.
Result<size_t> position_of(const KernelContext& c, size_t i, int64_t size, int64_t most) {
  if (c.in(i).size() != 1)
    return c.fail(Code::value_range,
                  "the position has " + std::to_string(c.in(i).size()) + " elements, it must be one number");
  const int64_t given = c.in(i).int_at(0);
  if (given < -size || given > most) return bad_position(c, given, size, most);
  return static_cast<size_t>(given < 0 ? given + size : given);
}

Result<Type> element_of(const InferContext& c, size_t i) {
  if (c.type(i).kind == Type::Kind::sequence) return *c.type(i).element;
  return c.fail("sequence_c1", "input " + std::to_string(i) + " is " + to_string(c.type(i)) + ", not a sequence");
}

/// The type of elements of either type.
Result<Type> either(const InferContext& c, const Type& a, const Type& b) {
  if (auto both = join_types(a, b)) return *std::move(both);
  return c.fail("sequence_c2", to_string(a) + " and " + to_string(b) + " in one sequence");
}

void give(KernelContext& c, std::vector<ir::Tensor> items) { c.out(0) = ir::Tensor::of_items(std::move(items)); }

// SequenceConstruct, SequenceEmpty

Status infer_construct(InferContext& c) {
  Type element = c.type(0);
  for (size_t i = 1; i < c.input_count(); ++i) {
    ASSAY_TRY(element, either(c, element, c.type(i)));
  }
  c.set(0, Type::sequence_of(std::move(element)));
  return {};
}

Status eval_construct(KernelContext& c) {
  std::vector<ir::Tensor> items;
  for (size_t i = 0; i < c.input_count(); ++i) items.push_back(as_item(c, c.in(i)));
  give(c, std::move(items));
  return {};
}

Status infer_empty(InferContext& c) {
  const auto elem = ir::elem_from_onnx(c.op().attr_int("dtype", 1));
  if (!elem) return c.fail("sequence_c3", "dtype " + std::to_string(c.op().attr_int("dtype", 1)) + " does not exist");
  c.set(0, Type::sequence_of(Type::tensor(*elem)));
  return {};
}

Status eval_empty(KernelContext& c) {
  give(c, {});
  return {};
}

// SequenceInsert, SequenceErase, SequenceAt, SequenceLength

Status infer_insert(InferContext& c) {
  ASSAY_TRY(Type element, element_of(c, 0));
  ASSAY_TRY(element, either(c, element, c.type(1)));
  c.set(0, Type::sequence_of(std::move(element)));
  return {};
}

Status eval_insert(KernelContext& c) {
  std::vector<ir::Tensor> items = c.in(0).items();
  size_t at = items.size();
  if (c.has(2)) {
    const auto size = static_cast<int64_t>(items.size());
    ASSAY_TRY(at, position_of(c, 2, size, size));
  }
  items.insert(items.begin() + static_cast<std::ptrdiff_t>(at), as_item(c, c.in(1)));
  give(c, std::move(items));
  return {};
}

Status infer_erase(InferContext& c) {
  ASSAY_CHECK(element_of(c, 0));
  return infer_same(c);
}

Status eval_erase(KernelContext& c) {
  std::vector<ir::Tensor> items = c.in(0).items();
  const auto size = static_cast<int64_t>(items.size());
  if (size == 0) return c.fail(Code::value_range, "nothing can be erased from an empty sequence");
  size_t at = items.size() - 1;
  if (c.has(1)) {
    ASSAY_TRY(at, position_of(c, 1, size, size - 1));
  }
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
  give(c, std::move(items));
  return {};
}

Status infer_at(InferContext& c) {
  ASSAY_TRY(Type element, element_of(c, 0));
  c.set(0, std::move(element));
  return {};
}

Status eval_at(KernelContext& c) {
  const auto& items = c.in(0).items();
  const auto size = static_cast<int64_t>(items.size());
  ASSAY_TRY(const size_t at, position_of(c, 1, size, size - 1));
  c.out(0) = as_item(c, items[at]);
  return {};
}

Status infer_length(InferContext& c) {
  ASSAY_CHECK(element_of(c, 0));
  c.set(0, Type::of(ir::ElemType::int64, {}));
  return {};
}

Status eval_length(KernelContext& c) {
  c.out(0) = ir::Tensor::scalar(static_cast<int64_t>(c.in(0).items().size()));
  return {};
}

constexpr In kTensors[] = {{"inputs", kAnything, kVariadic}};
constexpr In kInsertIn[] = {{"input_sequence", kSequences}, {"tensor", kAnything}, {"position", kIndices, kOptional}};
constexpr In kEraseIn[] = {{"input_sequence", kSequences}, {"position", kIndices, kOptional}};
constexpr In kAtIn[] = {{"input_sequence", kSequences}, {"position", kIndices}};
constexpr In kSequence[] = {{"input_sequence", kSequences}};
constexpr Out kSequenceOut[] = {{"output_sequence"}};
constexpr Out kTensorOut[] = {{"tensor"}};
constexpr Out kLengthOut[] = {{"length"}};
constexpr AttrDoc kEmptyAttrs[] = {{"dtype", "1"}};

}  // namespace

ir::Tensor as_item(const KernelContext& c, const ir::Tensor& t) {
  const ir::ElemType storage = c.storage_out(0);
  if (t.is_list() || storage == ir::ElemType::undefined || t.elem() == storage) return t.copy();
  return as_storage(t, storage);
}

extern const OpDef kSequenceConstruct = {
    .name = "SequenceConstruct",
    .since = 11,
    .doc = "A sequence of the inputs.",
    .in = kTensors,
    .out = kSequenceOut,
    .infer = infer_construct,
    .eval = eval_construct,
    .to_mil = {nullptr, kNoSequences},
    .to_nn = {nullptr, kNoSequences},
};

extern const OpDef kSequenceEmpty = {
    .name = "SequenceEmpty",
    .since = 11,
    .doc = "A sequence of no tensors.",
    .out = kSequenceOut,
    .attrs = kEmptyAttrs,
    .infer = infer_empty,
    .eval = eval_empty,
    .to_mil = {nullptr, kNoSequences},
    .to_nn = {nullptr, kNoSequences},
};

extern const OpDef kSequenceInsert = {
    .name = "SequenceInsert",
    .since = 11,
    .doc = "The sequence with a tensor put in at a position; at the end where there is none.",
    .in = kInsertIn,
    .out = kSequenceOut,
    .mixed = true,
    .infer = infer_insert,
    .eval = eval_insert,
    .to_mil = {nullptr, kNoSequences},
    .to_nn = {nullptr, kNoSequences},
};

extern const OpDef kSequenceErase = {
    .name = "SequenceErase",
    .since = 11,
    .doc = "The sequence without the tensor at a position; without the last where there is none.",
    .in = kEraseIn,
    .out = kSequenceOut,
    .mixed = true,
    .infer = infer_erase,
    .eval = eval_erase,
    .to_mil = {nullptr, kNoSequences},
    .to_nn = {nullptr, kNoSequences},
};

extern const OpDef kSequenceAt = {
    .name = "SequenceAt",
    .since = 11,
    .doc = "The tensor at a position of a sequence.",
    .in = kAtIn,
    .out = kTensorOut,
    .mixed = true,
    .infer = infer_at,
    .eval = eval_at,
    .to_mil = {nullptr, kNoSequences},
    .to_nn = {nullptr, kNoSequences},
};

extern const OpDef kSequenceLength = {
    .name = "SequenceLength",
    .since = 11,
    .doc = "The number of tensors in a sequence.",
    .in = kSequence,
    .out = kLengthOut,
    .infer = infer_length,
    .eval = eval_length,
    .to_mil = {nullptr, kNoSequences},
    .to_nn = {nullptr, kNoSequences},
};

}  // namespace assay::ops

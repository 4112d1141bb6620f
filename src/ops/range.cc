// Range: start + i * delta, not accumulated. Its operands are parameters: storage policies do not round them.
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "ops/elementwise.h"
#include "ops/lower/move_nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

/// max(ceil((limit - start) / delta), 0); nullopt when there is no such number or it is absurd.
std::optional<int64_t> count_of(const ir::Tensor& start, const ir::Tensor& limit, const ir::Tensor& delta) {
  if (start.size() != 1 || limit.size() != 1 || delta.size() != 1) return std::nullopt;
  if (ir::is_float(start.elem())) {
    const double n = std::ceil((limit.float_at(0) - start.float_at(0)) / delta.float_at(0));
    if (!(n < 1e12)) return std::nullopt;
    return n > 0 ? static_cast<int64_t>(n) : 0;
  }
  const int64_t first = start.int_at(0), last = limit.int_at(0), step = delta.int_at(0);
  if (step == 0) return std::nullopt;
  if (first == last || (last > first) != (step > 0)) return 0;
  const auto distance = [](int64_t a, int64_t b) { return static_cast<uint64_t>(a) - static_cast<uint64_t>(b); };
  const uint64_t span = step > 0 ? distance(last, first) : distance(first, last);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : distance(0, step);
  const uint64_t n = (span - 1) / stride + 1;
  return n < 1'000'000'000'000U ? std::optional(static_cast<int64_t>(n)) : std::nullopt;
}

Status infer(InferContext& c) {
  std::vector<ir::Dim> shape(1);
  if (c.constant(0) && c.constant(1) && c.constant(2)) {
    const auto n = count_of(*c.constant(0), *c.constant(1), *c.constant(2));
    if (!n) return c.fail("range_c1", "the number of elements is not defined");
    shape[0] = *n;
    ASSAY_CHECK(check_size(c, {*n}));
  }
  c.set(0, c.elem(0), std::move(shape));
  return {};
}

/// Rounds once to the tensor's type.
template <class T>
void put(ir::Tensor& out, int64_t at, const T* values, size_t n) {
  if (out.elem() == ir::ElemType::float32 && std::is_same_v<T, float>)
    return static_cast<void>(std::copy_n(values, n, out.mutable_data<float>() + at));
  for (size_t i = 0; i < n; ++i) out.set_float(at + static_cast<int64_t>(i), static_cast<double>(values[i]));
}

template <class T>
void fill(KernelContext& c) {
  const auto& step = c.policy().step;
  const auto rounded = [&](T v) { return step ? static_cast<T>(num::round(static_cast<double>(v), *step)) : v; };
  const T start = static_cast<T>(c.in(0).float_at(0)), delta = static_cast<T>(c.in(2).float_at(0));
  T values[kChunk];
  for (int64_t at = 0; at < c.out(0).size(); at += static_cast<int64_t>(kChunk)) {
    const auto n = static_cast<size_t>(std::min<int64_t>(static_cast<int64_t>(kChunk), c.out(0).size() - at));
    for (size_t i = 0; i < n; ++i)
      values[i] = rounded(start + rounded(static_cast<T>(at + static_cast<int64_t>(i)) * delta));
    put(c.out(0), at, values, n);
  }
}

void fill_integers(ir::Tensor& out, uint64_t start, uint64_t delta) {
  if (out.elem() == ir::ElemType::int64) {
    auto* to = out.mutable_data<uint64_t>();
    for (int64_t i = 0; i < out.size(); ++i) to[i] = start + static_cast<uint64_t>(i) * delta;
    return;
  }
  for (int64_t i = 0; i < out.size(); ++i)
    out.set_int(i, static_cast<int64_t>(start + static_cast<uint64_t>(i) * delta));
}

Status eval(KernelContext& c) {
  const auto n = count_of(c.in(0), c.in(1), c.in(2));
  if (!n) return c.fail(Code::value_range, "the number of elements is not defined");
  ASSAY_CHECK(check_size(c, {*n}));
  ASSAY_CHECK(allocate_outputs(c));
  if (!ir::is_float(c.in(0).elem())) {
    const auto start = static_cast<uint64_t>(c.in(0).int_at(0)), delta = static_cast<uint64_t>(c.in(2).int_at(0));
    fill_integers(c.out(0), start, delta);
  } else if (computes_float64(c)) {
    fill<double>(c);
  } else {
    fill<float>(c);
  }
  return {};
}

/// What the operands say when they are constants: the operator's own arithmetic in float32.
ir::Tensor evaluated(const ir::Tensor& start, const ir::Tensor& delta, int64_t n) {
  ir::Tensor out = ir::Tensor::allocate(start.elem(), {n});
  const auto first = static_cast<float>(start.float_at(0)), step = static_cast<float>(delta.float_at(0));
  for (int64_t i = 0; i < n; ++i) out.set_float(i, static_cast<double>(first + static_cast<float>(i) * step));
  return out;
}

/// How many numbers a floating-point range has whose operands are constants (ranges of integers are folded before).
template <class Context>
std::optional<int64_t> known_count(const Context& c) {
  if (!ir::is_float(c.elem(0)) || !c.constant(0) || !c.constant(1) || !c.constant(2)) return std::nullopt;
  const auto n = count_of(*c.constant(0), *c.constant(1), *c.constant(2));
  return n ? std::optional(*n) : std::nullopt;
}

/// Whether floating-point numbers are integers, moved about since they were: all that layers hold.
bool holds_integers(const ir::Graph& graph, ir::ValueId id, int depth = 8) {
  const ir::Value& value = graph.at(id);
  if (value.constant) {
    const double number = value.constant->size() == 1 ? value.constant->float_at(0) : 0.5;
    return number == std::floor(number) && std::fabs(number) <= 0x1p24;
  }
  if (value.producer == ir::kNoOp || depth == 0) return false;
  static constexpr std::string_view kMoves[] = {"Gather", "Identity", "Reshape", "Slice", "Squeeze", "Unsqueeze"};
  const ir::Op& op = graph.ops[value.producer];
  if (!op.domain.empty()) return false;
  if (op.type == "Cast" && ir::is_integer(graph.at(op.inputs[0]).type.elem)) return true;
  return std::ranges::find(kMoves, op.type) != std::end(kMoves) && holds_integers(graph, op.inputs[0], depth - 1);
}

/// Counting integers is exact. How Core ML counts and rounds in floating point is not stated.
Status to_mil(MilContext& c) {
  if (const auto n = known_count(c)) {
    ASSAY_CHECK(c.makes(*n));
    ASSAY_TRY(mil::Value held, mil_constant(evaluated(*c.constant(0), *c.constant(2), *n), c.precision()));
    return c.result(c.constant_value(std::move(held)));
  }
  const bool real = ir::is_float(c.elem(0));
  for (size_t i = 0; i < 3 && real; ++i)
    if (c.elem(0) != ir::ElemType::float32 || !holds_integers(c.graph, c.op.inputs[i]))
      return c.refuse("how Core ML counts in floating point is not stated");
  if (real) c.keep_single("float16 counts no further than 2048");
  std::vector<MilValue> ends;
  for (size_t i = 0; i < 3; ++i) {
    ASSAY_TRY(const MilValue before, c.builder.value(c.op.inputs[i]));
    if (real && before.data() == mil::DataType::float16)
      return c.refuse(
          "operands in float16, which counts no further than 2048: ask for float32 where they are computed");
    ASSAY_TRY(MilValue x, operand(c, i, kTakesNumbers));
    if (real) x = c.cast(x, mil::DataType::int32);
    ends.push_back(x.rank() == 0 ? x : c.squeeze(x, {0}));
  }
  if (real) {
    const MilValue all = c.make("range_1d", {{"end", ends[1]}, {"start", ends[0]}, {"step", ends[2]}},
                                mil::Type::tensor(mil::DataType::int32, out_dims(c)));
    return c.emit("cast", {{"x", all}, {"dtype", mil::of_text("fp32")}});
  }
  return emit_carried(c, "range_1d", {{"end", ends[1]}, {"start", ends[0]}, {"step", ends[2]}}, mil::DataType::int32);
}

Status to_nn(NnContext& c) {
  if (const auto n = known_count(c)) {
    ASSAY_CHECK(c.makes(*n));
    return c.result(c.constant_blob(evaluated(*c.constant(0), *c.constant(2), *n)));
  }
  if (ir::is_float(c.elem(0))) return c.refuse("how Core ML counts in floating point is not stated");
  return c.layer("rangeDynamic", {c.in(1), c.in(0), c.in(2)});
}

constexpr In kIn[] = {{"start", kNumbers, kExempt}, {"limit", kNumbers, kExempt}, {"delta", kNumbers, kExempt}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"stash_type", "1"}};

}  // namespace

extern const OpDef kRange = {
    .name = "Range",
    .since = 27,
    .doc = "start, start + delta, ... up to but without limit; 16-bit floats are computed in float32.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "const; range_1d of integers, cast where layers held them"},
    .to_nn = {to_nn, "loadConstantND; rangeDynamic of integers"},
};

}  // namespace assay::ops

#include "ops/lower/move.h"

#include <algorithm>

namespace assay::ops {
namespace {

using mil::DataType;

bool is_small(DataType type) {
  return type == DataType::int8 || type == DataType::uint8 || type == DataType::int16 || type == DataType::uint16;
}

}  // namespace

Result<MilValue> operand(MilContext& c, size_t i, unsigned takes) {
  auto type = mil_type(c.type(i));
  if (!type.ok()) return c.refuse(type.error().message);
  MilValue x = c.in(i);
  x.type.dims = type->dims;
  return carried(c, x, takes);
}

MilValue carried(MilContext& c, const MilValue& x, unsigned takes) {
  const bool boolean = x.data() == DataType::boolean, small = is_small(x.data());
  if ((boolean && (takes & kTakesBooleans) == 0) || (small && (takes & kTakesSmall) == 0))
    return c.cast(x, DataType::int32);
  if (small) c.need(8, "integers of 8 and 16 bits");
  return x;
}

Status result_carried(MilContext& c, const MilValue& value, size_t i) {
  auto wanted = mil_type(c.out_type(i));
  if (!wanted.ok()) return c.refuse(wanted.error().message);
  return c.result(mil::is_float(wanted->data) ? value : c.cast(value, wanted->data), i);
}

Status emit_carried(MilContext& c, std::string_view type, const MilParams& params, DataType as) {
  auto wanted = mil_type(c.out_type());
  if (!wanted.ok()) return c.refuse(wanted.error().message);
  if (mil::is_float(wanted->data) || wanted->data == as) return c.emit(type, params);
  return c.result(c.cast(c.make(type, params, mil::Type::tensor(as, wanted->dims)), wanted->data));
}

MilValue extents_of(MilContext& c, const MilValue& x, int64_t begin, int64_t end) {
  const mil::Dims part(x.dims().begin() + begin, x.dims().begin() + end);
  if (std::ranges::none_of(part, [](int64_t d) { return d < 0; })) return c.constant_value(MilContext::ints(part));
  const MilValue from = carried(c, x, kTakesBooleans);
  const MilValue all = c.make("shape", {{"x", from}}, mil::Type::tensor(DataType::int32, mil::Dims{x.rank()}));
  if (begin == 0 && end == x.rank()) return all;
  return c.make("slice_by_index", {{"x", all}, {"begin", MilContext::ints({begin})}, {"end", MilContext::ints({end})}},
                mil::Type::tensor(DataType::int32, mil::Dims{end - begin}));
}

MilValue extent_of(MilContext& c, const MilValue& x, int64_t axis) {
  const int64_t known = x.dims()[static_cast<size_t>(axis)];
  if (known >= 0) return c.constant_value(mil::of_int(static_cast<int32_t>(known)));
  return c.squeeze(extents_of(c, x, axis, axis + 1), {0});
}

mil::Value repeated(int32_t value, int64_t count) {
  return mil::of_ints(std::vector<int32_t>(static_cast<size_t>(count), value));
}

MilValue joined(MilContext& c, const std::vector<MilArg>& parts, int64_t length) {
  std::vector<MilValue> values;
  for (const MilArg& part : parts) {
    const auto* constant = std::get_if<mil::Value>(&part);
    values.push_back(constant ? c.constant_value(*constant) : std::get<MilValue>(part));
  }
  if (values.size() == 1) return values.front();
  return c.make("concat", {{"values", values}, {"axis", mil::of_int(0)}, {"interleave", mil::of_bool(false)}},
                mil::Type::tensor(DataType::int32, mil::Dims{length}));
}

MilArg shape_value(MilContext& c, const MilValue& x, const std::vector<Extent>& shape) {
  std::vector<MilArg> parts;  // runs of numbers, and extents of x
  ir::Dims run;
  for (const Extent& e : shape) {
    if (e.value >= 0 || e.axis < 0) {
      run.push_back(e.value);
      continue;
    }
    if (!run.empty()) parts.emplace_back(MilContext::ints(run));
    run.clear();
    parts.emplace_back(extents_of(c, x, e.axis, e.axis + 1));
  }
  if (!run.empty()) parts.emplace_back(MilContext::ints(run));
  if (parts.size() == 1) return parts.front();
  return joined(c, parts, static_cast<int64_t>(shape.size()));
}

Status reshape_known(MilContext& c, const MilValue& x, const std::vector<Extent>& shape) {
  const auto rank = static_cast<int64_t>(shape.size());
  if (rank == 0) {
    const MilValue line = x.rank() == 1 ? x : c.reshape(x, {1});
    return result_carried(c, x.rank() == 0 ? x : c.squeeze(line, {0}));
  }
  const auto unknown = std::ranges::count_if(shape, [](const Extent& e) { return e.value < 0; });
  const auto copied = std::ranges::count_if(shape, [](const Extent& e) { return e.value < 0 && e.axis >= 0; });
  if (unknown - copied > 1) return c.refuse("several extents of the result are known only at run time");
  if (unknown > 1) return emit_carried(c, "reshape", {{"x", x}, {"shape", shape_value(c, x, shape)}}, x.data());
  ir::Dims dims;  // the only unknown extent is what remains, whatever it was copied from
  for (const Extent& e : shape) dims.push_back(e.value);
  return emit_carried(c, "reshape", {{"x", x}, {"shape", MilContext::ints(dims)}}, x.data());
}

bool counts_from_zero(const ir::Graph& graph, ir::ValueId value) {
  static constexpr std::string_view kCounting[] = {"ArgMax", "ArgMin", "NonZero", "Shape", "Size"};
  const ir::OpId producer = graph.at(value).producer;
  if (producer == ir::kNoOp) return false;
  const auto& ops = graph.ops;
  const auto at = static_cast<size_t>(producer);
  return at < ops.size() && (std::ranges::find(kCounting, ops[at].type) != std::end(kCounting) ||
                             (ops[at].type == "TopK" && ops[at].outputs.size() > 1 && ops[at].outputs[1] == value));
}

Result<std::optional<ir::Tensor>> constant_indices(const ir::Tensor& indices, const ir::Dims& extents) {
  ir::Tensor out = ir::Tensor::allocate(ir::ElemType::int64, indices.dims());
  for (int64_t n = 0; n < indices.size(); ++n) {
    const int64_t extent = extents[static_cast<size_t>(n) % extents.size()], i = indices.int_at(n);
    if (extent < 0 && i < 0) return std::optional<ir::Tensor>();
    if (extent >= 0 && (i < -extent || i >= extent))
      return Error{Code::not_convertible,
                   "index " + std::to_string(i) + " is outside of an axis with extent " + std::to_string(extent)};
    out.set_int(n, i < 0 ? i + extent : i);
  }
  return std::optional(std::move(out));
}

Result<MilValue> indices_of(MilContext& c, size_t i, const MilValue& x, const ir::Dims& axes, bool tuples,
                            bool as_they_are) {
  if (const ir::Tensor* t = c.constant(i)) {
    ir::Dims extents;
    for (const int64_t axis : axes) extents.push_back(x.dims()[static_cast<size_t>(axis)]);
    auto fixed = constant_indices(*t, extents);
    if (!fixed.ok()) return c.refuse(fixed.error().message);
    if (*fixed) {
      ASSAY_TRY(mil::Value held, mil_constant(**fixed));
      return c.constant_value(std::move(held));
    }
  }
  ASSAY_TRY(const MilValue at, operand(c, i, kTakesNumbers));
  if (as_they_are || counts_from_zero(c.graph, c.op.inputs[i])) return at;
  const MilValue extent = tuples ? extents_of(c, x, axes.front(), axes.back() + 1) : extent_of(c, x, axes.front());
  const MilValue negative =
      c.make("less", {{"x", at}, {"y", mil::of_int(0)}}, mil::Type::tensor(DataType::boolean, at.type.dims));
  const MilValue from_end = c.make("add", {{"x", at}, {"y", extent}}, at.type);
  return c.make("select", {{"cond", negative}, {"a", from_end}, {"b", at}}, at.type);
}

bool same_extent(const ir::Dim& a, const ir::Dim& b) {
  return a.known() ? a.value == b.value : !a.symbol.empty() && a == b;
}

int64_t axis_of(const ir::Op& op, int64_t fallback, int64_t rank) {
  const int64_t axis = op.attr_int("axis", fallback);
  return axis < 0 ? axis + rank : axis;
}

}  // namespace assay::ops

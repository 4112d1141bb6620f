// Compressed weights: written out in full, in the type that the file declares, before anything is computed with them.
#include <bit>
#include <numeric>

#include "coreml/lift/mil_tables.h"
#include "coreml/lift/packed.h"
#include "ops/move.h"

namespace assay::coreml {
namespace {

/// A parameter as numbers; a kept error and nothing in them when it is none.
PackedNumbers numbers(MilLift& c, std::string_view parameter) {
  if (const mil::Value* value = c.other(parameter)) {
    auto packed = PackedNumbers::of(*value);
    if (packed.ok()) return *std::move(packed);
    c.fail(packed.error());
    return {};
  }
  const ir::Tensor* known = c.constant(c.in(parameter));
  if (known != nullptr) return PackedNumbers::of(*known);
  c.bad("parameter '" + std::string(parameter) + "' is no constant");
  return {};
}

/// Result `i` is this constant.
void constant_result(MilLift& c, ir::Tensor tensor, size_t i = 0) {
  if (c.failed() || i >= c.result_count()) return;
  const std::string& name = c.operation->outputs[i].name;
  const ValueId id = c.weight(std::move(tensor), name);
  c.name_value(id, name);
  c.result(id, i);
}

/// An empty tensor to be filled; a kept error when the type is none or the size is out of bounds.
ir::Tensor result_tensor(MilLift& c, const ir::Dims& dims, size_t i = 0) {
  if (!c.failed() && (c.result_elem(i) == ir::ElemType::undefined || !ops::size_allowed(dims)))
    c.bad("its result cannot be held");
  return c.failed() ? ir::Tensor::allocate(ir::ElemType::uint8, {0}) : ir::Tensor::allocate(c.result_elem(i), dims);
}

/// A mask of one bit an element, for the operations that take one.
void mask_result(MilLift& c, const std::vector<bool>& mask, const ir::Dims& dims) {
  std::vector<std::byte> bytes((mask.size() + 7) / 8);
  for (size_t i = 0; i < mask.size(); ++i)
    if (mask[i]) bytes[i / 8] |= std::byte{1} << (i % 8);
  mil::Value value{.type = mil::Type::tensor(mil::DataType::uint1, dims)};
  value.content = mil::Payload::copy(bytes);
  c.define_owned(std::move(value), 0);
}

/// Which number of a smaller tensor belongs to an element of a larger one of the same rank: that of its block.
class Blocks {
 public:
  /// `small` may have more axes at the end, `inner` elements in all.
  static std::optional<Blocks> of(const ir::Dims& large, const ir::Dims& small, int64_t inner = 1) {
    Blocks b;
    b.strides_ = ir::Dims(large.size(), 0);
    b.extents_ = ir::Dims(large.size(), 1);
    if (small.size() < large.size()) return std::nullopt;
    int64_t stride = inner;
    for (size_t k = large.size(); k-- > 0;) {
      if (small[k] < 1 || large[k] % small[k] != 0) return std::nullopt;
      b.strides_[k] = stride;
      b.extents_[k] = std::max<int64_t>(large[k] / small[k], 1);
      stride *= small[k];
    }
    return b;
  }
  int64_t at(const ir::Dims& index) const {
    int64_t sum = 0;
    for (size_t k = 0; k < index.size(); ++k) sum += index[k] / extents_[k] * strides_[k];
    return sum;
  }

 private:
  ir::Dims strides_, extents_;
};

/// visit(i, index) for each element of a box in row-major order.
template <class Visit>
void for_each_element(const ir::Dims& dims, Visit visit) {
  const int64_t n = ops::volume(dims);
  ir::Dims index(dims.size(), 0);
  for (int64_t i = 0; i < n; ++i, ops::next_index(index, dims)) visit(i, index);
}

/// scale * (data - offset) of one element, each step in the result's type.
class ShiftScale {
 public:
  ShiftScale(MilLift& c, const ir::Dims& data, PackedNumbers scale, ir::Dims scale_dims,
             std::optional<PackedNumbers> offset, ir::Dims offset_dims)
      : scale_(std::move(scale)), offset_(std::move(offset)), step_(ir::Tensor::allocate(c.result_elem(last(c)), {})) {
    const auto scales = Blocks::of(data, scale_dims), offsets = Blocks::of(data, offset_dims);
    if (!c.failed() && (!ir::is_float(step_.elem()) || scale_dims.size() != data.size() || !scales ||
                        (offset_ && (!offsets || offset_dims.size() != data.size()))))
      c.bad("data, scale and offset do not fit together");
    scales_ = scales.value_or(Blocks{});
    offsets_ = offsets.value_or(Blocks{});
  }
  void apply(const PackedNumbers& data, int64_t i, const ir::Dims& index, ir::Tensor& to, int64_t at) {
    double x = data.number(i);
    if (offset_) {
      x -= offset_->number(offsets_.at(index));
      if (data.is_float() || offset_->is_float()) x = rounded(x);
    }
    to.set_float(at, scale_.number(scales_.at(index)) * x);
  }

 private:
  static size_t last(const MilLift& c) { return c.result_count() == 0 ? 0 : c.result_count() - 1; }
  double rounded(double x) {
    step_.set_float(0, x);
    return step_.float_at(0);
  }

  PackedNumbers scale_;
  std::optional<PackedNumbers> offset_;
  ir::Tensor step_;
  Blocks scales_, offsets_;
};

std::optional<PackedNumbers> optional_numbers(MilLift& c, std::string_view parameter) {
  if (!c.has(parameter)) return std::nullopt;
  return numbers(c, parameter);
}

/// A scalar, or one number for each index of an axis, with the rank of what it is applied to.
ir::Dims along_axis(const PackedNumbers& n, int64_t axis, size_t rank) {
  ir::Dims dims(rank, 1);
  if (n.dims().size() == 1 && axis >= 0) dims[static_cast<size_t>(axis)] = n.size();
  return dims;
}

void shift_scale(MilLift& c, const PackedNumbers& data, ShiftScale rule) {
  ir::Tensor out = result_tensor(c, data.dims());
  if (c.failed()) return;
  for_each_element(data.dims(), [&](int64_t i, const ir::Dims& index) { rule.apply(data, i, index, out, i); });
  constant_result(c, std::move(out));
}

void lift_affine(MilLift& c) {
  const PackedNumbers data = numbers(c, "quantized_data"), scale = numbers(c, "scale");
  const auto zero = optional_numbers(c, "zero_point");
  const size_t rank = data.dims().size();
  const int64_t axis = ops::normal_axis(c.integer("axis", 0), static_cast<int64_t>(rank));
  ShiftScale rule(c, data.dims(), scale, along_axis(scale, axis, rank), zero,
                  zero ? along_axis(*zero, axis, rank) : ir::Dims{});
  shift_scale(c, data, std::move(rule));
}

void lift_blockwise(MilLift& c) {
  const PackedNumbers data = numbers(c, "data"), scale = numbers(c, "scale");
  const auto offset = optional_numbers(c, "offset");
  ShiftScale rule(c, data.dims(), scale, scale.dims(), offset, offset ? offset->dims() : ir::Dims{});
  shift_scale(c, data, std::move(rule));
}

/// One bit an element: uint1 with the result's shape, or before iOS18 bytes beside a shape.
PackedNumbers mask_of(MilLift& c, std::string_view parameter) {
  PackedNumbers mask = numbers(c, parameter);
  if (c.failed() || !c.has("shape")) return mask;
  auto bits = mask.as_codes(1, c.integers("shape"));
  if (bits.ok()) return *std::move(bits);
  c.fail(bits.error());
  return mask;
}

std::vector<bool> bits_of(MilLift& c, const PackedNumbers& mask, int64_t nonzero) {
  std::vector<bool> bits(static_cast<size_t>(mask.size()));
  int64_t set = 0;
  for (int64_t i = 0; i < mask.size(); ++i) {
    bits[static_cast<size_t>(i)] = mask.code(i) != 0;
    set += bits[static_cast<size_t>(i)];
  }
  if (set != nonzero && !c.failed()) c.bad("the mask does not name as many elements as there are");
  return bits;
}

void lift_sparse(MilLift& c) {
  const PackedNumbers data = numbers(c, "nonzero_data"), mask = mask_of(c, "mask");
  const std::vector<bool> bits = bits_of(c, mask, data.size());
  ir::Tensor out = result_tensor(c, mask.dims());
  if (!c.failed() && ir::elem_bits(out.elem()) != data.bits()) c.bad("its result is of another type than its data");
  if (c.failed()) return;
  std::fill_n(out.mutable_bytes(), out.byte_size(), std::byte{0});
  int64_t next = 0;
  for (int64_t i = 0; i < out.size(); ++i)
    if (bits[static_cast<size_t>(i)]) data.copy(next++, out, i);
  constant_result(c, std::move(out));
}

/// Tables [groups..., entries, vector] for indices of some shape.
struct Tables {
  PackedNumbers values;
  Blocks groups{};
  int64_t entries = 0, vector = 1;
  size_t axis = 0;  ///< along which a vector lies
  ir::Dims out{};   ///< extents of the result

  int64_t at(const ir::Dims& index, int64_t code, int64_t lane) const {
    return groups.at(index) + code * vector + lane;
  }
};

Tables tables_of(MilLift& c, const ir::Dims& indices, int bits) {
  Tables t{.values = numbers(c, "lut")};
  const ir::Dims& dims = t.values.dims();
  t.out = indices;
  const auto fail = [&] {
    if (!c.failed()) c.bad("indices and lut do not fit together");
    return t;
  };
  if (c.failed() || dims.size() != indices.size() + 2) return fail();
  t.entries = dims[dims.size() - 2];
  t.vector = dims.back();
  const auto groups = Blocks::of(indices, dims, t.entries * t.vector);
  const int64_t axis = t.vector == 1 ? 0
                                     : ops::normal_axis(c.integer("vector_axis", static_cast<int64_t>(indices.size())),
                                                        static_cast<int64_t>(indices.size()));
  if (!groups || axis < 0 || t.vector < 1 || bits > 8 || t.entries != int64_t{1} << bits) return fail();
  t.groups = *groups;
  t.axis = static_cast<size_t>(axis);
  if (t.vector > 1) t.out[t.axis] *= t.vector;
  return t;
}

/// visit(element of the result, index among the indices, lane of the vector) in the result's order.
template <class Visit>
void for_each_entry(const Tables& t, const ir::Dims& indices, Visit visit) {
  const ir::Dims strides = ops::strides_of(indices);
  for_each_element(t.out, [&](int64_t i, const ir::Dims& at) {
    ir::Dims index = at;
    int64_t lane = 0;
    if (t.vector > 1) {
      lane = index[t.axis] % t.vector;
      index[t.axis] /= t.vector;
    }
    visit(i, index, std::inner_product(index.begin(), index.end(), strides.begin(), int64_t{0}), lane);
  });
}

/// Before iOS18: one table, and indices packed beside a shape.
void lift_flat_lut(MilLift& c) {
  const PackedNumbers packed = numbers(c, "indices"), lut = numbers(c, "lut");
  const ir::Dims shape = c.integers("shape");
  if (c.failed()) return;
  const auto entries = static_cast<uint64_t>(lut.size());
  if (!std::has_single_bit(entries) || entries < 2 || entries > 256) return c.bad("a table of that size");
  const auto codes = packed.as_codes(std::countr_zero(entries), shape);
  if (!codes.ok()) return c.fail(codes.error());
  ir::Tensor out = result_tensor(c, shape);
  if (!c.failed() && ir::elem_bits(out.elem()) != lut.bits()) c.bad("its result is of another type than its table");
  if (c.failed()) return;
  for (int64_t i = 0; i < out.size(); ++i) lut.copy(codes->code(i), out, i);
  constant_result(c, std::move(out));
}

void lift_lut(MilLift& c) {
  if (c.has("shape")) return lift_flat_lut(c);
  const PackedNumbers indices = numbers(c, "indices");
  const Tables t = tables_of(c, indices.dims(), indices.bits());
  ir::Tensor out = result_tensor(c, t.out);
  if (!c.failed() && ir::elem_bits(out.elem()) != t.values.bits())
    c.bad("its result is of another type than its table");
  if (c.failed()) return;
  for_each_entry(t, indices.dims(), [&](int64_t i, const ir::Dims& index, int64_t from, int64_t lane) {
    t.values.copy(t.at(index, indices.code(from), lane), out, i);
  });
  constant_result(c, std::move(out));
}

/// Sparse indices to sparse values: each index becomes a vector, and so does its bit of the mask.
void lift_lut_to_sparse(MilLift& c) {
  const PackedNumbers mask = numbers(c, "indices_mask"), codes = numbers(c, "indices_nonzero_data");
  const std::vector<bool> bits = bits_of(c, mask, codes.size());
  const Tables t = tables_of(c, mask.dims(), codes.bits());
  ir::Tensor out = result_tensor(c, {codes.size() * t.vector}, 1);
  if (!c.failed() && ir::elem_bits(out.elem()) != t.values.bits())
    c.bad("its result is of another type than its table");
  if (c.failed()) return;
  std::vector<int64_t> place(bits.size());  // among the indices that are there
  for (size_t i = 0, n = 0; i < bits.size(); ++i) place[i] = static_cast<int64_t>(bits[i] ? n++ : 0);
  std::vector<bool> spread(static_cast<size_t>(ops::volume(t.out)));
  int64_t next = 0;
  for_each_entry(t, mask.dims(), [&](int64_t i, const ir::Dims& index, int64_t from, int64_t lane) {
    const auto at = static_cast<size_t>(from);
    spread[static_cast<size_t>(i)] = bits[at];
    if (bits[at]) t.values.copy(t.at(index, codes.code(place[at]), lane), out, next++);
  });
  mask_result(c, spread, t.out);
  constant_result(c, std::move(out), 1);
}

void lift_sparse_blockwise(MilLift& c) {
  const PackedNumbers mask = numbers(c, "data_mask"), data = numbers(c, "nonzero_data"), scale = numbers(c, "scale");
  const auto offset = optional_numbers(c, "offset");
  const std::vector<bool> bits = bits_of(c, mask, data.size());
  ShiftScale rule(c, mask.dims(), scale, scale.dims(), offset, offset ? offset->dims() : ir::Dims{});
  ir::Tensor out = result_tensor(c, {data.size()}, 1);
  if (c.failed()) return;
  int64_t next = 0;
  for_each_element(mask.dims(), [&](int64_t i, const ir::Dims& index) {
    if (!bits[static_cast<size_t>(i)]) return;
    rule.apply(data, next, index, out, next);
    ++next;
  });
  mask_result(c, bits, mask.dims());
  constant_result(c, std::move(out), 1);
}

void lift_cast(MilLift& c) {
  const PackedNumbers source = numbers(c, "source_val");
  ir::Tensor out = result_tensor(c, source.dims());
  if (!c.failed() && !ir::is_float(out.elem())) c.bad("its result is no floating-point number");
  if (c.failed()) return;
  for (int64_t i = 0; i < out.size(); ++i) out.set_float(i, source.number(i));
  constant_result(c, std::move(out));
}

constexpr MilRow kRows[] = {
    {"constexpr_affine_dequantize", lift_affine, 7},
    {"constexpr_blockwise_shift_scale", lift_blockwise, 9},
    {"constexpr_cast", lift_cast, 7},
    {"constexpr_lut_to_dense", lift_lut, 7},
    {"constexpr_lut_to_sparse", lift_lut_to_sparse, 9},
    {"constexpr_sparse_blockwise_shift_scale", lift_sparse_blockwise, 9},
    {"constexpr_sparse_to_dense", lift_sparse, 7},
};

}  // namespace

std::span<const MilRow> mil_constexpr_rows() { return kRows; }

}  // namespace assay::coreml

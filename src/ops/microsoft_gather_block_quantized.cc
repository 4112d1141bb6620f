// GatherBlockQuantized: Gather from codes with one scale a block along an axis, as floats.
#include <algorithm>

#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/quantised.h"

namespace assay::ops {
namespace {

enum GatherInput : size_t { kData, kPicks, kScales, kZeros };

struct Form {
  int64_t gather_axis = 0, quantize_axis = 0, block = 0, bits = 8;
  int64_t in_byte = 1;  ///< codes in each element of the data (uint8 packs several along the last axis)
  ir::Dims dims{};      ///< of the data, counted in codes
};

bool packs(ir::ElemType data) { return data == ir::ElemType::uint8; }
bool is_small_float(ir::ElemType data) { return ir::is_float(data); }

/// What is wrong with the attributes, or "".
std::string wrong_attributes(const ir::Op& op, ir::ElemType data) {
  const int64_t block = op.attr_int("block_size", 128), bits = op.attr_int("bits", 4);
  const bool whole = is_small_float(data) && block == 0;
  if (!whole && (block < 16 || block > (int64_t{1} << 30) || (block & (block - 1)) != 0))
    return "block_size " + std::to_string(block) + ", not a power of 2 from 16 on";
  if (packs(data) && bits != 2 && bits != 4 && bits != 8) return std::to_string(bits) + " bits, not 2, 4 or 8";
  return {};
}

Status infer(InferContext& c) {
  if (const std::string wrong = wrong_attributes(c.op(), c.elem(kData)); !wrong.empty())
    return c.fail("gather_block_quantized_c1", wrong);
  if (!c.ranked(kData) || !c.ranked(kPicks)) {
    c.set(0, c.elem(kScales), std::nullopt);
    return {};
  }
  const int64_t rank = c.rank(kData);
  ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("gather_axis", 0), rank, "gather_block_quantized_c2"));
  ASSAY_TRY(const int64_t blocks, c.axis(c.op().attr_int("quantize_axis", 1), rank, "gather_block_quantized_c3"));
  const bool packed = packs(c.elem(kData));
  if (packed && (axis != 0 || blocks != rank - 1 || rank < 2))
    return c.fail("gather_block_quantized_c4",
                  "uint8 data is gathered along the first axis, its blocks lie along the last");
  std::vector<ir::Dim> out(c.shape(kData).begin(), c.shape(kData).begin() + axis);
  out.insert(out.end(), c.shape(kPicks).begin(), c.shape(kPicks).end());
  out.insert(out.end(), c.shape(kData).begin() + axis + 1, c.shape(kData).end());
  if (packed && out.back().known()) {
    const int64_t in_byte = 8 / c.op().attr_int("bits", 4);
    if (out.back().value > INT64_MAX / in_byte) return c.fail("gather_block_quantized_c5", "the last axis is too long");
    out.back() = out.back().value * in_byte;
  }
  c.set(0, c.elem(kScales), std::move(out));
  return {};
}

/// For each code of the data: where its scale stands.
struct ScaleIndex {
  ir::Dims strides;  ///< of the scales; 0 where one serves all
  const Form& form;

  int64_t at(const ir::Dims& index) const {
    int64_t offset = 0;
    for (size_t k = 0; k < index.size(); ++k) {
      const bool blocked = static_cast<int64_t>(k) == form.quantize_axis;
      offset += (blocked ? index[k] / form.block : index[k]) * strides[k];
    }
    return offset;
  }
};

Result<Form> form_of(const KernelContext& c) {
  const ir::Tensor& data = c.in(kData);
  Form f;
  f.gather_axis = normal_axis(c.op.attr_int("gather_axis", 0), data.rank());
  f.quantize_axis = normal_axis(c.op.attr_int("quantize_axis", 1), data.rank());
  f.bits = packs(data.elem()) ? c.op.attr_int("bits", 4) : ir::elem_bits(data.elem());
  f.in_byte = packs(data.elem()) ? 8 / f.bits : 1;
  f.dims = data.dims();
  f.dims.back() *= f.in_byte;
  f.block = c.op.attr_int("block_size", 128);
  const int64_t extent = f.dims[static_cast<size_t>(f.quantize_axis)];
  if (f.block == 0) f.block = std::max<int64_t>(extent, 1);
  const ir::Dims& scales = c.in(kScales).dims();
  if (scales.size() != f.dims.size()) return c.fail(Code::model_invalid, "the scales have another rank than the data");
  for (size_t k = 0; k < scales.size(); ++k) {
    const bool blocked = static_cast<int64_t>(k) == f.quantize_axis;
    const int64_t want = blocked ? (extent + f.block - 1) / f.block : f.dims[k];
    if (scales[k] != want && (blocked || scales[k] != 1 || !is_small_float(data.elem())))
      return c.fail(Code::model_invalid,
                    "scales of shape " + ir::to_string(scales) + " for data of " + ir::to_string(f.dims));
  }
  if (!c.has(kZeros)) return f;
  ir::Dims want = scales;
  want.back() = (want.back() + f.in_byte - 1) / f.in_byte;
  if (is_small_float(data.elem()) || c.in(kZeros).elem() != data.elem() || c.in(kZeros).dims() != want)
    return c.fail(Code::model_invalid, "zero points of shape " + ir::to_string(c.in(kZeros).dims()) +
                                           " for scales of " + ir::to_string(scales));
  return f;
}

/// Code `i` of a tensor that may hold several in an element.
double code_at(const ir::Tensor& t, const Form& f, int64_t i) {
  if (f.in_byte == 1) return t.float_at(i);
  return static_cast<double>(t.data<uint8_t>()[i / f.in_byte] >> (i % f.in_byte * f.bits) & ((1 << f.bits) - 1));
}

double zero_at(const KernelContext& c, const Form& f, int64_t scale) {
  if (!c.has(kZeros)) return packs(c.in(kData).elem()) ? static_cast<double>(1 << (f.bits - 1)) : 0;
  if (f.in_byte == 1) return c.in(kZeros).float_at(scale);
  const int64_t row = c.in(kScales).dims().back(), packed = c.in(kZeros).dims().back();
  return code_at(c.in(kZeros), f, scale / row * packed * f.in_byte + scale % row);
}

template <class T>
Status gather(KernelContext& c, const Form& f) {
  const num::Arith<T> arith(c.policy());
  const auto axis = static_cast<size_t>(f.gather_axis);
  const int64_t extent = f.dims[axis];
  ir::Dims indices = c.in(kPicks).ints();
  for (int64_t& i : indices) {
    const int64_t given = i;
    if ((i = normal_axis(given, extent)) < 0)
      return c.fail(Code::value_range,
                    "index " + std::to_string(given) + " is outside of an axis with extent " + std::to_string(extent));
  }
  const int64_t inner = volume({f.dims.begin() + f.gather_axis + 1, f.dims.end()});
  const int64_t outer = volume({f.dims.begin(), f.dims.begin() + f.gather_axis});
  const auto count = static_cast<int64_t>(indices.size());
  if (outer * count * inner == 0) return {};
  ScaleIndex scales{strides_of(c.in(kScales).dims()), f};
  for (size_t k = 0; k < scales.strides.size(); ++k)
    if (c.in(kScales).dims()[k] == 1) scales.strides[k] = 0;
  const ir::Dims strides = strides_of(f.dims);
  const bool along_last = f.quantize_axis + 1 == static_cast<int64_t>(f.dims.size());
  const auto run = [&](size_t first, size_t last) {
    std::vector<T> values(static_cast<size_t>(inner)), by(static_cast<size_t>(inner));
    ir::Dims index(f.dims.size());
    for (auto n = static_cast<int64_t>(first); n < static_cast<int64_t>(last); ++n) {
      const int64_t from = (n / count * extent + indices[static_cast<size_t>(n % count)]) * inner;
      for (size_t k = 0, rest = static_cast<size_t>(from); k < index.size(); ++k) {
        index[k] = static_cast<int64_t>(rest) / strides[k];
        rest %= static_cast<size_t>(strides[k]);
      }
      for (int64_t i = 0, several = 0; i < inner; i += several) {  // codes of one scale
        const int64_t scale = scales.at(index), column = index.back();
        several = along_last ? std::min({f.block - column % f.block, f.dims.back() - column, inner - i}) : 1;
        const double zero = zero_at(c, f, scale);
        for (int64_t k = i; k < i + several; ++k)
          values[static_cast<size_t>(k)] = static_cast<T>(code_at(c.in(kData), f, from + k) - zero);
        std::fill_n(by.begin() + i, several, static_cast<T>(c.in(kScales).float_at(scale)));
        index.back() += several - 1;
        next_index(index, f.dims);
      }
      arith.mul(values.data(), by.data(), values.data(), values.size());
      store(c.out(0), n * inner, values.size(), values.data(), c.policy());
    }
  };
  c.threads.for_each(static_cast<size_t>(outer * count), static_cast<size_t>(std::max<int64_t>(1, 16384 / inner)), run);
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const Form f, form_of(c));
  return computes_float64(c) ? gather<double>(c, f) : gather<float>(c, f);
}

constexpr ir::TypeSet kCodes = type_set(ir::ElemType::uint8) | type_set(ir::ElemType::uint4) |
                               type_set(ir::ElemType::int4) | kCodesFloat8 | type_set(ir::ElemType::float4e2m1);
constexpr ir::TypeSet kTypes =
    type_set(ir::ElemType::float32) | type_set(ir::ElemType::float16) | type_set(ir::ElemType::bfloat16);
constexpr In kIn[] = {
    {"data", kCodes}, {"indices", kIndices}, {"scales", kTypes, kExempt}, {"zero_points", kCodes, kOptional}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"bits", "4"}, {"block_size", "128"}, {"gather_axis", "0"}, {"quantize_axis", "1"}};

}  // namespace

extern const OpDef kMicrosoftGatherBlockQuantized = {
    .domain = "com.microsoft",
    .name = "GatherBlockQuantized",
    .since = 1,
    .doc = "Gather from codes with a scale a block: (code - zero point) * scale of those chosen.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::convert,
    .infer = infer,
    .eval = eval,
    .to_mil = {nullptr, "codes with a scale a block are not written"},
    .to_nn = {nullptr, "codes with a scale a block are not written"},
};

}  // namespace assay::ops

// Cast and CastLike. Floats are rounded once, to nearest even; integers wrap modulo 2^n. Where ONNX leaves a result
// open: floats out of an integer's range saturate and NaN gives 0 (narrower than 8 bits: toward zero, then modulo 2^n).
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/text.h"
#include "ops/arithmetic_types.h"
#include "ops/code_spans.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/rules.h"
#include "ops/move.h"
#include "ops/saturate.h"
#include "ops/text/parse_number.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

using ir::ElemType;

struct Rule {
  ElemType to;
  bool saturate;
  std::string round_mode;
};

// ---- Integers to floats: to float64 by rounding to odd, so that a second rounding to a narrower type is the only one.

double widen_to_odd(uint64_t magnitude) {
  int shift = 0;
  uint64_t kept = magnitude;
  while (kept >= uint64_t{1} << 53) kept >>= 1, ++shift;
  if (kept << shift != magnitude) kept |= 1;
  return std::ldexp(static_cast<double>(kept), shift);
}
double to_double(int64_t x, bool is_unsigned, bool exact_enough) {
  if (exact_enough) return is_unsigned ? static_cast<double>(static_cast<uint64_t>(x)) : static_cast<double>(x);
  if (is_unsigned || x >= 0) return widen_to_odd(static_cast<uint64_t>(x));
  return -widen_to_odd(-static_cast<uint64_t>(x));
}

// ---- 8- and 4-bit floats.

/// The code of 2^e nearest to x in the direction that `mode` says.
uint64_t to_e8m0(double x, const Rule& rule) {
  constexpr uint64_t kNan = 0xff;
  if (std::isnan(x) || x < 0) return kNan;
  if (std::isinf(x)) return rule.saturate ? 0xfe : kNan;
  if (x == 0) return rule.saturate ? 0 : kNan;
  int exponent = 0;
  const double fraction = 2 * std::frexp(x, &exponent);  // in [1, 2)
  --exponent;
  if (rule.round_mode == "up" ? fraction > 1 : rule.round_mode == "nearest" && fraction >= 1.5) ++exponent;
  if (exponent < -127) return rule.saturate ? 0 : kNan;
  if (exponent > 127) return rule.saturate ? 0xfe : kNan;
  const int code = exponent + 127;
  return static_cast<uint64_t>(code);
}

void store_small(ir::Tensor& t, int64_t i, double x, const Rule& rule) {
  if (rule.to == ElemType::float8e8m0) return t.set_int(i, static_cast<int64_t>(to_e8m0(x, rule)));
  const num::Format& format = num::format(*ir::elem_format(rule.to));
  num::Rounding rounding{.format = format};
  if (rule.saturate || rule.to == ElemType::float4e2m1) rounding.overflow = num::Overflow::clamp;
  t.set_int(i, static_cast<int64_t>(num::encode(num::round(x, rounding), format)));
}

// ---- Text.

Status from_strings(KernelContext& c, const Rule& rule) {
  ir::Tensor& out = c.out(0);
  for (int64_t i = 0; i < out.size(); ++i) {
    const std::string& text = c.in(0).strings()[static_cast<size_t>(i)];
    int64_t whole = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    const bool is_whole = error == std::errc{} && end == text.data() + text.size();
    double x = 0;
    if (!parse_number(text, x)) return c.fail(Code::value_range, "'" + text.substr(0, 80) + "' is not a number");
    if (rule.to == ElemType::boolean) {
      out.set_int(i, x != 0);
    } else if (!ir::is_float(rule.to)) {
      out.set_int(i, is_whole ? whole : saturated(x, rule.to));
    } else if (ir::elem_bits(rule.to) <= 8) {
      store_small(out, i, x, rule);
    } else {
      store(out, i, 1, &x, c.policy());
    }
  }
  return {};
}

void to_strings(KernelContext& c) {
  const ir::Tensor& in = c.in(0);
  const ElemType type = in.elem();
  for (int64_t i = 0; i < in.size(); ++i) {
    std::string& text = c.out(0).mutable_strings()[static_cast<size_t>(i)];
    if (type == ElemType::string) {
      text = in.strings()[static_cast<size_t>(i)];
    } else if (type == ElemType::float64) {
      text = shortest(in.float_at(i));
    } else if (ir::is_float(type)) {
      text = shortest(static_cast<float>(in.float_at(i)));
    } else if (type == ElemType::boolean) {
      text = in.int_at(i) != 0 ? "True" : "False";
    } else {
      text =
          type == ElemType::uint64 ? std::to_string(static_cast<uint64_t>(in.int_at(i))) : std::to_string(in.int_at(i));
    }
  }
}

// ---- Chunks.

template <class T>
void floats_to_floats(KernelContext& c, int64_t at, size_t n) {
  std::array<T, kChunk> buffer;
  T* values = destination(c.out(0), at, buffer.data());
  if (const T* x = load(c.in(0), at, n, values); x != values) std::copy_n(x, n, values);
  store(c.out(0), at, n, values, c.policy());
}

/// Integers whose conversion to float32 rounds once as it is.
template <class S>
void to_singles(const S* x, float* to, size_t n) {
  for (size_t i = 0; i < n; ++i) to[i] = static_cast<float>(x[i]);
}

/// The common integers as float32; false where the type has another way.
bool integers_to_singles(const ir::Tensor& in, int64_t at, float* to, size_t n) {
  switch (in.elem()) {
    case ElemType::boolean: {
      std::array<uint64_t, kChunk / sizeof(uint64_t)> words{};
      std::memcpy(words.data(), in.data<uint8_t>() + at, n);
      for (uint64_t& word : words) word = booleans(word);
      const auto* ones = reinterpret_cast<const uint8_t*>(words.data());
      differences_of(ones, 0, to, n);
      return true;
    }
    case ElemType::uint8:
      return differences_of(in.data<uint8_t>() + at, 0, to, n), true;
    case ElemType::int8:
      return differences_of(in.data<int8_t>() + at, 0, to, n), true;
    case ElemType::int32:
      return singles_of(in.data<int32_t>() + at, to, n), true;
    case ElemType::int64:
      return to_singles(in.data<int64_t>() + at, to, n), true;
    default:
      return false;
  }
}

void integers_to_floats(KernelContext& c, const Rule& rule, int64_t at, size_t n) {
  if (c.out(0).elem() == ElemType::float32 && !c.policy().result &&
      integers_to_singles(c.in(0), at, c.out(0).mutable_data<float>() + at, n))
    return;
  std::array<int64_t, kChunk> integers;
  std::array<double, kChunk> values;
  const int64_t* x = load(c.in(0), at, n, integers.data());
  const bool is_unsigned = c.in(0).elem() == ElemType::uint64;
  const bool exact = rule.to == ElemType::float64 || ir::elem_bits(c.in(0).elem()) < 64;
  if (exact && !is_unsigned) {
    std::copy_n(x, n, values.data());
  } else {
    for (size_t i = 0; i < n; ++i) values[i] = to_double(x[i], is_unsigned, exact);
  }
  if (ir::elem_bits(rule.to) > 8) return store(c.out(0), at, n, values.data(), c.policy());
  for (size_t i = 0; i < n; ++i) store_small(c.out(0), at + static_cast<int64_t>(i), values[i], rule);
}

/// Floats cut to integers of 32 or 64 bits; saturated, NaN gives 0.
template <class I>
void cut(const float* x, I* to, size_t n) {
  constexpr auto kLow = static_cast<float>(std::numeric_limits<I>::min());  // powers of two
  for (size_t i = 0; i < n; ++i) {
    if (x[i] >= kLow && x[i] < -kLow)
      to[i] = static_cast<I>(x[i]);
    else
      to[i] = x[i] != x[i] ? I{0} : x[i] < 0 ? std::numeric_limits<I>::min() : std::numeric_limits<I>::max();
  }
}

void floats_to_rest(KernelContext& c, const Rule& rule, int64_t at, size_t n) {
  if (c.in(0).elem() == ElemType::float32) {
    const float* x = c.in(0).data<float>() + at;
    if (rule.to == ElemType::int32) return cut(x, c.out(0).mutable_data<int32_t>() + at, n);
    if (rule.to == ElemType::int64) return cut(x, c.out(0).mutable_data<int64_t>() + at, n);
  }
  std::array<double, kChunk> buffer;
  std::array<int64_t, kChunk> integers;
  const double* x = load(c.in(0), at, n, buffer.data());
  if (ir::is_float(rule.to)) {
    for (size_t i = 0; i < n; ++i) store_small(c.out(0), at + static_cast<int64_t>(i), x[i], rule);
    return;
  }
  for (size_t i = 0; i < n; ++i) integers[i] = rule.to == ElemType::boolean ? x[i] != 0 : saturated(x[i], rule.to);
  store_integers(c.out(0), at, n, integers.data());
}

void integers_to_integers(KernelContext& c, const Rule& rule, int64_t at, size_t n) {
  std::array<int64_t, kChunk> buffer, booleans;
  const int64_t* x = load(c.in(0), at, n, buffer.data());
  if (rule.to == ElemType::boolean) {
    for (size_t i = 0; i < n; ++i) booleans[i] = x[i] != 0;
    x = booleans.data();
  }
  store_integers(c.out(0), at, n, x);
}

void convert_chunk(KernelContext& c, const Rule& rule, int64_t at, size_t n) {
  const ElemType from = c.in(0).elem();
  if (!ir::is_float(from)) {
    ir::is_float(rule.to) ? integers_to_floats(c, rule, at, n) : integers_to_integers(c, rule, at, n);
  } else if (!ir::is_float(rule.to) || ir::elem_bits(rule.to) <= 8) {
    floats_to_rest(c, rule, at, n);
  } else if (from == ElemType::float64 || c.out(0).elem() == ElemType::float64) {
    floats_to_floats<double>(c, at, n);
  } else {
    floats_to_floats<float>(c, at, n);
  }
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const Rule rule{c.declared_out(0), c.op.attr_int("saturate", 1) != 0, c.op.attr_string("round_mode", "up")};
  if (rule.to == ElemType::string) return to_strings(c), Status{};
  if (c.in(0).elem() == ElemType::string) return from_strings(c, rule);
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    for (size_t at = from; at < to; at += kChunk)
      convert_chunk(c, rule, static_cast<int64_t>(at), std::min(kChunk, to - at));
  });
  return {};
}

Status infer(InferContext& c) {
  const auto to = ir::elem_from_onnx(c.op().attr_int("to", 0));
  if (!to) return c.fail("cast_c1", "attribute `to` is not an element type");
  if (kComplex.has(*to)) return c.fail("cast_c2", "attribute `to` is a complex type");
  c.set(0, *to, c.type(0).shape);
  return {};
}
Status infer_like(InferContext& c) {
  c.set(0, c.elem(1), c.type(0).shape);
  return {};
}

// Before 6 `to` was the type's name.
Status type_by_name(UpgradeContext& c) {
  const auto type = ir::elem_named(c.op.attr_string("to", ""));
  if (type) c.op.set_attr("to", static_cast<int64_t>(*type));
  return {};
}

constexpr ir::TypeSet kCastable{kAnything.bits & ~kComplex.bits};
constexpr In kIn[] = {{"input", kCastable}};
constexpr In kLikeIn[] = {{"input", kCastable}, {"target_type", kCastable}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"round_mode", "up"}, {"saturate", "1"}, {"to", ""}};
constexpr AttrDoc kLikeAttrs[] = {{"round_mode", "up"}, {"saturate", "1"}};
constexpr Upgrade kUpgrades[] = {{6, type_by_name}};

}  // namespace

extern const OpDef kCast = {
    .name = "Cast",
    .since = 25,
    .doc = "The elements as another type.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::convert,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {cast_to_mil, "cast"},
    .to_nn = {cast_to_nn, "notEqual, ceil, floor, whereBroadcastable, addBroadcastable"},
};

extern const OpDef kCastLike = {
    .name = "CastLike",
    .since = 25,
    .doc = "The elements as the second operand's type.",
    .in = kLikeIn,
    .out = kOut,
    .attrs = kLikeAttrs,
    .mixed = true,
    .numeric = Numeric::convert,
    .infer = infer_like,
    .eval = eval,
    .to_mil = {cast_to_mil, "cast"},
    .to_nn = {cast_to_nn, "notEqual, ceil, floor, whereBroadcastable, addBroadcastable"},
};

}  // namespace assay::ops

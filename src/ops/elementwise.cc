#include "ops/elementwise.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "num/format.h"
#include "ops/broadcast.h"
#include "ops/infer.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

using ir::ElemType;

template <class T>
constexpr ElemType kElemOf = std::is_same_v<T, float> ? ElemType::float32 : ElemType::float64;

/// Element by element through memcpy: constants lie in mapped files at any address.
template <class S, class T>
void widen_floats(const ir::Tensor& t, int64_t begin, size_t n, T* buffer) {
  const std::byte* from = t.bytes() + static_cast<size_t>(begin) * sizeof(S);
  for (size_t i = 0; i < n; ++i) {
    S x;
    std::memcpy(&x, from + i * sizeof(S), sizeof(S));
    buffer[i] = static_cast<T>(x);
  }
}

template <class T>
const T* load_float(const ir::Tensor& t, int64_t begin, size_t n, T* buffer) {
  if (t.elem() == kElemOf<T>) return t.data<T>() + begin;
  if (t.elem() == ElemType::float32) {
    widen_floats<float>(t, begin, n, buffer);
  } else if (t.elem() == ElemType::float64) {
    widen_floats<double>(t, begin, n, buffer);
  } else if (t.elem() == ElemType::float16 || t.elem() == ElemType::bfloat16) {
    const auto widen = t.elem() == ElemType::float16 ? num::from_float16 : num::from_bfloat16;
    if constexpr (std::is_same_v<T, float>) {
      widen(t.data<uint16_t>() + begin, buffer, n);
    } else {
      float wide[kChunk];
      for (size_t i = 0; i < n; i += kChunk) {
        const size_t m = std::min(kChunk, n - i);
        widen(t.data<uint16_t>() + begin + i, wide, m);
        std::copy_n(wide, m, buffer + i);
      }
    }
  } else {
    for (size_t i = 0; i < n; ++i) buffer[i] = static_cast<T>(t.float_at(begin + static_cast<int64_t>(i)));
  }
  return buffer;
}

bool nearest(const std::optional<num::Rounding>& r, num::FormatId id) {
  return !r || *r == num::Rounding{.format = num::format(id)};
}

// From float: 16-bit storage in one vectorised pass where the policy's rounding is the storage's own.
bool store_16(ir::Tensor& t, int64_t begin, size_t n, const float* values, const num::Policy& policy) {
  uint16_t* to = t.mutable_data<uint16_t>() + begin;
  if (t.elem() == ElemType::float16 && nearest(policy.result, num::FormatId::float16)) {
    num::to_float16(values, to, n);
    return true;
  }
  if (t.elem() == ElemType::bfloat16 && nearest(policy.result, num::FormatId::bfloat16)) {
    num::to_bfloat16(values, to, n);
    return true;
  }
  return false;
}

template <class T>
void store_float(ir::Tensor& t, int64_t begin, size_t n, T* values, const num::Policy& policy) {
  if constexpr (std::is_same_v<T, float>) {
    if (store_16(t, begin, n, values, policy)) return;
  }
  if (policy.result) num::round_in_place(values, n, *policy.result);
  if (t.elem() == kElemOf<T>) {
    T* to = t.mutable_data<T>() + begin;
    if (to != values) std::copy_n(values, n, to);
  } else if (t.elem() == ElemType::float32) {
    float* to = t.mutable_data<float>() + begin;
    for (size_t i = 0; i < n; ++i) to[i] = static_cast<float>(values[i]);
  } else if (t.elem() == ElemType::float64) {
    std::copy_n(values, n, t.mutable_data<double>() + begin);
  } else if (t.elem() == ElemType::float16) {
    uint16_t* to = t.mutable_data<uint16_t>() + begin;
    if constexpr (std::is_same_v<T, float>)
      num::to_float16(values, to, n);
    else
      for (size_t i = 0; i < n; ++i) to[i] = num::float16_bits(values[i]);
  } else {
    for (size_t i = 0; i < n; ++i) t.set_float(begin + static_cast<int64_t>(i), values[i]);
  }
}

template <class T>
void round_float_as_stored(T* values, size_t n, ElemType storage, const num::Policy& policy) {
  if (policy.result) num::round_in_place(values, n, *policy.result);
  const auto format = ir::elem_format(storage);
  if (!format || *format == num::FormatId::float64 || storage == kElemOf<T>) return;
  const num::Rounding rounding{.format = num::format(*format)};
  if (!policy.result || !(*policy.result == rounding)) num::round_in_place(values, n, rounding);
}

template <class T, class S>
const T* widen(const ir::Tensor& t, int64_t begin, size_t n, T* buffer) {
  std::transform(t.data<S>() + begin, t.data<S>() + begin + n, buffer, [](S x) { return static_cast<T>(x); });
  return buffer;
}

template <class T>
const T* load_integers(const ir::Tensor& t, int64_t begin, size_t n, T* buffer) {
  switch (t.elem()) {
    case ElemType::int64:
    case ElemType::uint64:
      return t.data<T>() + begin;
    case ElemType::int32:
      return widen<T, int32_t>(t, begin, n, buffer);
    case ElemType::uint32:
      return widen<T, uint32_t>(t, begin, n, buffer);
    case ElemType::int16:
      return widen<T, int16_t>(t, begin, n, buffer);
    case ElemType::uint16:
      return widen<T, uint16_t>(t, begin, n, buffer);
    case ElemType::int8:
      return widen<T, int8_t>(t, begin, n, buffer);
    case ElemType::uint8:
      return widen<T, uint8_t>(t, begin, n, buffer);
    case ElemType::boolean:  // any byte but 0 is true
      std::transform(t.data<uint8_t>() + begin, t.data<uint8_t>() + begin + n, buffer,
                     [](uint8_t x) { return x != 0; });
      return buffer;
    default:
      for (size_t i = 0; i < n; ++i) buffer[i] = static_cast<T>(t.int_at(begin + static_cast<int64_t>(i)));
      return buffer;
  }
}

// ---- The driver.

template <class T, class Body>
void for_chunks(KernelContext& c, Body body) {
  const size_t arity = c.input_count();
  std::vector<Broadcast> where;
  for (size_t k = 0; k < arity; ++k) where.emplace_back(c.has(k) ? c.in(k).dims() : ir::Dims{}, c.out(0).dims());
  const auto size = static_cast<size_t>(c.out(0).size());
  for_each_chunk(c.threads, size, [&](size_t from, size_t to) {
    std::vector<T> buffers((arity + 1) * kChunk);
    std::vector<const T*> in(arity);
    for (size_t k = 0; k < arity; ++k) {  // scalars are read once
      if (c.has(k) && where[k].is_scalar())
        in[k] = take(where[k], c.in(k), 0, std::min(kChunk, to), &buffers[k * kChunk]);
    }
    for (size_t begin = from; begin < to; begin += kChunk) {
      const size_t n = std::min(kChunk, to - begin);
      const auto at = static_cast<int64_t>(begin);
      for (size_t k = 0; k < arity; ++k) {
        if (c.has(k) && !where[k].is_scalar()) in[k] = take(where[k], c.in(k), at, n, &buffers[k * kChunk]);
      }
      body(in.data(), at, n, &buffers[arity * kChunk]);
    }
  });
}

template <class T>
void run_floats(KernelContext& c, SpanFn<T> fn) {
  const num::Arith<T> arith(c.policy());
  const ElementwiseParams params = elementwise_params(c.op);
  for_chunks<T>(c, [&](const T* const* in, int64_t begin, size_t n, T* buffer) {
    T* out = destination(c.out(0), begin, buffer);
    fn(arith, params.values, in, out, n);
    store(c.out(0), begin, n, out, c.policy());
  });
}

template <class T>
void run_integers(KernelContext& c, IntegerFn<T> fn) {
  const ElementwiseParams params = elementwise_params(c.op);
  for_chunks<T>(c, [&](const T* const* in, int64_t begin, size_t n, T* buffer) {
    fn(params.values, in, buffer, n);
    store_integers(c.out(0), begin, n, reinterpret_cast<const int64_t*>(buffer));
  });
}

bool is_unsigned(ElemType t) { return ir::is_integer(t) && !ir::is_signed_integer(t); }

}  // namespace

const float* load(const ir::Tensor& t, int64_t begin, size_t n, float* buffer) {
  return load_float(t, begin, n, buffer);
}
const double* load(const ir::Tensor& t, int64_t begin, size_t n, double* buffer) {
  return load_float(t, begin, n, buffer);
}
const int64_t* load(const ir::Tensor& t, int64_t begin, size_t n, int64_t* buffer) {
  return load_integers(t, begin, n, buffer);
}
const uint64_t* load(const ir::Tensor& t, int64_t begin, size_t n, uint64_t* buffer) {
  return load_integers(t, begin, n, buffer);
}

float* destination(ir::Tensor& t, int64_t begin, float* buffer) {
  return t.elem() == ElemType::float32 ? t.mutable_data<float>() + begin : buffer;
}
double* destination(ir::Tensor& t, int64_t begin, double* buffer) {
  return t.elem() == ElemType::float64 ? t.mutable_data<double>() + begin : buffer;
}

void store(ir::Tensor& t, int64_t begin, size_t n, float* values, const num::Policy& policy) {
  store_float(t, begin, n, values, policy);
}
void store(ir::Tensor& t, int64_t begin, size_t n, double* values, const num::Policy& policy) {
  store_float(t, begin, n, values, policy);
}

namespace {

template <class To>
void narrow(const int64_t* values, size_t n, ir::Tensor& t, int64_t begin) {
  std::transform(values, values + n, t.mutable_data<To>() + begin, [](int64_t x) { return static_cast<To>(x); });
}

}  // namespace

void store_integers(ir::Tensor& t, int64_t begin, size_t n, const int64_t* values) {
  switch (t.elem()) {
    case ElemType::int64:
    case ElemType::uint64:
      std::copy_n(values, n, t.mutable_data<int64_t>() + begin);
      return;
    case ElemType::int32:
    case ElemType::uint32:
      return narrow<uint32_t>(values, n, t, begin);
    case ElemType::int16:
    case ElemType::uint16:
      return narrow<uint16_t>(values, n, t, begin);
    case ElemType::int8:
    case ElemType::uint8:
      return narrow<uint8_t>(values, n, t, begin);
    case ElemType::boolean:
      std::transform(values, values + n, t.mutable_data<uint8_t>() + begin, [](int64_t x) { return x != 0; });
      return;
    default:
      for (size_t i = 0; i < n; ++i) t.set_int(begin + static_cast<int64_t>(i), values[i]);
  }
}

template <class T>
void convert(const ir::Tensor& from, ir::Tensor& to, size_t begin, size_t end, const num::Policy& policy) {
  T buffer[kChunk];
  for (size_t at = begin; at < end; at += kChunk) {
    const size_t n = std::min(kChunk, end - at);
    const T* values = load(from, static_cast<int64_t>(at), n, buffer);
    if (values != buffer) std::copy_n(values, n, buffer);
    store(to, static_cast<int64_t>(at), n, buffer, policy);
  }
}
template void convert<float>(const ir::Tensor&, ir::Tensor&, size_t, size_t, const num::Policy&);
template void convert<double>(const ir::Tensor&, ir::Tensor&, size_t, size_t, const num::Policy&);

void round_as_stored(float* values, size_t n, ElemType storage, const num::Policy& policy) {
  round_float_as_stored(values, n, storage, policy);
}
void round_as_stored(double* values, size_t n, ElemType storage, const num::Policy& policy) {
  round_float_as_stored(values, n, storage, policy);
}

void for_each_chunk(const Threads& threads, size_t n, const std::function<void(size_t, size_t)>& body) {
  threads.for_each((n + kChunk - 1) / kChunk, kGrain / kChunk,
                   [&](size_t first, size_t last) { body(first * kChunk, std::min(last * kChunk, n)); });
}

ElementwiseParams elementwise_params(const ir::Op& op) {
  ElementwiseParams params;
  if (!op.def->elementwise.params) return params;
  op.def->elementwise.params(op, params.values);
  if (op.policy.attribute) num::round_in_place(params.values, std::size(params.values), *op.policy.attribute);
  return params;
}

Status eval_elementwise(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const Elementwise& rows = c.op.def->elementwise;
  if (ir::is_float(c.out(0).elem())) {
    if (computes_float64(c)) {
      run_floats<double>(c, rows.f64);
    } else {
      run_floats<float>(c, rows.f32);
    }
    return {};
  }
  if (!rows.i64) return c.fail(Code::type_unsupported, "this element type is not supported here");
  bool all_unsigned = rows.u64 != nullptr;
  for (size_t k = 0; k < c.input_count(); ++k)
    all_unsigned = all_unsigned && (!c.has(k) || is_unsigned(c.in(k).elem()));
  if (all_unsigned) {
    run_integers<uint64_t>(c, rows.u64);
  } else {
    run_integers<int64_t>(c, rows.i64);
  }
  return {};
}

}  // namespace assay::ops

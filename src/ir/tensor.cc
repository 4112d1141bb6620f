#include "ir/tensor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/block.h"
#include "base/checked.h"
#include "base/limits.h"

namespace assay::ir {
namespace {
constexpr size_t kSlack = 64;

int64_t product(const Dims& dims) { return checked_product(dims).value_or(0); }

// Value of a sub-byte element as an unsigned number.
unsigned packed_at(const std::byte* data, int64_t i, int bits) {
  const int64_t bit = i * bits;
  return (std::to_integer<unsigned>(data[bit / 8]) >> (bit % 8)) & ((1U << bits) - 1);
}

template <class T>
T load(const std::byte* data, int64_t i) {
  T value;
  std::memcpy(&value, data + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <class T>
void store(std::byte* data, int64_t i, T value) {
  std::memcpy(data + i * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

void set_bits(std::byte* data, int64_t i, int bits, uint64_t value) {
  switch (bits) {
    case 8:
      return store(data, i, static_cast<uint8_t>(value));
    case 16:
      return store(data, i, static_cast<uint16_t>(value));
    case 32:
      return store(data, i, static_cast<uint32_t>(value));
    case 64:
      return store(data, i, value);
    default:
      break;
  }
  const int64_t bit = i * bits;
  const unsigned mask = ((1U << bits) - 1) << (bit % 8);
  const unsigned old = std::to_integer<unsigned>(data[bit / 8]);
  data[bit / 8] = static_cast<std::byte>((old & ~mask) | ((static_cast<unsigned>(value) << (bit % 8)) & mask));
}

uint64_t get_bits(const std::byte* data, int64_t i, int bits) {
  switch (bits) {
    case 8:
      return load<uint8_t>(data, i);
    case 16:
      return load<uint16_t>(data, i);
    case 32:
      return load<uint32_t>(data, i);
    case 64:
      return load<uint64_t>(data, i);
    default:
      return packed_at(data, i, bits);
  }
}
/// Strings with what their handles take of the budget; texts that are long take more.
class CountedStrings {
 public:
  explicit CountedStrings(size_t count) : bytes_(count * sizeof(std::string)) { take_memory(bytes_); }
  CountedStrings(const CountedStrings&) = delete;
  CountedStrings& operator=(const CountedStrings&) = delete;
  ~CountedStrings() { give_memory(bytes_); }

  std::vector<std::string> strings;

 private:
  size_t bytes_;
};
}  // namespace

size_t packed_bytes(ElemType elem, int64_t count) {
  return (static_cast<size_t>(count) * static_cast<size_t>(elem_bits(elem)) + 7) / 8;
}

Tensor Tensor::allocate(ElemType elem, Dims dims) {
  Tensor t;
  if (elem == ElemType::string) {
    t = of_strings(std::move(dims), {});
    t.strings_->resize(static_cast<size_t>(t.size_));
    return t;
  }
  t.elem_ = elem;
  t.size_ = product(dims);
  t.dims_ = std::move(dims);
  const size_t bytes = t.byte_size() + kSlack;
  take_memory(bytes);
  t.data_ = static_cast<std::byte*>(allocate_block(bytes));
  if (t.data_ == nullptr) {
    give_memory(bytes);
    throw std::bad_alloc();
  }
  // The slack, and the last byte of packed elements, whose spare bits nobody writes.
  const size_t written = elem_bits(elem) < 8 && t.byte_size() > 0 ? t.byte_size() - 1 : t.byte_size();
  std::memset(t.data_ + written, 0, bytes - written);
  t.owner_ = std::shared_ptr<const void>(t.data_, [bytes](const void* p) {
    free_block(const_cast<void*>(p), bytes);
    give_memory(bytes);
  });
  return t;
}

Tensor Tensor::view(ElemType elem, Dims dims, const std::byte* data, std::shared_ptr<const void> owner) {
  Tensor t = over(elem, std::move(dims), const_cast<std::byte*>(data));
  t.owner_ = std::move(owner);
  return t;
}

Tensor Tensor::over(ElemType elem, Dims dims, std::byte* data) {
  Tensor t;
  t.elem_ = elem;
  t.size_ = product(dims);
  t.dims_ = std::move(dims);
  t.data_ = data;
  return t;
}

Tensor Tensor::of_strings(Dims dims, std::vector<std::string> strings) {
  Tensor t;
  t.elem_ = ElemType::string;
  t.size_ = product(dims);
  t.dims_ = std::move(dims);
  auto counted = std::make_shared<CountedStrings>(static_cast<size_t>(t.size_));
  counted->strings = std::move(strings);
  t.strings_ = {counted, &counted->strings};
  return t;
}

Tensor Tensor::of_items(std::vector<Tensor> items) {
  Tensor t;
  t.items_ = std::make_shared<const std::vector<Tensor>>(std::move(items));
  return t;
}

Tensor Tensor::copy() const {
  if (is_list()) {
    std::vector<Tensor> items;
    for (const Tensor& item : *items_) items.push_back(item.copy());
    return of_items(std::move(items));
  }
  if (elem_ == ElemType::string) return of_strings(dims_, *strings_);
  Tensor out = allocate(elem_, dims_);
  if (byte_size() != 0) std::memcpy(out.data_, data_, byte_size());
  return out;
}

Tensor Tensor::of_ints(const Dims& values) {
  return of<int64_t>(ElemType::int64, {static_cast<int64_t>(values.size())}, values);
}
Tensor Tensor::scalar(int64_t value) { return of<int64_t>(ElemType::int64, {}, std::span(&value, 1)); }
Tensor Tensor::scalar(float value) { return of<float>(ElemType::float32, {}, std::span(&value, 1)); }

size_t Tensor::byte_size() const { return packed_bytes(elem_, size_); }

bool Tensor::is_aligned() const {
  const int bits =
      elem_ == ElemType::complex64 || elem_ == ElemType::complex128 ? elem_bits(elem_) / 2 : elem_bits(elem_);
  return bits <= 8 || reinterpret_cast<uintptr_t>(data_) % (static_cast<unsigned>(bits) / 8) == 0;
}

Tensor Tensor::aligned() const { return is_aligned() ? *this : copy(); }

Tensor Tensor::reshaped(Dims dims) const {
  Tensor t = *this;
  t.dims_ = std::move(dims);
  return t;
}

int64_t Tensor::int_at(int64_t i) const {
  const int bits = elem_bits(elem_);
  const uint64_t raw = get_bits(data_, i, bits);
  if (elem_ == ElemType::boolean) return raw != 0;
  if (!is_signed_integer(elem_) || bits == 64) return static_cast<int64_t>(raw);
  const int shift = 64 - bits;
  return static_cast<int64_t>(raw << shift) >> shift;
}

double Tensor::float_at(int64_t i) const {
  if (elem_ == ElemType::float32) return load<float>(data_, i);
  if (elem_ == ElemType::float64) return load<double>(data_, i);
  if (const auto format = elem_format(elem_))
    return num::decode(get_bits(data_, i, elem_bits(elem_)), num::format(*format));
  if (elem_ == ElemType::uint64) return static_cast<double>(load<uint64_t>(data_, i));
  return static_cast<double>(int_at(i));
}

void Tensor::set_int(int64_t i, int64_t value) {
  set_bits(data_, i, elem_bits(elem_), static_cast<uint64_t>(elem_ == ElemType::boolean ? value != 0 : value));
}

void Tensor::set_float(int64_t i, double value) {
  if (elem_ == ElemType::float32) return store(data_, i, static_cast<float>(value));
  if (elem_ == ElemType::float64) return store(data_, i, value);
  const num::Format& f = num::format(*elem_format(elem_));
  set_bits(data_, i, elem_bits(elem_), num::encode(num::round(value, num::Rounding{.format = f}), f));
}

Dims Tensor::ints() const {
  Dims out(static_cast<size_t>(size_));
  for (int64_t i = 0; i < size_; ++i) out[static_cast<size_t>(i)] = int_at(i);
  return out;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.is_list() || b.is_list())
    return a.is_list() && b.is_list() && std::ranges::equal(a.items(), b.items(), same_bits);
  if (a.elem() != b.elem() || a.dims() != b.dims()) return false;
  if (a.elem() == ElemType::string) return a.strings() == b.strings();
  return a.byte_size() == 0 || std::memcmp(a.bytes(), b.bytes(), a.byte_size()) == 0;
}

}  // namespace assay::ir

// A dense tensor: element type, dimensions and bytes that it owns, shares or views; or a list of them.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/type.h"

namespace assay::ir {

/// Row-major; elements narrower than 8 bits are packed from the least significant bits, as ONNX packs them.
/// Copies share the bytes: a Tensor is a handle. Strings live in `strings()`, not in bytes.
///
/// What is no tensor (ir::Type::kind) is a handle too, of a list: a sequence of its elements, an optional of the one
/// that it holds or of none, a map of two tensors, its keys and its values. A list has no element type, dimensions or
/// bytes.
class Tensor {
 public:
  Tensor() = default;
  /// Uninitialised, 64-byte aligned, padded at the end so that a vector may be read (never written) past it. Throws
  /// OverBudget (base/limits.h) where the process's budget does not suffice.
  static Tensor allocate(ElemType elem, Dims dims);
  /// Borrows `data`; `owner` (may be null) keeps it alive.
  static Tensor view(ElemType elem, Dims dims, const std::byte* data, std::shared_ptr<const void> owner);
  /// Writable memory of an arena; the caller keeps it alive.
  static Tensor over(ElemType elem, Dims dims, std::byte* data);
  static Tensor of_strings(Dims dims, std::vector<std::string> strings);
  template <class T>
  static Tensor of(ElemType elem, Dims dims, std::span<const T> values) {
    Tensor t = allocate(elem, std::move(dims));
    std::copy(values.begin(), values.end(), t.mutable_data<T>());
    return t;
  }
  static Tensor of_items(std::vector<Tensor> items);  ///< a list; its items own their bytes, or outlive it
  static Tensor of_ints(const Dims& values);          ///< int64 vector
  static Tensor scalar(int64_t value);                ///< int64, rank 0
  static Tensor scalar(float value);                  ///< float32, rank 0

  ElemType elem() const { return elem_; }
  const Dims& dims() const { return dims_; }
  int64_t rank() const { return static_cast<int64_t>(dims_.size()); }
  int64_t size() const { return size_; }  ///< number of elements
  size_t byte_size() const;
  bool empty_handle() const { return elem_ == ElemType::undefined && !items_; }
  bool is_list() const { return items_ != nullptr; }
  const std::vector<Tensor>& items() const { return *items_; }

  const std::byte* bytes() const { return data_; }
  std::byte* mutable_bytes() { return data_; }  ///< only for tensors made by allocate() or over()
  template <class T>
  const T* data() const {
    return reinterpret_cast<const T*>(data_);
  }
  template <class T>
  T* mutable_data() {
    return reinterpret_cast<T*>(data_);
  }
  template <class T>
  std::span<const T> values() const {
    return {data<T>(), static_cast<size_t>(size_)};
  }
  const std::vector<std::string>& strings() const { return *strings_; }
  std::vector<std::string>& mutable_strings() { return *strings_; }

  /// Views into a model file may start at any byte; data<T>() needs them at a multiple of their element's size.
  bool is_aligned() const;
  /// This tensor, or a copy when it is not aligned.
  Tensor aligned() const;

  /// The same elements in memory of its own; of a list, lists whose tensors are such copies.
  Tensor copy() const;

  /// The same bytes under other dimensions with the same number of elements.
  Tensor reshaped(Dims dims) const;

  /// Element `i` of any integer or boolean type, sub-byte ones too.
  int64_t int_at(int64_t i) const;
  /// Element `i` of any numeric type as float64.
  double float_at(int64_t i) const;
  void set_int(int64_t i, int64_t value);  ///< wraps modulo 2^bits
  /// Rounds once (nearest even) to the tensor's floating-point type.
  void set_float(int64_t i, double value);
  /// All elements of an integer tensor.
  Dims ints() const;

 private:
  ElemType elem_ = ElemType::undefined;
  Dims dims_;
  int64_t size_ = 0;
  std::byte* data_ = nullptr;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<std::vector<std::string>> strings_;
  std::shared_ptr<const std::vector<Tensor>> items_;
};

/// Bytes that `count` elements of the type take, sub-byte types packed.
size_t packed_bytes(ElemType elem, int64_t count);
/// Same type, dimensions and bits (strings: same text; lists: so many items, each of which is the same).
bool same_bits(const Tensor& a, const Tensor& b);

}  // namespace assay::ir

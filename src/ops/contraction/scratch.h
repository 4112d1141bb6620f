// Aligned working memory.
#pragma once
#include <cstddef>
#include <memory>
#include <new>

#include "base/block.h"

namespace assay::ops::contraction {

/// Uninitialised, aligned to 64 bytes, with a vector's room behind the end.
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t n) : size_(n), data_(static_cast<T*>(allocate_block(bytes(n))), Delete{bytes(n)}) {
    if (data_ == nullptr) throw std::bad_alloc();
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kSlack = 128;
  static size_t bytes(size_t n) { return n * sizeof(T) + kSlack; }
  struct Delete {
    size_t bytes = 0;
    void operator()(T* p) const { free_block(p, bytes); }
  };
  size_t size_ = 0;
  std::unique_ptr<T, Delete> data_;
};

/// This thread's working memory number `slot`, at least n long, kept for the next call.
template <class T>
T* scratch(size_t slot, size_t n) {
  constexpr size_t kSlots = 6;
  thread_local AlignedArray<T> arrays[kSlots];
  AlignedArray<T>& array = arrays[slot];
  if (array.size() < n) {
    array = AlignedArray<T>();
    array = AlignedArray<T>(n);
  }
  return array.data();
}

}  // namespace assay::ops::contraction

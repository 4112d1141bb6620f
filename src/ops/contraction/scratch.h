// Aligned working memory.
#pragma once
#include <cstddef>
#include <memory>
#include <new>

namespace assay::ops::contraction {

/// Uninitialised, aligned to 64 bytes, with a vector's room behind the end.
template <class T>
class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t n)
      : size_(n), data_(static_cast<T*>(::operator new(n * sizeof(T) + kSlack, std::align_val_t{64}))) {}
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  static constexpr size_t kSlack = 128;
  struct Delete {
    void operator()(T* p) const { ::operator delete(p, std::align_val_t{64}); }
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

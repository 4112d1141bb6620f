// Parallel loops over independent outputs. Results never depend on the number of threads: a body may only write
// what its own range owns, and no accumulation is ever split.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>

namespace assay {

class Threads {
 public:
  /// `count` 0: one per core.
  explicit Threads(int count = 0);
  ~Threads();
  Threads(Threads&&) noexcept;
  int count() const { return count_; }

  /// Calls body(begin, end) over [0, n) in pieces of at least `grain`; inline when one piece is enough. Pieces that
  /// have not begun are left out once request_cancel() was called: whoever uses the results asks check_cancel() first.
  void for_each(size_t n, size_t grain, const std::function<void(size_t, size_t)>& body) const;

 private:
  struct Arena;
  int count_;
  std::unique_ptr<Arena> arena_;
};

}  // namespace assay

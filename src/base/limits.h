// What running models may take of the machine: one budget for the process, asked before memory is taken and in loops.
#pragma once
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

#include "base/result.h"

namespace assay {

struct Limits {
  uint64_t memory = 0;             ///< bytes of tensors at one time; 0: three quarters of the machine's
  int64_t iterations = 1'000'000;  ///< of a loop
};
void set_limits(const Limits& limits);
/// `memory` is never 0.
Limits limits();

/// Thrown where the budget does not suffice, and turned into an error by whoever runs models.
class OverBudget : public std::bad_alloc {
 public:
  OverBudget(uint64_t wanted, uint64_t taken, uint64_t budget) : wanted_(wanted), taken_(taken), budget_(budget) {}
  const char* what() const noexcept override { return "beyond the memory budget"; }
  /// limit_exceeded.
  Error error(std::string where) const;

 private:
  uint64_t wanted_, taken_, budget_;
};

/// Takes bytes of the budget, or throws OverBudget and takes none.
void take_memory(size_t bytes);
void give_memory(size_t bytes) noexcept;

/// limit_exceeded, for the exception that is being handled: OverBudget, or another of memory that cannot be had. Other
/// exceptions pass.
Error out_of_memory(std::string where);

/// What `work` gives, or the error that memory does not suffice for `what`. Entries of the library are wrapped in it.
template <class Work>
auto within_memory(const char* what, const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (...) {
    return out_of_memory(what);
  }
}

}  // namespace assay

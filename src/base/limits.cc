#include "base/limits.h"

#include <unistd.h>

#include <atomic>
#include <limits>
#include <stdexcept>

namespace assay {
namespace {

uint64_t most_of_the_machine() {
  const auto pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGE_SIZE);
  if (pages <= 0 || size <= 0) return std::numeric_limits<uint64_t>::max();
  return static_cast<uint64_t>(pages) * static_cast<uint64_t>(size) / 4 * 3;
}

std::atomic<uint64_t> taken{0};
std::atomic<uint64_t> budget{most_of_the_machine()};
std::atomic<int64_t> iterations{Limits{}.iterations};

std::string in_mebibytes(uint64_t bytes) { return std::to_string((bytes + (1U << 20) - 1) >> 20) + " MiB"; }

}  // namespace

void set_limits(const Limits& limits) {
  budget = limits.memory == 0 ? most_of_the_machine() : limits.memory;
  iterations = limits.iterations;
}

Limits limits() { return {budget, iterations}; }

Error OverBudget::error(std::string where) const {
  return Error{Code::limit_exceeded,
               "needs " + in_mebibytes(wanted_) + " more than the " + in_mebibytes(taken_) + " that are in use; " +
                   in_mebibytes(budget_) + " are allowed",
               std::move(where), "use smaller inputs, or allow more with --max-memory"};
}

void take_memory(size_t bytes) {
  const uint64_t before = taken.fetch_add(bytes, std::memory_order_relaxed);
  const uint64_t most = budget.load(std::memory_order_relaxed);
  if (bytes <= most && before <= most - bytes) return;
  taken.fetch_sub(bytes, std::memory_order_relaxed);
  throw OverBudget(bytes, before, most);
}

void give_memory(size_t bytes) noexcept { taken.fetch_sub(bytes, std::memory_order_relaxed); }

Error out_of_memory(std::string where) {
  constexpr const char* kRefused = "the machine does not have the memory that is needed";
  constexpr const char* kFix = "use smaller inputs or a machine with more memory";
  try {
    throw;
  } catch (const OverBudget& over) {
    return over.error(std::move(where));
  } catch (const std::bad_alloc&) {
    return Error{Code::limit_exceeded, kRefused, std::move(where), kFix};
  } catch (const std::length_error& e) {  // sizes are checked before: one that is too long is a mistake of ours
    return Error{Code::internal, std::string("a length that cannot be: ") + e.what(), std::move(where),
                 "please report this with the model and the command"};
  }
}

}  // namespace assay

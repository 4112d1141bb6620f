#include "base/cancel.h"

#include <atomic>

namespace assay {
namespace {
std::atomic<bool> wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");
}  // namespace

void request_cancel() { wanted.store(true, std::memory_order_relaxed); }
void forget_cancel() { wanted.store(false, std::memory_order_relaxed); }
bool cancel_requested() { return wanted.load(std::memory_order_relaxed); }
Status check_cancel() {
  if (cancel_requested()) return Error{Code::cancelled, "cancelled", "", "nothing was written"};
  return {};
}

}  // namespace assay

#include "base/threads.h"

#include <tbb/blocked_range.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>

#include "base/cancel.h"

namespace assay {

namespace {
constexpr size_t kPieces = 64;  // between which one thread looks whether to stop
}  // namespace

struct Threads::Arena {
  tbb::task_arena arena;
};

Threads::Threads(int count) : count_(count > 0 ? count : tbb::info::default_concurrency()) {
  // More than the machine runs at once are no faster, and TBB would print that it ignores them.
  const int at_once = std::min(count_, tbb::info::default_concurrency());
  if (count_ > 1) arena_ = std::make_unique<Arena>(Arena{tbb::task_arena(at_once)});
}
Threads::~Threads() = default;
Threads::Threads(Threads&&) noexcept = default;

void Threads::for_each(size_t n, size_t grain, const std::function<void(size_t, size_t)>& body) const {
  grain = std::max<size_t>(grain, 1);
  if (n == 0) return;
  if (n <= grain) return body(0, n);
  if (!arena_) {
    const size_t piece = std::max(grain, n / kPieces);
    for (size_t begin = 0; begin < n && !cancel_requested(); begin += piece) body(begin, std::min(begin + piece, n));
    return;
  }
  // Workers round and keep subnormals as the caller does, whatever was set when they were started.
  tbb::task_group_context context(tbb::task_group_context::isolated, tbb::task_group_context::fp_settings);
  arena_->arena.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<size_t>(0, n, grain),
        [&](const tbb::blocked_range<size_t>& range) {
          if (!cancel_requested()) body(range.begin(), range.end());
        },
        context);
  });
}

}  // namespace assay

#include "exec/memory.h"

#include <algorithm>
#include <numeric>

namespace assay::exec {
namespace {
size_t aligned(size_t bytes) { return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment; }
bool overlap(const Block& a, const Block& b) { return a.first <= b.last && b.first <= a.last; }

// The lowest offset at which `bytes` fit between the placed blocks that live at the same time.
size_t lowest_gap(const std::vector<const Block*>& placed, const Block& block) {
  std::vector<const Block*> alive;
  for (const Block* other : placed)
    if (overlap(*other, block)) alive.push_back(other);
  std::ranges::sort(alive, {}, &Block::offset);
  size_t end = 0;
  for (const Block* other : alive) {
    if (end + aligned(block.bytes) <= other->offset) break;
    end = std::max(end, other->offset + aligned(other->bytes));
  }
  return end;
}
}  // namespace

size_t lay_out(std::vector<Block>& blocks, bool reuse) {
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](size_t i) { return blocks[i].bytes; });
  std::vector<const Block*> placed;
  size_t total = 0;
  for (const size_t i : order) {
    Block& block = blocks[i];
    block.offset = reuse ? lowest_gap(placed, block) : total;
    total = std::max(total, block.offset + aligned(block.bytes));
    placed.push_back(&block);
  }
  return total;
}

size_t largest_live_set(const std::vector<Block>& blocks) {
  size_t last = 0, largest = 0;
  for (const Block& b : blocks) last = std::max(last, b.last);
  std::vector<size_t> change(last + 2, 0);  // differences; unsigned wrap cancels out
  for (const Block& b : blocks) {
    change[b.first] += aligned(b.bytes);
    change[b.last + 1] -= aligned(b.bytes);
  }
  size_t live = 0;
  for (const size_t c : change) largest = std::max(largest, live += c);
  return largest;
}

}  // namespace assay::exec

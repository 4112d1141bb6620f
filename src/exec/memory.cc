#include "exec/memory.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <utility>

namespace assay::exec {
namespace {
size_t aligned(size_t bytes) { return (bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment; }
bool overlap(const Block& a, const Block& b) { return a.first <= b.last && b.first <= a.last; }

// What laying out may cost, in comparisons; seconds.
constexpr size_t kMostWork = 100'000'000;
constexpr size_t kWorkOfSorting = 16;

// The lowest offset at which `bytes` fit between the placed blocks that live at the same time.
size_t lowest_gap(const std::vector<const Block*>& placed, const Block& block, size_t& work) {
  std::vector<const Block*> alive;
  for (const Block* other : placed)
    if (overlap(*other, block)) alive.push_back(other);
  work += placed.size() + kWorkOfSorting * alive.size();
  std::ranges::sort(alive, {}, &Block::offset);
  size_t end = 0;
  for (const Block* other : alive) {
    if (end + aligned(block.bytes) <= other->offset) break;
    end = std::max(end, other->offset + aligned(other->bytes));
  }
  return end;
}
template <class Order, class Key>
std::vector<size_t> sorted(const std::vector<Block>& blocks, Order before, Key key) {
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, before, [&](size_t i) { return blocks[i].*key; });
  return order;
}

// Memory that is free, by offset and by size; neighbours are one piece.
class Gaps {
 public:
  void give(size_t offset, size_t bytes) {
    if (bytes == 0) return;
    auto next = by_offset_.lower_bound(offset);
    if (next != by_offset_.end() && next->first == offset + bytes) {
      bytes += next->second;
      next = remove(next);
    }
    if (next != by_offset_.begin() && std::prev(next)->first + std::prev(next)->second == offset) {
      offset = std::prev(next)->first;
      bytes += std::prev(next)->second;
      remove(std::prev(next));
    }
    by_offset_.emplace(offset, bytes);
    by_size_.emplace(bytes, offset);
  }

  // The smallest piece that suffices; else what is free at the end of `total` bytes, which grow.
  size_t take(size_t bytes, size_t& total) {
    auto found = by_offset_.end();
    if (const auto fits = by_size_.lower_bound({bytes, 0}); fits != by_size_.end())
      found = by_offset_.find(fits->second);
    else if (found != by_offset_.begin() && std::prev(found)->first + std::prev(found)->second == total)
      --found;
    const size_t offset = found == by_offset_.end() ? total : found->first;
    const size_t held = found == by_offset_.end() ? 0 : found->second;
    if (found != by_offset_.end()) remove(found);
    total = std::max(total, offset + bytes);
    if (held > bytes) give(offset + bytes, held - bytes);
    return offset;
  }

 private:
  std::map<size_t, size_t>::iterator remove(std::map<size_t, size_t>::iterator piece) {
    by_size_.erase({piece->second, piece->first});
    return by_offset_.erase(piece);
  }

  std::map<size_t, size_t> by_offset_;
  std::set<std::pair<size_t, size_t>> by_size_;
};

// In the order in which they are written, for graphs that have too many blocks to compare each with each.
size_t lay_out_in_order(std::vector<Block>& blocks) {
  const std::vector<size_t> dying = sorted(blocks, std::less<>(), &Block::last);
  Gaps gaps;
  size_t total = 0, dead = 0;
  for (const size_t i : sorted(blocks, std::less<>(), &Block::first)) {
    for (; blocks[dying[dead]].last < blocks[i].first; ++dead)
      gaps.give(blocks[dying[dead]].offset, aligned(blocks[dying[dead]].bytes));
    blocks[i].offset = gaps.take(aligned(blocks[i].bytes), total);
  }
  return total;
}
}  // namespace

size_t lay_out(std::vector<Block>& blocks, bool reuse) {
  std::vector<const Block*> placed;
  size_t total = 0, work = 0;
  for (const size_t i : sorted(blocks, std::greater<>(), &Block::bytes)) {
    Block& block = blocks[i];
    block.offset = reuse ? lowest_gap(placed, block, work) : total;
    if (work > kMostWork) return lay_out_in_order(blocks);
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

#include "exec/memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>

namespace assay::exec {
namespace {

TEST(Memory, ChainNeedsTwoBlocks) {
  std::vector<Block> chain;
  for (size_t i = 0; i < 10; ++i) chain.push_back({.bytes = 640, .first = i, .last = i + 1});
  EXPECT_EQ(largest_live_set(chain), 1280u);
  EXPECT_EQ(lay_out(chain, true), 1280u);
  EXPECT_EQ(lay_out(chain, false), 6400u);
}

TEST(Memory, LivingBlocksNeverOverlap) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<Block> blocks(random() % 40 + 1);
    for (Block& b : blocks) {
      b.bytes = random() % 5000;
      b.first = random() % 30;
      b.last = b.first + random() % 8;
    }
    const size_t total = lay_out(blocks, true);
    EXPECT_GE(total, largest_live_set(blocks));
    for (const Block& a : blocks) {
      EXPECT_EQ(a.offset % kArenaAlignment, 0u);
      EXPECT_LE(a.offset + a.bytes, total);
      for (const Block& b : blocks) {
        if (&a != &b && a.bytes && b.bytes && a.first <= b.last && b.first <= a.last) {
          EXPECT_TRUE(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset);
        }
      }
    }
  }
}

TEST(Memory, ManyBlocksAreLaidOutSoon) {
  std::mt19937 random(11);
  std::vector<Block> blocks(60'000);  // each compared with each: a minute
  for (size_t i = 0; i < blocks.size(); ++i)
    blocks[i] = {.bytes = random() % 5000, .first = i, .last = i + random() % (random() % 100 == 0 ? 60'000 : 8)};
  const size_t total = lay_out(blocks, true);
  EXPECT_LE(total, largest_live_set(blocks) * 5 / 4);
  std::vector<const Block*> by_end;
  for (const Block& b : blocks) by_end.push_back(&b);
  std::ranges::sort(by_end, {}, &Block::last);
  std::map<size_t, size_t> alive;  // end of each block that holds something, by offset
  size_t dead = 0;
  for (const Block& b : blocks) {
    for (; by_end[dead]->last < b.first; ++dead)
      if (by_end[dead]->bytes != 0) alive.erase(by_end[dead]->offset);
    ASSERT_LE(b.offset + b.bytes, total);
    if (b.bytes == 0) continue;
    const auto next = alive.lower_bound(b.offset);
    ASSERT_TRUE(next == alive.end() || b.offset + b.bytes <= next->first);
    ASSERT_TRUE(next == alive.begin() || std::prev(next)->second <= b.offset);
    alive.emplace(b.offset, b.offset + b.bytes);
  }
}

}  // namespace
}  // namespace assay::exec

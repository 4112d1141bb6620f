#include "exec/memory.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace assay::exec

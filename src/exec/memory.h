// Where intermediates live: blocks with a size and a life (first and last step) are laid out in one arena.
#pragma once
#include <cstddef>
#include <vector>

namespace assay::exec {

struct Block {
  size_t bytes;
  size_t first, last;  ///< steps, both inclusive
  size_t offset = 0;   ///< set by lay_out
};

inline constexpr size_t kArenaAlignment = 64;

/// Sets offsets so that blocks whose lives overlap do not; returns the arena's size. Largest blocks first, each at the
/// lowest place that is free during its whole life; tens of thousands of blocks in the order in which they are written,
/// each in the smallest gap, which costs no comparison of each with each. With `reuse` false every block gets its own
/// place.
size_t lay_out(std::vector<Block>& blocks, bool reuse);

/// The largest sum of (aligned) block sizes alive in one step: no layout can take less.
size_t largest_live_set(const std::vector<Block>& blocks);

}  // namespace assay::exec

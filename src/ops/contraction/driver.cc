#include "ops/contraction/driver.h"

#include <algorithm>

namespace assay::ops::contraction {
namespace {

constexpr size_t kMostRows = 384;    // of a block
constexpr size_t kBlock = 96 * 512;  // C's block stays in L2: rows x columns
constexpr size_t kDepth = 256;       // B's panel stays in L1: kDepth x nr
constexpr size_t kWorth = 1 << 16;   // multiply-adds that pay for a task of their own

size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }
size_t round_up(size_t a, size_t b) { return ceil_div(a, b) * b; }

/// Pieces of at most `most`, all multiples of `unit`, as equal as possible.
size_t even_piece(size_t n, size_t most, size_t unit) {
  const size_t pieces = std::max<size_t>(1, ceil_div(n, std::max(most, unit)));
  return std::max(unit, round_up(ceil_div(n, pieces), unit));
}

struct Blocks {
  size_t rows, columns, depth;    // of one block
  size_t across, down, in_depth;  // how many
};

template <class T>
Blocks plan(const Product<T>& p, const Threads& threads) {
  const size_t mr = p.kernels.mr, nr = p.kernels.nr;
  Blocks b{};
  // The operand that is packed as it is read should be read seldom: the block is long in the other's direction.
  b.rows = even_piece(p.m, p.a_packed ? kMostRows : 96, mr);
  b.columns = even_piece(p.n, kBlock / std::max<size_t>(b.rows, 96) * sizeof(float) / sizeof(T), nr);
  // Enough blocks to share evenly; a block of few columns packs A for too little.
  const auto jobs = [&] { return p.batches * ceil_div(p.m, b.rows) * ceil_div(p.n, b.columns); };
  if (threads.count() > 1) {
    const size_t wanted = 4 * static_cast<size_t>(threads.count());
    while (jobs() < wanted && b.columns >= 4 * nr) b.columns = round_up(b.columns / 2, nr);
    while (jobs() < wanted && b.rows >= 4 * mr) b.rows = round_up(b.rows / 2, mr);
  }
  b.depth = p.kernels.whole_k
                ? p.k
                : even_piece(p.k, kDepth * sizeof(float) / sizeof(T), std::max<size_t>(8, p.kernels.k_multiple));
  b.down = ceil_div(p.m, b.rows);
  b.across = ceil_div(p.n, b.columns);
  b.in_depth = std::max<size_t>(1, ceil_div(p.k, std::max<size_t>(b.depth, 1)));
  return b;
}

template <class T>
void block(const Product<T>& p, const Blocks& blocks, size_t batch, size_t m0, size_t n0) {
  const size_t mr = p.kernels.mr, nr = p.kernels.nr;
  const size_t m1 = std::min(p.m, m0 + blocks.rows), n1 = std::min(p.n, n0 + blocks.columns);
  const size_t panels = ceil_div(m1 - m0, mr);
  const size_t ldc = round_up(n1 - n0, nr);
  T* const c = scratch<T>(0, panels * mr * ldc);
  T* const a_room = scratch<T>(1, panels * mr * blocks.depth);
  T* const b_room = scratch<T>(2, nr * blocks.depth);
  const T* a[kMostRows];
  const bool starts = p.finish->starts();
  if (starts) {
    for (size_t m = m0; m < m1; ++m) p.finish->start(batch, m, n0, n1 - n0, c + (m - m0) * ldc);
  }
  for (size_t piece = 0; piece < blocks.in_depth; ++piece) {
    const size_t k0 = piece * blocks.depth, kc = std::min(blocks.depth, p.k - k0);
    for (size_t i = 0; i < panels; ++i) {
      const size_t m = m0 + i * mr;
      a[i] = p.a->panel(batch, m, std::min(mr, p.m - m), k0, kc, a_room + i * mr * blocks.depth);
    }
    for (size_t n = n0; n < n1; n += nr) {
      const T* b = p.b->panel(batch, n, std::min(nr, p.n - n), k0, kc, b_room);
      for (size_t i = 0; i < panels; ++i) {
        const size_t m = m0 + i * mr;
        p.kernels.kernel(std::min(mr, m1 - m), n1 - n)(kc, a[i], b, c + (m - m0) * ldc + (n - n0), ldc,
                                                       piece > 0 || starts, *p.policy);
      }
    }
  }
  for (size_t m = m0; m < m1; ++m) p.finish->row(batch, m, n0, n1 - n0, c + (m - m0) * ldc);
}

}  // namespace

template <class T>
const T* MatrixSource<T>::panel(size_t batch, size_t first, size_t count, size_t k0, size_t kc, T* to) const {
  MatrixView view = view_;
  if (!offsets_.empty()) view.begin += offsets_[batch % offsets_.size()];
  pack<T>(view, k0, kc, first, count, width_, to);
  if (rounds_) round_operands(to, kc * width_, policy_);
  return to;
}

template <class T>
void PackedOperand<T>::fill(const PanelSource<T>& source, const Threads& threads) {
  const size_t grain = std::max<size_t>(1, kWorth / std::max<size_t>(1, width_ * k_));
  threads.for_each(batches_ * panels_, grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const size_t first = i % panels_ * width_;
      T* to = values_.data() + i * k_ * width_;
      source.panel(i / panels_, first, std::min(width_, count_ - first), 0, k_, to);
    }
  });
}

template <class T>
void run(const Product<T>& p, const Threads& threads) {
  if (p.batches == 0 || p.m == 0 || p.n == 0) return;
  const Blocks blocks = plan(p, threads);
  const size_t jobs = p.batches * blocks.down * blocks.across;
  const size_t work = blocks.rows * blocks.columns * std::max<size_t>(p.k, 1);
  threads.for_each(jobs, std::max<size_t>(1, kWorth / work), [&](size_t begin, size_t end) {
    for (size_t job = begin; job < end; ++job) {
      const size_t m = job % blocks.down, rest = job / blocks.down;
      block(p, blocks, rest / blocks.across, m * blocks.rows, rest % blocks.across * blocks.columns);
    }
  });
}

template class MatrixSource<float>;
template class MatrixSource<double>;
template class PackedOperand<float>;
template class PackedOperand<double>;
template void run<float>(const Product<float>&, const Threads&);
template void run<double>(const Product<double>&, const Threads&);

}  // namespace assay::ops::contraction

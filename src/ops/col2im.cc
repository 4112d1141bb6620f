// Col2Im: columns of blocks added up into an image, each pixel over block positions ascending.
#include <algorithm>

#include "num/arith.h"
#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/window.h"

namespace assay::ops {
namespace {

/// The windows over the image whose contents the columns are; an error message when operands do not fit.
Result<std::vector<WindowAxis>> image_windows(const ir::Op& op, const ir::Dims& image, const ir::Dims& block) {
  ir::Op window = op;
  window.set_attr("kernel_shape", block);
  window.remove_attr("auto_pad");
  window.remove_attr("ceil_mode");
  return window_axes(window, image);
}

Status infer(InferContext& c) {
  const auto image = constant_ints(c, 1), block = constant_ints(c, 2);
  if (!image || !block) {
    std::optional<std::vector<ir::Dim>> shape;
    if (c.ranked(1) && c.rank(1) == 1 && c.shape(1)[0].known() && c.shape(1)[0].value <= 64)
      shape.emplace(static_cast<size_t>(c.shape(1)[0].value) + 2);
    c.set(0, c.elem(0), std::move(shape));
    return {};
  }
  ASSAY_CHECK(check_size(c, *image));
  const auto axes = image_windows(c.op(), *image, *block);
  if (!axes.ok()) return c.fail("col2im_c1", axes.error().message);
  std::vector<ir::Dim> out(2);
  if (c.ranked(0)) {
    if (c.rank(0) != 3) return c.fail("col2im_c2", "the input is not (batch, channels * block, columns)");
    out[0] = c.shape(0)[0];
    const ir::Dim& depth = c.shape(0)[1];
    if (depth.known() && size_allowed(*block)) {
      const int64_t cells = volume(*block);
      if (cells == 0 || depth.value % cells != 0) return c.fail("col2im_c3", "channels are no multiple of the block");
      out[1] = depth.value / cells;
    }
  }
  out.insert(out.end(), image->begin(), image->end());
  c.set(0, c.elem(0), std::move(out));
  return {};
}

/// Integers are added modulo 2^n, booleans by or.
struct Integers {
  bool boolean;
  void add(const int64_t* a, const int64_t* b, int64_t* y, size_t n) const {
    for (size_t i = 0; i < n; ++i) y[i] = add(a[i], b[i]);
  }
  int64_t add(int64_t a, int64_t b) const {
    return boolean ? a | b : static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  }
};
void put(ir::Tensor& out, int64_t begin, std::vector<int64_t>& values, const num::Policy&) {
  store_integers(out, begin, values.size(), values.data());
}
template <class T>
void put(ir::Tensor& out, int64_t begin, std::vector<T>& values, const num::Policy& policy) {
  store(out, begin, values.size(), values.data(), policy);
}

/// Adds what one cell of the block holds, for all places of the block: no two of them are the same pixel.
template <class T, class Adder>
void add_cell(const Adder& arith, const std::vector<WindowAxis>& axes, const ir::Dims& image, const ir::Dims& places,
              const ir::Dims& cell, const T* values, T* sum, std::vector<T>& room) {
  if (volume(places) == 0) return;
  const size_t last = axes.size() - 1;
  const WindowAxis& a = axes[last];
  const int64_t tap = cell[last] * a.dilation, width = places[last];
  int64_t begin = 0, end = width;  // of the places in a row whose pixel is in the image
  while (begin < end && a.first(begin) + tap < 0) ++begin;
  while (end > begin && a.first(end - 1) + tap >= image[last]) --end;
  const ir::Dims rows(places.begin(), places.end() - 1);
  const auto n = static_cast<size_t>(end - begin);
  room.resize(n);
  ir::Dims row(rows.size());
  do {
    int64_t at = 0;
    bool inside = n > 0;
    for (size_t i = 0; i < last; ++i) {
      const int64_t x = axes[i].first(row[i]) + cell[i] * axes[i].dilation;
      inside = inside && x >= 0 && x < image[i];
      at = at * image[i] + x;
    }
    if (inside) {
      T* to = sum + at * image[last] + a.first(begin) + tap;
      if (a.stride == 1) {
        arith.add(to, values + begin, to, n);
      } else {
        for (size_t i = 0; i < n; ++i) room[i] = to[static_cast<int64_t>(i) * a.stride];
        arith.add(room.data(), values + begin, room.data(), n);
        for (size_t i = 0; i < n; ++i) to[static_cast<int64_t>(i) * a.stride] = room[i];
      }
    }
    values += width;
  } while (next_index(row, rows));
}

template <class T, class Adder>
void add_columns(KernelContext& c, const Adder& arith, const std::vector<WindowAxis>& axes, const ir::Dims& block) {
  const ir::Dims& dims = c.out(0).dims();
  const ir::Dims image(dims.begin() + 2, dims.end());
  ir::Dims places;
  for (const WindowAxis& a : axes) places.push_back(a.out);
  const int64_t pixels = volume(image), cells = volume(block), columns = volume(places), planes = dims[0] * dims[1];
  c.threads.for_each(static_cast<size_t>(planes), 1, [&](size_t begin, size_t end) {
    std::vector<T> sum(static_cast<size_t>(pixels)), column(static_cast<size_t>(columns)), room;
    for (auto p = static_cast<int64_t>(begin); p < static_cast<int64_t>(end); ++p) {
      std::fill(sum.begin(), sum.end(), T{0});
      ir::Dims cell(block.size());
      for (int64_t k = 0; k < cells; ++k, next_index(cell, block)) {
        const T* values = load(c.in(0), (p * cells + k) * columns, column.size(), column.data());
        add_cell(arith, axes, image, places, cell, values, sum.data(), room);
      }
      put(c.out(0), p * pixels, sum, c.policy());
    }
  });
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Dims image = c.in(1).ints(), block = c.in(2).ints();
  auto axes = image_windows(c.op, image, block);
  if (!axes.ok()) return c.fail(Code::model_invalid, axes.error().message);
  int64_t columns = 1;
  for (const WindowAxis& a : *axes) columns *= a.out;
  if (c.in(0).rank() != 3 || c.in(0).dims()[2] != columns)
    return c.fail(Code::model_invalid,
                  "the input has not one column for each of " + std::to_string(columns) + " blocks");
  if (!ir::is_float(c.in(0).elem()))
    add_columns<int64_t>(c, Integers{c.in(0).elem() == ir::ElemType::boolean}, *axes, block);
  else if (computes_float64(c))
    add_columns<double>(c, num::Arith<double>(c.policy()), *axes, block);
  else
    add_columns<float>(c, num::Arith<float>(c.policy()), *axes, block);
  return {};
}

constexpr In kIn[] = {{"input", kNumbers | kBool}, {"image_shape", kInt64}, {"block_shape", kInt64}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"strides", "1"}, {"pads", "0"}, {"dilations", "1"}};

}  // namespace

extern const OpDef kCol2Im = {
    .name = "Col2Im",
    .since = 18,
    .doc = "Columns of blocks added up into an image.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::reduction,
    .accumulates = "blocks that cover a pixel, ascending over its place in the block",
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "overlapping blocks are added up, for which Core ML has nothing"},
    .to_nn = {.says = "overlapping blocks are added up, for which Core ML has nothing"},
};

}  // namespace assay::ops

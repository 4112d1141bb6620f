// RoiAlign: bilinear samples of regions, averaged (or their largest weighted corner) per cell.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "num/arith.h"
#include "ops/elementwise.h"
#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

constexpr int64_t kLimit = 1 << 16;

Status infer(InferContext& c) {
  const int64_t height = c.op().attr_int("output_height", 1), width = c.op().attr_int("output_width", 1);
  if (height < 1 || width < 1 || height > kLimit || width > kLimit) return c.fail("roi_align_c1", "output extents");
  std::vector<ir::Dim> out = {ir::Dim(), ir::Dim(), height, width};
  if (c.ranked(0)) {
    if (c.rank(0) != 4) return c.fail("roi_align_c2", "X has rank " + std::to_string(c.rank(0)));
    out[1] = c.shape(0)[1];
  }
  if (c.ranked(1) && c.rank(1) == 2) out[0] = c.shape(1)[0];
  c.set(0, c.elem(0), std::move(out));
  return {};
}

/// Four neighbours of a sample in row-major order, and their weights; all weights are zero outside of the map.
template <class T>
struct Sample {
  int64_t at[4] = {};
  T weight[4] = {};
};

template <class T>
Sample<T> sample(T y, T x, int64_t height, int64_t width) {
  Sample<T> s;
  if (!(y >= -1 && y <= static_cast<T>(height) && x >= -1 && x <= static_cast<T>(width))) return s;
  const auto place = [](T v, int64_t extent, int64_t& low, int64_t& high) {
    v = std::max<T>(v, 0);
    low = static_cast<int64_t>(v);
    if (low >= extent - 1) {
      low = high = extent - 1;
      return T{0};
    }
    high = low + 1;
    return v - static_cast<T>(low);
  };
  int64_t y0 = 0, y1 = 0, x0 = 0, x1 = 0;
  const T ly = place(y, height, y0, y1), lx = place(x, width, x0, x1), hy = 1 - ly, hx = 1 - lx;
  s.at[0] = y0 * width + x0, s.at[1] = y0 * width + x1, s.at[2] = y1 * width + x0, s.at[3] = y1 * width + x1;
  s.weight[0] = hy * hx, s.weight[1] = hy * lx, s.weight[2] = ly * hx, s.weight[3] = ly * lx;
  return s;
}

/// A region on the map: where its cells lie and how many samples each has.
template <class T>
struct Region {
  int64_t batch = 0;
  T corner[2] = {}, cell[2] = {};  ///< x and y
  int64_t rows = 0, columns = 0;   ///< of samples in a cell
};

template <class T>
Result<Region<T>> region_at(const KernelContext& c, int64_t n) {
  const ir::Dims &in = c.in(0).dims(), &out = c.outputs[0].dims();
  const bool half = c.op.attr_string("coordinate_transformation_mode", "half_pixel") == "half_pixel";
  const int64_t ratio = c.op.attr_int("sampling_ratio", 0);
  const T scale = static_cast<T>(c.op.attr_float("spatial_scale", 1)), offset = half ? T(0.5) : T(0);
  Region<T> r;
  r.batch = c.in(2).int_at(n);
  if (r.batch < 0 || r.batch >= in[0])
    return c.fail(Code::value_range, "batch_indices[" + std::to_string(n) + "] is " + std::to_string(r.batch) +
                                         ", not 0 to " + std::to_string(in[0] - 1));
  T corner[4];
  for (int64_t k = 0; k < 4; ++k) corner[k] = static_cast<T>(c.in(1).float_at(n * 4 + k)) * scale - offset;
  T width = corner[2] - corner[0], height = corner[3] - corner[1];
  if (!half) width = std::max<T>(width, 1), height = std::max<T>(height, 1);
  r.corner[0] = corner[0], r.corner[1] = corner[1];
  r.cell[0] = width / static_cast<T>(out[3]), r.cell[1] = height / static_cast<T>(out[2]);
  const auto grid = [&](T cell) { return ratio > 0 ? static_cast<T>(ratio) : std::max<T>(std::ceil(cell), 0); };
  if (!(grid(r.cell[1]) <= kLimit) || !(grid(r.cell[0]) <= kLimit))
    return c.fail(Code::value_range, "a region is too large");
  r.rows = static_cast<int64_t>(grid(r.cell[1])), r.columns = static_cast<int64_t>(grid(r.cell[0]));
  return r;
}

/// One sample of every cell: its four neighbours, each with all cells beside each other.
template <class T>
struct SampledCells {
  explicit SampledCells(size_t count) : at(4 * count), weight(4 * count), cells(count) {}
  std::vector<int64_t> at;
  std::vector<T> weight;
  size_t cells;

  void fill(const Region<T>& r, int64_t iy, int64_t ix, const ir::Dims& in, const ir::Dims& out) {
    for (size_t i = 0; i < cells; ++i) {
      const auto cell = static_cast<int64_t>(i);
      const T y = r.corner[1] + static_cast<T>(cell / out[3]) * r.cell[1] +
                  (static_cast<T>(iy) + T(0.5)) * r.cell[1] / static_cast<T>(r.rows);
      const T x = r.corner[0] + static_cast<T>(cell % out[3]) * r.cell[0] +
                  (static_cast<T>(ix) + T(0.5)) * r.cell[0] / static_cast<T>(r.columns);
      const Sample<T> s = sample(y, x, in[2], in[3]);
      for (size_t k = 0; k < 4; ++k) at[k * cells + i] = s.at[k], weight[k * cells + i] = s.weight[k];
    }
  }
};

/// Takes the samples of one channel in: summed, or the largest kept.
template <class T>
void take_in(const num::Arith<T>& arith, const SampledCells<T>& s, const T* values, bool largest, bool first, T* result,
             T* room) {
  for (size_t k = 0; k < 4; ++k) {
    const int64_t* at = s.at.data() + k * s.cells;
    const T* weight = s.weight.data() + k * s.cells;
    for (size_t i = 0; i < s.cells; ++i) room[i] = values[at[i]];
    if (!largest) {
      arith.fma(weight, room, result, result, s.cells);
      continue;
    }
    arith.mul(weight, room, room, s.cells);
    if (first && k == 0) std::copy_n(room, s.cells, result);
    arith.max(result, room, result, s.cells);
  }
}

template <class T>
Status run_region(KernelContext& c, const num::Arith<T>& arith, const Region<T>& r, int64_t n) {
  const ir::Dims &in = c.in(0).dims(), &out = c.out(0).dims();
  const bool largest = c.op.attr_string("mode", "avg") == "max";
  const auto plane = static_cast<size_t>(in[2] * in[3]), cells = static_cast<size_t>(out[2] * out[3]);
  const auto channels = static_cast<size_t>(in[1]);
  SampledCells<T> samples(cells);
  std::vector<T> results(channels * cells), room(cells), map(plane);
  for (int64_t i = 0; i < r.rows * r.columns; ++i) {
    ASSAY_CHECK(check_cancel());  // a region may have as many samples as it likes
    samples.fill(r, i / r.columns, i % r.columns, in, out);
    for (size_t channel = 0; channel < channels; ++channel) {
      const auto begin = (r.batch * in[1] + static_cast<int64_t>(channel)) * static_cast<int64_t>(plane);
      take_in(arith, samples, load(c.in(0), begin, plane, map.data()), largest, i == 0, &results[channel * cells],
              room.data());
    }
  }
  const T count = static_cast<T>(std::max<int64_t>(r.rows * r.columns, 1));
  if (!largest) arith.div(results.data(), count, results.data(), results.size());
  store(c.out(0), n * in[1] * static_cast<int64_t>(cells), results.size(), results.data(), c.policy());
  return {};
}

template <class T>
Status run(KernelContext& c) {
  const num::Arith<T> arith(c.policy());
  const int64_t count = c.out(0).dims()[0];
  std::vector<Region<T>> regions;
  for (int64_t n = 0; n < count; ++n) {
    ASSAY_TRY(Region<T> region, region_at<T>(c, n));
    regions.push_back(region);
  }
  std::vector<Status> done(regions.size());
  c.threads.for_each(regions.size(), 1, [&](size_t begin, size_t end) {
    for (size_t n = begin; n < end; ++n) done[n] = run_region(c, arith, regions[n], static_cast<int64_t>(n));
  });
  for (Status& status : done) ASSAY_CHECK(std::move(status));
  return {};
}

Status eval(KernelContext& c) {
  const ir::Dims &x = c.in(0).dims(), &rois = c.in(1).dims();
  if (x.size() != 4 || rois.size() != 2 || rois[1] != 4 || c.in(2).size() != rois[0])
    return c.fail(Code::model_invalid, "X, rois and batch_indices do not fit together");
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() == 0) return {};
  if (x[2] == 0 || x[3] == 0) return c.fail(Code::model_invalid, "the map is empty");
  return computes_float64(c) ? run<double>(c) : run<float>(c);
}

/// Version 10 sampled without the half pixel.
Status upgrade_mode(UpgradeContext& c) {
  c.op.set_attr("coordinate_transformation_mode", std::string("output_half_pixel"));
  return {};
}

constexpr In kIn[] = {{"X", kFloats}, {"rois", kFloats, kExempt}, {"batch_indices", kInt64}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"mode", "avg"},        {"output_height", "1"},
                              {"output_width", "1"},  {"sampling_ratio", "0"},
                              {"spatial_scale", "1"}, {"coordinate_transformation_mode", "half_pixel"}};
constexpr Upgrade kUpgrades[] = {{16, upgrade_mode}};

}  // namespace

extern const OpDef kRoiAlign = {
    .name = "RoiAlign",
    .since = 22,
    .doc = "Regions of a map sampled bilinearly into cells of equal size.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "taps of a cell's samples, row by row, by fused multiply-adds; then / count",
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "crop_resize takes one sample a cell and does not say what lies outside of the image"},
    .to_nn = {.says = "cropResize takes one sample a cell and does not say what lies outside of the image"},
    .bound = {.f32 = 64, .f16 = 1, .bf16 = 1},
};

}  // namespace assay::ops

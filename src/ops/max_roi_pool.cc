// MaxRoiPool: the maximum over each cell of a region. Corners times the scale are rounded half away from zero, as the
// operator's origin (Caffe's ROI pooling) does; cells are cut by floor and ceil of multiples of their exact size.
#include <cmath>
#include <vector>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  const ir::Dims pooled = c.op().attr_ints("pooled_shape");
  constexpr int64_t kMost = 1 << 20;
  if (pooled.size() != 2 || std::min(pooled[0], pooled[1]) < 1 || std::max(pooled[0], pooled[1]) > kMost)
    return c.fail("max_roi_pool_c1", "pooled_shape is not two numbers from 1 to 1048576");
  std::vector<ir::Dim> shape = {ir::Dim(), ir::Dim(), pooled[0], pooled[1]};
  if (c.ranked(0)) {
    if (c.rank(0) != 4) return c.fail("max_roi_pool_c2", "X has rank " + std::to_string(c.rank(0)) + ", not 4");
    shape[1] = c.shape(0)[1];
  }
  if (c.ranked(1)) {
    if (c.rank(1) != 2 || (c.shape(1)[1].known() && c.shape(1)[1].value != 5))
      return c.fail("max_roi_pool_c3", "rois have type " + to_string(c.type(1)) + ", not 5 numbers each");
    shape[0] = c.shape(1)[0];
  }
  ir::Dims known;
  for (const ir::Dim& d : shape) known.push_back(d.known() ? d.value : 1);
  ASSAY_CHECK(check_size(c, known));
  c.set(0, c.elem(0), std::move(shape));
  return {};
}

/// Cells along one axis: cell i covers [first(i), last(i)) of the map.
struct Cells {
  int64_t start, extent, count, limit;
  int64_t first(int64_t i) const { return std::clamp<int64_t>(start + i * extent / count, 0, limit); }
  int64_t last(int64_t i) const {
    return std::clamp<int64_t>(start + ((i + 1) * extent + count - 1) / count, 0, limit);
  }
};

template <class T>
Status run(KernelContext& c) {
  const num::Arith<T> arith(c.policy());
  const ir::Dims &x = c.in(0).dims(), &y = c.out(0).dims();
  const T scale = static_cast<T>(c.op.attr_float("spatial_scale", 1));
  const int64_t plane = x[2] * x[3], cells = y[2] * y[3];
  struct Region {
    int64_t image;
    Cells rows, columns;
  };
  std::vector<Region> regions;
  for (int64_t n = 0; n < y[0]; ++n) {
    T roi[5];
    const T* r = load(c.in(1), n * 5, 5, roi);
    if (!(r[0] >= 0 && r[0] < static_cast<T>(x[0])))
      return c.fail(Code::value_range, "region " + std::to_string(n) + " is of image " + std::to_string(r[0]) + " of " +
                                           std::to_string(x[0]));
    int64_t corner[4];
    for (int k = 0; k < 4; ++k) {
      const T scaled = std::round(arith.mul(r[k + 1], scale));
      if (!(std::fabs(scaled) <= T(0x1p30)))
        return c.fail(Code::value_range, "corner " + std::to_string(r[k + 1]) + " of region " + std::to_string(n) +
                                             " is out of all bounds");
      corner[k] = static_cast<int64_t>(scaled);
    }
    const auto along = [&](int k, int64_t count, int64_t limit) {
      return Cells{corner[k], std::max<int64_t>(corner[k + 2] - corner[k] + 1, 1), count, limit};
    };
    regions.push_back({static_cast<int64_t>(r[0]), along(1, y[2], x[2]), along(0, y[3], x[3])});
  }
  c.threads.for_each(static_cast<size_t>(y[0] * y[1]), 1, [&](size_t begin, size_t end) {
    std::vector<T> map(static_cast<size_t>(plane)), out(static_cast<size_t>(cells));
    for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i) {
      const Region& r = regions[static_cast<size_t>(i / y[1])];
      const T* values = load(c.in(0), (r.image * x[1] + i % y[1]) * plane, map.size(), map.data());
      for (int64_t cell = 0; cell < cells; ++cell) {
        const int64_t row_end = r.rows.last(cell / y[3]), column = r.columns.first(cell % y[3]),
                      column_end = r.columns.last(cell % y[3]);
        T best = 0;  // of an empty cell
        bool any = false;
        for (int64_t row = r.rows.first(cell / y[3]); row < row_end && column < column_end; ++row) {
          const T top = arith.max_of(values + row * x[3] + column, static_cast<size_t>(column_end - column));
          if (any)
            arith.max(&best, top, &best, 1);
          else
            best = top;
          any = true;
        }
        out[static_cast<size_t>(cell)] = best;
      }
      store(c.out(0), i * cells, out.size(), out.data(), c.policy());
    }
  });
  return {};
}

Status eval(KernelContext& c) {
  const ir::Dims &x = c.in(0).dims(), &rois = c.in(1).dims();
  if (x.size() != 4 || rois.size() != 2 || rois[1] != 5)
    return c.fail(Code::model_invalid, "X and rois do not fit together");
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() == 0) return {};
  return computes_float64(c) ? run<double>(c) : run<float>(c);
}

constexpr In kIn[] = {{"X", kFloats}, {"rois", kFloats, kExempt}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"pooled_shape", ""}, {"spatial_scale", "1"}};

}  // namespace

extern const OpDef kMaxRoiPool = {
    .name = "MaxRoiPool",
    .since = 22,
    .doc = "The maximum over each cell of regions of a map, whose corners are rounded to pixels.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "Core ML's regions are sampled, not pooled"},
    .to_nn = {.says = "Core ML's regions are sampled, not pooled"},
};

}  // namespace assay::ops

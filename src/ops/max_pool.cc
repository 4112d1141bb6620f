// MaxPool. A NaN in a window makes the result NaN (IEEE 754-2019 maximum), where others drop it.
#include <cmath>
#include <limits>

#include "ops/lower/families.h"
#include "ops/max_plane.h"
#include "ops/move.h"
#include "ops/pool_rows.h"

namespace assay::ops {
namespace {

template <class T>
T lowest(ir::ElemType elem) {
  if (elem == ir::ElemType::int8) return T{-128};
  return elem == ir::ElemType::uint8 ? T{0} : -std::numeric_limits<T>::infinity();
}

/// Values alone, over one or two spatial axes, plane by plane.
template <class T>
void planes_only(KernelContext& c, const WindowAxis& rows, const WindowAxis& columns) {
  const num::Arith<T> arith(c.policy());
  const T none = lowest<T>(c.in(0).elem());
  const auto in = static_cast<size_t>(rows.in * columns.in), out = static_cast<size_t>(rows.out * columns.out);
  if (out == 0 || c.outputs[0].size() == 0) return;
  const size_t planes = static_cast<size_t>(c.outputs[0].size()) / out;
  c.threads.for_each(planes, std::max<size_t>(1, 8192 / std::max<size_t>(in, 1)), [&](size_t begin, size_t end) {
    std::vector<T> loaded(in), results(out), room(max_plane_room(columns));
    for (size_t p = begin; p < end; ++p) {
      const T* x = load_values(c.in(0), static_cast<int64_t>(p * in), in, loaded.data());
      x = arith.entered(x, in, loaded.data());
      max_plane(x, rows, columns, none, room.data(), results.data());
      arith.leave(results.data(), out);
      store_values(c.outputs[0], static_cast<int64_t>(p * out), out, results.data(), c.policy());
    }
  });
}

/// The same over more axes: first the maximum over the axes before the last, then over the taps of the last.
template <class T>
void values_only(KernelContext& c, const std::vector<WindowAxis>& axes) {
  const num::Arith<T> arith(c.policy());
  const T none = lowest<T>(c.in(0).elem());
  const WindowAxis& last = axes.back();
  const auto width = static_cast<size_t>(last.in), count = static_cast<size_t>(last.out);
  for_each_pool_row(c, axes, [&] {
    return [&, row = std::vector<T>(width), loaded = std::vector<T>(width), out = std::vector<T>(count),
            phased = PhasedRow<T>(last, none)](const PoolRow& at) mutable {
      size_t rows = 0;
      const T* best = nullptr;
      for_each_input_row(axes, at.index, [&](int64_t offset) {
        const T* next = load_values(c.in(0), at.in_plane + offset, width, rows == 0 ? row.data() : loaded.data());
        if (rows++ > 0) {
          arith.max(best, next, row.data(), width);
          best = row.data();
        } else {
          best = next;
        }
      });
      if (rows == 0) {
        std::fill(row.begin(), row.end(), none);
        best = row.data();
      }
      phased.set(best);
      // A window of one tap still makes its NaN the canonical one.
      arith.max(phased.tap(0), phased.tap(last.kernel > 1 ? 1 : 0), out.data(), count);
      for (int64_t k = 2; k < last.kernel; ++k) arith.max(out.data(), phased.tap(k), out.data(), count);
      store_values(c.outputs[0], at.out_begin, count, out.data(), c.policy());
    };
  });
}

/// Values and their flat positions in the input; the first of equals, and the first NaN, wins.
template <class T>
void with_indices(KernelContext& c, const std::vector<WindowAxis>& axes) {
  const bool column_major = c.op.attr_int("storage_order", 0) != 0;
  const WindowAxis& last = axes.back();
  const T none = lowest<T>(c.in(0).elem());
  ir::Dims strides(axes.size(), 1);  // of the index that is written
  if (column_major)
    for (size_t k = 1; k < axes.size(); ++k) strides[k] = strides[k - 1] * axes[k - 1].in;
  else
    for (size_t k = axes.size(); k-- > 1;) strides[k - 1] = strides[k] * axes[k].in;
  const auto position = [&](int64_t offset) {  // of a row-major offset in the plane
    int64_t at = 0;
    for (size_t k = axes.size(); k-- > 0;) {
      at += offset % axes[k].in * strides[k];
      offset /= axes[k].in;
    }
    return at;
  };
  for_each_pool_row(c, axes, [&] {
    return
        [&, loaded = std::vector<T>(static_cast<size_t>(last.in)), best = std::vector<T>(static_cast<size_t>(last.out)),
         where = std::vector<int64_t>(static_cast<size_t>(last.out))](const PoolRow& at) mutable {
          std::fill(best.begin(), best.end(), none);
          std::fill(where.begin(), where.end(), -1);
          for_each_input_row(axes, at.index, [&](int64_t offset) {
            const T* row = load_values(c.in(0), at.in_plane + offset, loaded.size(), loaded.data());
            for (size_t o = 0; o < best.size(); ++o) {
              const auto [lo, hi] = last.taps(static_cast<int64_t>(o));
              for (int64_t k = lo; k < hi; ++k) {
                const int64_t x = last.first(static_cast<int64_t>(o)) + k * last.dilation;
                const T v = row[x];
                const bool above = v > best[o] || (v == best[o] && std::signbit(best[o]) && !std::signbit(v));
                if (where[o] < 0 || above || (std::isnan(v) && !std::isnan(best[o]))) {
                  best[o] = std::isnan(v) ? std::numeric_limits<T>::quiet_NaN() : v;
                  where[o] = offset + x;
                }
              }
            }
          });
          for (size_t o = 0; o < best.size(); ++o) {
            const int64_t flat = where[o] < 0 ? 0 : at.in_plane + position(where[o]);
            c.outputs[1].set_int(at.out_begin + static_cast<int64_t>(o), flat);
          }
          if (c.wants(0)) store_values(c.outputs[0], at.out_begin, best.size(), best.data(), c.policy());
        };
  });
}

template <class T>
void run(KernelContext& c, const std::vector<WindowAxis>& axes) {
  if (c.wants(1)) return with_indices<T>(c, axes);
  if (axes.size() > 2) return values_only<T>(c, axes);
  WindowAxis one;
  one.in = one.out = 1;
  planes_only<T>(c, axes.size() == 2 ? axes[0] : one, axes.back());
}

Status eval(KernelContext& c) {
  ASSAY_TRY(const auto axes, pool_axes(c));
  ASSAY_CHECK(allocate_outputs(c));
  if (computes_float64(c))
    run<double>(c, axes);
  else
    run<float>(c, axes);
  return {};
}

constexpr In kIn[] = {{"X", kFloats | ir::type_set(ir::ElemType::int8) | ir::type_set(ir::ElemType::uint8)}};
constexpr Out kOut[] = {{"Y"}, {"Indices", kOptional}};
constexpr AttrDoc kAttrs[] = {{"kernel_shape", ""},   {"strides", "1"},   {"pads", "0"},         {"dilations", "1"},
                              {"auto_pad", "NOTSET"}, {"ceil_mode", "0"}, {"storage_order", "0"}};

}  // namespace

extern const OpDef kMaxPool = {
    .name = "MaxPool",
    .since = 22,
    .doc = "The maximum of each window (NaN if it holds one), and where it stands.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer_pool,
    .eval = eval,
    .to_mil = {max_pool_to_mil, "max_pool; of codes between casts"},
    .to_nn = {max_pool_to_nn, "pooling, pooling3d"},
};

}  // namespace assay::ops

// DeformConv: each tap of a window reads the input at a place of its own, by linear interpolation, times a mask; then
// the products are those of a convolution. Neighbours outside of the input are left out of an interpolation: a tap that
// has none is +0, and is multiplied like any other.
#include <cmath>
#include <vector>

#include "base/checked.h"
#include "ops/contraction/matrix_product.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"
#include "ops/window_attrs.h"

namespace assay::ops {
namespace {

constexpr size_t kMostAxes = 3;

int64_t groups_of(const ir::Op& op) { return op.attr_int("group", 1); }
int64_t offset_groups_of(const ir::Op& op) { return op.attr_int("offset_group", 1); }

/// Everything but the extents of the result, which inference gives; the shapes are known here.
std::string contradiction(const ir::Op& op, const ir::Dims& x, const ir::Dims& w) {
  const int64_t groups = groups_of(op), offset_groups = offset_groups_of(op);
  if (groups < 1 || offset_groups < 1) return "group or offset_group is not positive";
  const auto channels = checked_mul(w[1], groups);
  if (!channels || *channels != x[1] || w[0] % groups != 0)
    return std::to_string(x[1]) + " input channels and " + std::to_string(w[0]) + " output channels for " +
           std::to_string(groups) + " groups of " + std::to_string(w[1]);
  if (x[1] % offset_groups != 0)
    return std::to_string(x[1]) + " input channels in " + std::to_string(offset_groups) + " groups of offsets";
  return "";
}

Status infer(InferContext& c) {
  if (!c.ranked(0) || !c.ranked(1)) return c.set(0, c.elem(0), std::nullopt), Status{};
  const auto &x = c.shape(0), &w = c.shape(1);
  if (x.size() < 3 || x.size() != w.size())
    return c.fail("deform_conv_c1",
                  "X and W have ranks " + std::to_string(x.size()) + " and " + std::to_string(w.size()));
  if (x.size() > kMostAxes + 2) return c.fail("deform_conv_c2", "more than three spatial axes");
  if (c.type(0).is_static() && c.type(1).is_static())
    if (std::string why = contradiction(c.op(), c.type(0).dims(), c.type(1).dims()); !why.empty())
      return c.fail("deform_conv_c3", std::move(why));
  ASSAY_TRY(const KernelAttrs attrs, window_attrs(c, {w.begin() + 2, w.end()}, "deform_conv_c4"));
  std::vector<ir::Dim> out(x.size());
  out[0] = x[0];
  out[1] = w[0];
  for (size_t i = 0; i < attrs.axes.size(); ++i) {
    if (!x[i + 2].known() || attrs.axes[i].kernel < 0) continue;
    const int64_t extent = attrs.axes[i].out_extent(x[i + 2].value);
    if (extent < 0) return c.fail("deform_conv_c5", "axis " + std::to_string(i) + " of the result would be negative");
    out[i + 2] = extent;
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

/// What a tap reads: up to two neighbours along each axis, with their weights.
template <class T>
struct Place {
  size_t count = 0;
  int64_t at[1 << kMostAxes] = {};
  T weight[1 << kMostAxes] = {};
};

template <class T>
Place<T> place_of(const num::Arith<T>& arith, const T* coordinate, const ir::Dims& extents) {
  Place<T> p;
  T low_weight[kMostAxes], high_weight[kMostAxes];
  int64_t low[kMostAxes];
  const size_t axes = extents.size();
  for (size_t k = 0; k < axes; ++k) {
    const T v = coordinate[k];
    if (!(v > -1 && v < static_cast<T>(extents[k]))) return p;  // what is no number lies outside, too
    const T base = std::floor(v);
    low[k] = static_cast<int64_t>(base);
    high_weight[k] = arith.sub(v, base);
    low_weight[k] = arith.sub(T(1), high_weight[k]);
  }
  for (size_t corner = 0; corner < size_t{1} << axes; ++corner) {
    int64_t at = 0;
    T weight = T(1);
    bool inside = true;
    for (size_t k = 0; k < axes; ++k) {
      const bool high = corner >> (axes - 1 - k) & 1;
      const int64_t i = low[k] + (high ? 1 : 0);
      inside = inside && i >= 0 && i < extents[k];
      at = at * extents[k] + i;
      const T own = high ? high_weight[k] : low_weight[k];
      weight = k == 0 ? own : arith.mul(weight, own);
    }
    if (!inside) continue;
    p.at[p.count] = at;
    p.weight[p.count++] = weight;
  }
  return p;
}

/// The places of many points side by side. Those whose neighbours all lie in the input are summed together.
template <class T>
class Corners {
 public:
  Corners(size_t points, size_t corners)
      : points_(points),
        corners_(corners),
        places_(points),
        at_(points * corners),
        weight_(points * corners),
        read_(points) {}

  void set(size_t point, const Place<T>& place) {
    places_[point] = place;
    for (size_t n = 0; n < corners_; ++n) {
      at_[n * points_ + point] = n < place.count ? place.at[n] : 0;
      weight_[n * points_ + point] = n < place.count ? place.weight[n] : T{0};
    }
  }
  void sum(const num::Arith<T>& arith, const T* x, T* out) {
    std::fill_n(out, points_, T{0});
    for (size_t n = 0; n < corners_; ++n) {
      for (size_t p = 0; p < points_; ++p) read_[p] = x[at_[n * points_ + p]];
      arith.fma(&weight_[n * points_], read_.data(), out, out, points_);
    }
    for (size_t p = 0; p < points_; ++p) {
      const Place<T>& place = places_[p];
      if (place.count == corners_) continue;
      T sum = 0;
      for (size_t n = 0; n < place.count; ++n) arith.fma(&place.weight[n], &x[place.at[n]], &sum, &sum, 1);
      out[p] = sum;
    }
  }

 private:
  size_t points_, corners_;
  std::vector<Place<T>> places_;
  std::vector<int64_t> at_;
  std::vector<T> weight_, read_;
};

/// Positions of the windows and sizes of everything.
struct Shape {
  ir::Dims in, out, kernel;  ///< spatial
  std::vector<KernelAxis> axes;
  int64_t images, channels, taps, points, offset_groups;
};

Shape shape_of(const KernelContext& c) {
  const ir::Dims &x = c.in(0).dims(), &w = c.in(1).dims(), &y = c.outputs[0].dims();
  Shape s;
  s.in.assign(x.begin() + 2, x.end());
  s.out.assign(y.begin() + 2, y.end());
  s.kernel.assign(w.begin() + 2, w.end());
  s.axes = window_attrs_unchecked(c.op, s.kernel).axes;
  s.images = x[0];
  s.channels = x[1];
  s.taps = volume(s.kernel);
  s.points = volume(s.out);
  s.offset_groups = offset_groups_of(c.op);
  return s;
}

/// Columns [image][channel][tap][point] of what each tap reads.
template <class T>
void read_taps(KernelContext& c, const Shape& s, ir::Tensor& columns) {
  const num::Arith<T> arith(c.policy());
  const size_t axes = s.in.size();
  const auto points = static_cast<size_t>(s.points);
  const int64_t own = s.channels / s.offset_groups, plane = volume(s.in);
  const int64_t tasks = s.images * s.offset_groups * s.taps;
  c.threads.for_each(static_cast<size_t>(tasks), 1, [&](size_t begin, size_t end) {
    std::vector<std::vector<T>> at(axes, std::vector<T>(points));
    std::vector<T> offset(points), mask(points), values(static_cast<size_t>(plane));
    Corners<T> corners(points, size_t{1} << axes);
    for (auto task = static_cast<int64_t>(begin); task < static_cast<int64_t>(end); ++task) {
      const int64_t tap = task % s.taps, group = task / s.taps % s.offset_groups,
                    image = task / s.taps / s.offset_groups;
      ir::Dims of_tap(axes);
      for (size_t k = axes, rest = static_cast<size_t>(tap); k-- > 0; rest /= static_cast<size_t>(s.kernel[k]))
        of_tap[k] = static_cast<int64_t>(rest) % s.kernel[k];
      for (size_t k = 0; k < axes; ++k) {
        const KernelAxis& axis = s.axes[k];
        int64_t behind = 1;
        for (size_t j = k + 1; j < axes; ++j) behind *= s.out[j];
        for (size_t p = 0; p < points; ++p) {
          const int64_t o = static_cast<int64_t>(p) / behind % s.out[k];
          at[k][p] = static_cast<T>(o * axis.stride - axis.before + of_tap[k] * axis.dilation);
        }
        const int64_t row = (image * s.offset_groups + group) * s.taps * static_cast<int64_t>(axes) +
                            tap * static_cast<int64_t>(axes) + static_cast<int64_t>(k);
        arith.add(at[k].data(), load(c.in(2), row * s.points, points, offset.data()), at[k].data(), points);
      }
      for (size_t p = 0; p < points; ++p) {
        T coordinate[kMostAxes];
        for (size_t k = 0; k < axes; ++k) coordinate[k] = at[k][p];
        corners.set(p, place_of(arith, coordinate, s.in));
      }
      const T* m = nullptr;
      if (c.has(4))
        m = load(c.in(4), ((image * s.offset_groups + group) * s.taps + tap) * s.points, points, mask.data());
      for (int64_t channel = group * own; channel < (group + 1) * own; ++channel) {
        const T* x = load(c.in(0), (image * s.channels + channel) * plane, values.size(), values.data());
        T* out = columns.mutable_data<T>() + ((image * s.channels + channel) * s.taps + tap) * s.points;
        corners.sum(arith, x, out);
        if (m) arith.mul(out, m, out, points);
      }
    }
  });
}

Status check_operands(KernelContext& c, const Shape& s) {
  const auto axes = static_cast<int64_t>(s.in.size());
  const auto expect = [&](size_t input, int64_t rows) {
    ir::Dims dims = {s.images, s.offset_groups * s.taps * rows};
    dims.insert(dims.end(), s.out.begin(), s.out.end());
    return c.in(input).dims() == dims;
  };
  if (!expect(2, axes))
    return c.fail(Code::model_invalid, "offset of shape " + ir::to_string(c.in(2).dims()) + " for a result of shape " +
                                           ir::to_string(c.out(0).dims()));
  if (c.has(4) && !expect(4, 1))
    return c.fail(Code::model_invalid, "mask of shape " + ir::to_string(c.in(4).dims()) + " for a result of shape " +
                                           ir::to_string(c.out(0).dims()));
  if (c.has(3) && c.in(3).dims() != ir::Dims{c.in(1).dims()[0]})
    return c.fail(Code::model_invalid, "a bias of shape " + ir::to_string(c.in(3).dims()));
  return check_size(c, {s.images, s.channels, s.taps, s.points});
}

Status eval(KernelContext& c) {
  const ir::Dims &x = c.in(0).dims(), &w = c.in(1).dims();
  if (x.size() < 3 || x.size() > kMostAxes + 2 || x.size() != w.size())
    return c.fail(Code::model_invalid, "X and W do not fit together");
  if (std::string why = contradiction(c.op, x, w); !why.empty()) return c.fail(Code::model_invalid, std::move(why));
  ASSAY_CHECK(allocate_outputs(c));
  const Shape s = shape_of(c);
  ASSAY_CHECK(check_operands(c, s));
  if (c.out(0).size() == 0) return {};
  const bool wide = computes_float64(c);
  ir::Tensor columns = ir::Tensor::allocate(wide ? ir::ElemType::float64 : ir::ElemType::float32,
                                            {s.images, s.channels, s.taps, s.points});
  wide ? read_taps<double>(c, s, columns) : read_taps<float>(c, s, columns);
  contraction::MatrixProduct p;
  const auto groups = static_cast<size_t>(groups_of(c.op));
  p.batches = static_cast<size_t>(s.images) * groups;
  p.m = static_cast<size_t>(w[0]) / groups;
  p.k = static_cast<size_t>(w[1] * s.taps);
  p.n = static_cast<size_t>(s.points);
  p.a = contraction::matrix_view(c.in(1), p.m, p.k, true);
  p.b = contraction::matrix_view(columns, p.k, p.n, false);
  for (size_t b = 0; b < p.batches; ++b) {
    p.a_offsets.push_back(b % groups * p.m * p.k);
    p.b_offsets.push_back(b * p.k * p.n);
  }
  if (c.has(3)) p.addend = {.tensor = &c.in(3), .per_batch = p.m, .batches = groups, .per_row = 1};
  return contraction::multiply(c, p, nullptr);
}

constexpr In kIn[] = {
    {"X", kFloats}, {"W", kFloats}, {"offset", kFloats}, {"B", kFloats, kOptional}, {"mask", kFloats, kOptional}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"dilations", "1s"},   {"group", "1"}, {"kernel_shape", "of W"},
                              {"offset_group", "1"}, {"pads", "0s"}, {"strides", "1s"}};

}  // namespace

extern const OpDef kDeformConv = {
    .name = "DeformConv",
    .since = 22,
    .doc = "Convolution whose taps read the input at places of their own, by linear interpolation, times a mask.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::contraction,
    .accumulates = "products over (channel of the group, kernel axes)",
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "Core ML has no deformable convolution"},
    .to_nn = {.says = "Core ML has no deformable convolution"},
    .bound = {.f32 = 1e6},  // sums cancel
};

}  // namespace assay::ops

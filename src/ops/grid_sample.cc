// GridSample: the input read at given places. Taps of an axis ascend, each a fused multiply-add; the inner axes are
// summed first. A coordinate that is not a number counts as far outside.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "num/arith.h"
#include "ops/arithmetic_types.h"
#include "ops/elementwise.h"
#include "ops/lower/mil.h"
#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

enum class Padding : uint8_t { zeros, border, reflection };
enum class Mode : uint8_t { nearest = 1, linear = 2, cubic = 4 };  ///< taps along an axis

Status infer(InferContext& c) {
  if (!c.ranked(0) && !c.ranked(1)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  const int64_t rank = c.ranked(0) ? c.rank(0) : c.rank(1);
  if (rank < 3 || (c.ranked(0) && c.ranked(1) && c.rank(0) != c.rank(1)))
    return c.fail("grid_sample_c1", "X and grid do not have the same rank of at least 3");
  std::vector<ir::Dim> out(static_cast<size_t>(rank));
  if (c.ranked(1))
    for (size_t i = 2; i < out.size(); ++i) out[i] = c.shape(1)[i - 1];
  if (c.ranked(0)) {
    out[0] = c.shape(0)[0];
    out[1] = c.shape(0)[1];
    const ir::Dim* last = c.ranked(1) ? &c.shape(1).back() : nullptr;
    if (last && last->known() && last->value != rank - 2)
      return c.fail("grid_sample_c2", "the grid has " + std::to_string(last->value) + " coordinates a point");
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

template <class T>
T reflected(T x, T low, T high) {
  const T span = high - low;
  if (span <= 0) return low;
  const T distance = x < low ? low - x : x > high ? x - high : T{0};
  if (distance == 0) return x;
  const T turns = std::floor(distance / span), rest = distance - turns * span;
  const bool even = std::fmod(turns, T{2}) == 0;
  return (x < low) == even ? low + rest : high - rest;
}

/// Along one axis: taps that lie in the input, ascending, with their weights.
template <class T>
struct AxisTaps {
  int count = 0;
  int64_t index[4] = {};
  T weight[4] = {};
};

template <class T>
void cubic_weights(T r, T* w) {
  constexpr T a = T(-0.75);
  w[0] = ((a * (r + 1) - 5 * a) * (r + 1) + 8 * a) * (r + 1) - 4 * a;
  w[1] = ((a + 2) * r - (a + 3)) * r * r + 1;
  w[2] = ((a + 2) * (1 - r) - (a + 3)) * (1 - r) * (1 - r) + 1;
  w[3] = ((a * (2 - r) - 5 * a) * (2 - r) + 8 * a) * (2 - r) - 4 * a;
}

template <class T>
struct Sampler {
  Mode mode;
  Padding padding;
  bool align;

  AxisTaps<T> taps(T coordinate, int64_t extent) const {
    const T n = static_cast<T>(extent), low = align ? T{0} : T(-0.5), high = align ? n - 1 : n - T(0.5);
    T x = align ? (coordinate + 1) / 2 * (n - 1) : ((coordinate + 1) * n - 1) / 2;
    if (!(std::fabs(x) < T(1e9))) x = x > 0 ? T(1e9) : T(-1e9);
    if (mode == Mode::nearest) x = std::nearbyint(x);
    if (padding == Padding::border && (x < low || x > high)) x = std::clamp<T>(x, 0, n - 1);
    if (padding == Padding::reflection) x = reflected(x, low, high);
    T weights[4] = {1, 0, 0, 0};
    const T base = std::floor(x);
    int64_t first = static_cast<int64_t>(base);
    int count = 1;
    if (mode == Mode::linear) {
      weights[0] = 1 - (x - base);
      weights[1] = x - base;
      count = 2;
    } else if (mode == Mode::cubic) {
      cubic_weights(x - base, weights);
      --first;
      count = 4;
    }
    AxisTaps<T> out;
    for (int t = 0; t < count; ++t) {
      int64_t at = first + t;
      if (at < 0 || at >= extent) {
        if (padding == Padding::zeros) continue;
        if (padding == Padding::reflection) at = static_cast<int64_t>(reflected(static_cast<T>(at), low, high));
        at = std::clamp<int64_t>(at, 0, extent - 1);
      }
      out.index[out.count] = at;
      out.weight[out.count++] = weights[t];
    }
    return out;
  }
};

/// Integers between samples: toward zero, within the type; what is no number is 0.
template <class T>
void store_cut(ir::Tensor& out, int64_t begin, const T* values, size_t n) {
  const bool is_signed = ir::is_signed_integer(out.elem());
  const int bits = out.elem() == ir::ElemType::boolean ? 1 : ir::elem_bits(out.elem()) - (is_signed ? 1 : 0);
  const T end = static_cast<T>(std::ldexp(1.0, bits));  // the first number too large
  for (size_t i = 0; i < n; ++i) {
    const T v = std::trunc(values[i]);
    const auto largest = static_cast<int64_t>(bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1);
    int64_t whole = 0;
    if (v >= end)
      whole = largest;
    else if (v < 0)
      whole = !is_signed ? 0 : v < -end ? -largest - 1 : static_cast<int64_t>(v);
    else if (v == v)
      whole = static_cast<int64_t>(static_cast<uint64_t>(v));
    out.set_int(begin + static_cast<int64_t>(i), whole);
  }
}

constexpr size_t kPoints = 256;  ///< that are sampled together

/// Neighbouring points. Those whose taps all lie in the input are summed together, tap by tap; the others alone.
template <class T>
class Points {
 public:
  Points(const Sampler<T>& sampler, ir::Dims extents)
      : sampler_(sampler), extents_(std::move(extents)), strides_(strides_of(extents_)) {
    count_ = static_cast<int>(sampler.mode);
    index_.resize(extents_.size() * static_cast<size_t>(count_) * kPoints);
    weight_.resize(index_.size());
    taps_.resize(kPoints * extents_.size());
    room_.resize((extents_.size() + 1) * kPoints);
    at_.resize((extents_.size() + 1) * kPoints);
  }
  size_t axes() const { return extents_.size(); }

  /// The coordinates of n points, axes() each, the last axis of the input first.
  void set(const T* coordinates, size_t n) {
    n_ = n;
    alone_.clear();
    for (size_t i = 0; i < n; ++i) {
      bool whole = true;
      for (size_t k = 0; k < axes(); ++k) {
        AxisTaps<T>& taps = taps_[i * axes() + k];
        taps = sampler_.taps(coordinates[i * axes() + axes() - 1 - k], extents_[k]);
        whole = whole && taps.count == count_;
        for (int t = 0; t < count_; ++t) {
          index_[slot(k, t) + i] = t < taps.count ? taps.index[t] * strides_[k] : 0;
          weight_[slot(k, t) + i] = t < taps.count ? taps.weight[t] : T{0};
        }
      }
      if (!whole) alone_.push_back(i);
    }
  }

  /// results[i] of one channel.
  void sum(const num::Arith<T>& arith, const T* plane, T* results) {
    std::fill_n(at_.begin(), n_, 0);
    sum_axis(arith, plane, 0, results);
    for (const size_t i : alone_) results[i] = weighted(arith, &taps_[i * axes()], 0, plane);
  }

  /// The one element that "nearest" picks for point `i`, or -1.
  int64_t picked(size_t i) const {
    int64_t at = 0;
    for (size_t k = 0; k < axes(); ++k) {
      const AxisTaps<T>& taps = taps_[i * axes() + k];
      if (taps.count == 0) return -1;
      at += taps.index[0] * strides_[k];
    }
    return at;
  }

 private:
  size_t slot(size_t axis, int tap) const {
    return (axis * static_cast<size_t>(count_) + static_cast<size_t>(tap)) * kPoints;
  }

  /// Sums along `axis` and those inside of it, where the axes before are at at_[axis * kPoints + i].
  void sum_axis(const num::Arith<T>& arith, const T* plane, size_t axis, T* sums) {
    std::fill_n(sums, n_, T{0});
    T* values = &room_[axis * kPoints];
    const int64_t* before = &at_[axis * kPoints];
    int64_t* at = &at_[(axis + 1) * kPoints];
    for (int t = 0; t < count_; ++t) {
      const int64_t* index = &index_[slot(axis, t)];
      if (axis + 1 == axes()) {
        for (size_t i = 0; i < n_; ++i) values[i] = plane[before[i] + index[i]];
      } else {
        for (size_t i = 0; i < n_; ++i) at[i] = before[i] + index[i];
        sum_axis(arith, plane, axis + 1, values);
      }
      arith.fma(&weight_[slot(axis, t)], values, sums, sums, n_);
    }
  }

  T weighted(const num::Arith<T>& arith, const AxisTaps<T>* taps, size_t axis, const T* x) const {
    T sum = 0;
    for (int t = 0; t < taps[axis].count; ++t) {
      const T* from = x + taps[axis].index[t] * strides_[axis];
      const T value = axis + 1 == axes() ? *from : weighted(arith, taps, axis + 1, from);
      arith.fma(&taps[axis].weight[t], &value, &sum, &sum, 1);
    }
    return sum;
  }

  const Sampler<T>& sampler_;
  ir::Dims extents_, strides_;
  int count_;
  size_t n_ = 0;
  std::vector<int64_t> index_;  ///< by axis, tap and point, times the axis's stride
  std::vector<T> weight_;
  std::vector<AxisTaps<T>> taps_;
  std::vector<size_t> alone_;
  std::vector<T> room_;
  std::vector<int64_t> at_;
};

template <class T>
void run(KernelContext& c, const Sampler<T>& sampler) {
  const num::Arith<T> arith(c.policy());
  const ir::Tensor &x = c.in(0), &grid = c.in(1);
  ir::Tensor& out = c.out(0);
  const ir::Dims extents(x.dims().begin() + 2, x.dims().end());
  const auto axes = static_cast<int64_t>(extents.size());
  const int64_t channels = x.dims()[1], plane = volume(extents), points = out.size() / (x.dims()[0] * channels);
  std::fill_n(out.mutable_bytes(), out.byte_size(), std::byte{0});
  const bool moves = sampler.mode == Mode::nearest;  // elements of any type
  const auto piece = static_cast<int64_t>(kPoints);
  const int64_t pieces = (points + piece - 1) / piece;
  const auto tasks = static_cast<size_t>(x.dims()[0] * pieces);
  const auto body = [&](size_t begin, size_t end) {
    std::vector<T> map(static_cast<size_t>(moves ? 0 : plane)), places(kPoints * extents.size()), results(kPoints);
    Points<T> some(sampler, extents);
    for (auto task = static_cast<int64_t>(begin); task < static_cast<int64_t>(end); ++task) {
      const int64_t b = task / pieces, first = task % pieces * piece, n = std::min(piece, points - first);
      const auto count = static_cast<size_t>(n);
      some.set(load(grid, (b * points + first) * axes, count * extents.size(), places.data()), count);
      for (int64_t channel = b * channels; channel < (b + 1) * channels; ++channel) {
        const int64_t to = channel * points + first;
        if (moves) {
          for (int64_t i = 0; i < n; ++i)
            if (const int64_t pick = some.picked(static_cast<size_t>(i)); pick >= 0)
              copy_run(x, channel * plane + pick, out, to + i, 1);
          continue;
        }
        some.sum(arith, load(x, channel * plane, map.size(), map.data()), results.data());
        if (ir::is_float(out.elem()))
          store(out, to, count, results.data(), c.policy());
        else
          store_cut(out, to, results.data(), count);
      }
    }
  };
  if (ir::elem_bits(out.elem()) < 8)  // strings, and types whose neighbours share bytes
    body(0, tasks);
  else
    c.threads.for_each(tasks, 1, body);
}

Status eval(KernelContext& c) {
  const ir::Dims &x = c.in(0).dims(), &grid = c.in(1).dims();
  const std::string mode = c.op.attr_string("mode", "linear"), padding = c.op.attr_string("padding_mode", "zeros");
  if (x.size() < 3 || grid.size() != x.size() || grid[0] != x[0] || grid.back() != static_cast<int64_t>(x.size()) - 2)
    return c.fail(Code::model_invalid, "X and grid do not fit together");
  if ((mode != "linear" && mode != "nearest" && mode != "cubic") ||
      (padding != "zeros" && padding != "border" && padding != "reflection"))
    return c.fail(Code::model_invalid, "unknown mode '" + mode + "' or padding_mode '" + padding + "'");
  if (mode != "nearest" && !has_arithmetic(c.in(0).elem()))
    return c.fail(Code::type_unsupported, "there is nothing between two elements of this type");
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() == 0) return {};
  if (c.in(0).size() == 0) return c.fail(Code::model_invalid, "there is nothing to sample");
  const Padding pad = padding == "zeros" ? Padding::zeros : padding == "border" ? Padding::border : Padding::reflection;
  const bool align = c.op.attr_int("align_corners", 0) != 0;
  const Mode kind = mode == "nearest" ? Mode::nearest : mode == "linear" ? Mode::linear : Mode::cubic;
  if (computes_float64(c))
    run<double>(c, {kind, pad, align});
  else
    run<float>(c, {kind, pad, align});
  return {};
}

/// Modes had two-dimensional names before 20.
Status upgrade_mode(UpgradeContext& c) {
  const std::string mode = c.op.attr_string("mode", "bilinear");
  c.op.set_attr("mode", mode == "bilinear" ? std::string("linear") : mode == "bicubic" ? std::string("cubic") : mode);
  return {};
}

/// resample takes coordinates as they stand here. Reflection is about the outer pixels' centres under align_corners and
/// about the image's edges else, which it calls symmetric.
Status to_mil(MilContext& c) {
  const std::string mode = c.op.attr_string("mode", "linear"), padding = c.op.attr_string("padding_mode", "zeros");
  const bool align = c.op.attr_int("align_corners", 0) != 0;
  if (mode == "cubic") return c.refuse("cubic samples");
  if (mode == "nearest")
    return c.refuse("nearest samples: which of two equally near pixels is taken is not documented");
  if (c.rank(0) != 4) return c.refuse("other than two spatial axes");
  if (c.elem(0) != c.elem(1)) return c.refuse("a grid of another type than the image");
  if (c.precision() == mil::DataType::float16) c.need(7, "float16 coordinates");
  const char* pad = padding == "border"  ? "border"
                    : padding == "zeros" ? "constant"
                    : align              ? "reflection"
                                         : "symmetric";
  return c.emit("resample", {{"x", c.in(0)},
                             {"coordinates", c.in(1)},
                             {"sampling_mode", mil::of_text("bilinear")},
                             {"padding_mode", mil::of_text(pad)},
                             {"padding_value", c.number(0)},
                             {"coordinates_mode", mil::of_text("normalized_minus_one_to_one")},
                             {"align_corners", mil::of_bool(align)}});
}

constexpr In kIn[] = {{"X", kNumbers | kBool | kStrings | kComplex}, {"grid", kFloats}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"mode", "linear"}, {"padding_mode", "zeros"}, {"align_corners", "0"}};
constexpr Upgrade kUpgrades[] = {{20, upgrade_mode}};

}  // namespace

extern const OpDef kGridSample = {
    .name = "GridSample",
    .since = 22,
    .doc = "The input read at the places that a grid names: nearest, linear or cubic.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .numeric = Numeric::composite,
    .accumulates = "taps of an axis, ascending, by fused multiply-adds; inner axes first",
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "resample"},
    .to_nn = {.says = "no layer samples at given places"},
    .bound = {.f32 = 64, .f16 = 1, .bf16 = 1},
};

}  // namespace assay::ops

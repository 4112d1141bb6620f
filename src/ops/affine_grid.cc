// AffineGrid: points of an image, evenly spaced in [-1, 1], moved by affine matrices: the steps of ONNX's function
// body. A coordinate is start + i * step; the product with a matrix is a chain of fused multiply-adds over x, y,
// (z,) 1.
#include <array>
#include <vector>

#include "num/accumulate.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  std::optional<size_t> axes;
  if (c.ranked(0)) {
    const std::vector<ir::Dim>& theta = c.shape(0);
    if (theta.size() != 3)
      return c.fail("affine_grid_c1", "theta has rank " + std::to_string(theta.size()) + ", not 3");
    if (theta[1].known()) {
      axes = static_cast<size_t>(theta[1].value);
      if ((*axes != 2 && *axes != 3) || (theta[2].known() && theta[2].value != theta[1].value + 1))
        return c.fail("affine_grid_c2", "theta holds neither 2 x 3 nor 3 x 4 matrices");
    }
  }
  const auto size = constant_ints(c, 1);
  if (size && (size->size() < 4 || size->size() > 5 || (axes && size->size() != *axes + 2)))
    return c.fail("affine_grid_c3", "size has " + std::to_string(size->size()) + " elements");
  if (!size) {
    std::optional<std::vector<ir::Dim>> shape;
    if (axes) {
      shape.emplace(*axes + 2);
      shape->front() = c.shape(0)[0];
      shape->back() = static_cast<int64_t>(*axes);
    }
    return c.set(0, c.elem(0), std::move(shape)), Status{};
  }
  ir::Dims dims = {(*size)[0]};
  dims.insert(dims.end(), size->begin() + 2, size->end());
  dims.push_back(static_cast<int64_t>(size->size()) - 2);
  if (c.ranked(0) && c.shape(0)[0].known() && c.shape(0)[0].value != dims[0])
    return c.fail("affine_grid_c4",
                  std::to_string(c.shape(0)[0].value) + " matrices for " + std::to_string(dims[0]) + " images");
  ASSAY_CHECK(check_size(c, dims));
  c.set(0, ir::Type::of(c.elem(0), dims));
  return {};
}

/// The coordinates of an axis of n points.
template <class T>
std::vector<T> coordinates(const num::Arith<T>& arith, size_t n, bool align_corners) {
  const T extent = static_cast<T>(n);
  T step = T(0), start = T(-1);
  if (align_corners) {
    if (n > 1) step = arith.div(T(2), arith.sub(extent, T(1)));
  } else {
    step = arith.div(T(2), extent);
    start = arith.add(T(-1), arith.div(step, T(2)));
  }
  std::vector<T> x(n);
  for (size_t i = 0; i < n; ++i) x[i] = static_cast<T>(i);
  arith.mul(x.data(), step, x.data(), n);
  arith.add(x.data(), start, x.data(), n);
  return x;
}

template <class T>
void run(KernelContext& c) {
  const num::Policy& policy = c.policy();
  const num::Arith<T> arith(policy);
  const bool align = c.op.attr_int("align_corners", 0) != 0;
  const ir::Dims& dims = c.out(0).dims();
  const auto axes = static_cast<size_t>(dims.back());
  std::vector<std::vector<T>> along;  // axes of the image, the slowest first
  for (size_t k = 0; k < axes; ++k) along.push_back(coordinates(arith, static_cast<size_t>(dims[k + 1]), align));
  const size_t width = along.back().size(), rows = static_cast<size_t>(c.out(0).size()) / (width * axes);
  const bool chain = policy.accumulator == num::Accumulator{} && !policy.operand;
  const size_t terms = axes + 1;
  c.threads.for_each(rows, std::max<size_t>(1, kGrain / (width * axes)), [&](size_t begin, size_t end) {
    T matrix[12];
    std::array<std::vector<T>, 4> point;  // x, y, (z,) 1 of each point of a row
    for (std::vector<T>& p : point) p.assign(width, T(1));
    std::vector<T> sum(width), factor(width), out(width * axes);
    for (size_t row = begin; row < end; ++row) {
      size_t rest = row;
      for (size_t k = axes - 1; k-- > 0;) {
        std::fill(point[axes - 1 - k].begin(), point[axes - 1 - k].end(), along[k][rest % along[k].size()]);
        rest /= along[k].size();
      }
      point[0] = along.back();
      const T* m = load(c.in(0), static_cast<int64_t>(rest * axes * terms), axes * terms, matrix);
      for (size_t a = 0; a < axes; ++a) {
        std::fill(sum.begin(), sum.end(), T(0));
        for (size_t k = 0; chain && k < terms; ++k) {
          std::fill(factor.begin(), factor.end(), m[a * terms + k]);
          arith.fma(factor.data(), point[k].data(), sum.data(), sum.data(), width);
        }
        for (size_t i = 0; !chain && i < width; ++i) {
          double left[4], right[4];
          for (size_t k = 0; k < terms; ++k)
            left[k] = static_cast<double>(m[a * terms + k]), right[k] = static_cast<double>(point[k][i]);
          sum[i] = static_cast<T>(num::dot_reference(policy, left, right, terms));
        }
        for (size_t i = 0; i < width; ++i) out[i * axes + a] = sum[i];
      }
      store(c.out(0), static_cast<int64_t>(row * out.size()), out.size(), out.data(), policy);
    }
  });
}

Status eval(KernelContext& c) {
  const ir::Dims& theta = c.in(0).dims();
  const auto axes = static_cast<size_t>(c.in(1).size()) - 2;
  const bool fits = (axes == 2 || axes == 3) && theta.size() == 3 && theta[1] == static_cast<int64_t>(axes) &&
                    theta[2] == theta[1] + 1 && theta[0] == c.in(1).int_at(0);
  if (!fits) return c.fail(Code::model_invalid, "theta of shape " + ir::to_string(theta) + " does not fit size");
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() == 0) return {};
  computes_float64(c) ? run<double>(c) : run<float>(c);
  return {};
}

constexpr In kIn[] = {{"theta", kFloats}, {"size", kInt64, kExempt}};
constexpr Out kOut[] = {{"grid"}};
constexpr AttrDoc kAttrs[] = {{"align_corners", "0"}};

}  // namespace

extern const OpDef kAffineGrid = {
    .name = "AffineGrid",
    .since = 20,
    .doc = "Points of an image or volume, evenly spaced in [-1, 1], times affine matrices.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "products over the coordinates of a point",
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "Core ML's affine resampling makes no grid"},
    .to_nn = {.says = "Core ML's affine resampling makes no grid"},
    .bound = {.f32 = 1e6},  // translations may cancel
};

}  // namespace assay::ops

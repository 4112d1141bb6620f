// Poolings against loops over every window, over many geometries.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using ir::Dims;
using ir::ElemType;
using ir::Tensor;
using testing::f32;
using testing::OneOp;

struct Geometry {
  Dims in, kernel, strides, dilations, pads;
  bool ceil = false;
};

const Geometry kGeometries[] = {
    {{2, 3, 9, 11}, {3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}},
    {{1, 2, 8, 37}, {2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}},
    {{1, 1, 12, 40}, {3, 5}, {1, 1}, {1, 1}, {1, 2, 1, 2}},
    {{1, 2, 10, 10}, {3, 2}, {3, 1}, {2, 3}, {0, 1, 2, 1}},
    {{1, 1, 7, 5}, {2, 3}, {3, 3}, {1, 1}, {1, 0, 0, 1}, true},
    {{1, 1, 5, 6, 7}, {2, 3, 2}, {1, 2, 3}, {1, 1, 1}, {0, 1, 0, 1, 0, 1}},
    {{1, 2, 7, 8, 19}, {5, 5, 3}, {1, 1, 2}, {1, 1, 1}, {1, 2, 1, 2, 1, 1}},
};

/// Visits the taps of each output in order: f(output, input offset or -1 in the pads, whether an explicit pad).
template <class Start, class Tap, class End>
void for_each_window(const Geometry& g, const Dims& out, const Start& start, const Tap& tap, const End& end) {
  const size_t n = g.kernel.size();
  const int64_t planes = g.in[0] * g.in[1];
  Dims o(n), k(n);
  const auto step = [](Dims& index, const Dims& extents) {
    for (size_t i = extents.size(); i-- > 0;) {
      if (++index[i] < extents[i]) return true;
      index[i] = 0;
    }
    return false;
  };
  const Dims places(out.begin() + 2, out.end());
  int64_t at = 0;
  for (int64_t p = 0; p < planes; ++p) {
    do {
      start();
      do {
        int64_t offset = p;
        bool inside = true, padded = true;
        for (size_t i = 0; i < n; ++i) {
          const int64_t x = o[i] * g.strides[i] - g.pads[i] + k[i] * g.dilations[i], extent = g.in[i + 2];
          inside = inside && x >= 0 && x < extent;
          padded = padded && x < extent + g.pads[n + i];
          offset = offset * extent + x;
        }
        tap(inside ? offset : -1, padded);
      } while (step(k, g.kernel));
      end(at++);
    } while (step(o, places));
  }
}

OneOp pool(const char* type, const Geometry& g, const Tensor& x) {
  return OneOp(type)
      .attr("kernel_shape", g.kernel)
      .attr("strides", g.strides)
      .attr("dilations", g.dilations)
      .attr("pads", g.pads)
      .attr("ceil_mode", int64_t{g.ceil})
      .in(x);
}

Tensor random(const Dims& dims) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  return f32(dims, testing::random_floats(static_cast<size_t>(n), -2, 2));
}

TEST(Pool, MaxAndItsIndices) {
  for (const Geometry& g : kGeometries) {
    const Tensor x = random(g.in), y = pool("MaxPool", g, x).threads(2).run();
    const auto both = pool("MaxPool", g, x).outputs(2).run_all();
    EXPECT_TRUE(same_bits(y, both[0]));
    float best = 0;
    int64_t where = -1;
    for_each_window(
        g, y.dims(), [&] { best = -INFINITY, where = -1; },
        [&](int64_t at, bool) {
          if (at >= 0 && (where < 0 || x.data<float>()[at] > best)) best = x.data<float>()[at], where = at;
        },
        [&](int64_t o) {
          EXPECT_EQ(y.data<float>()[o], best);
          EXPECT_EQ(both[1].int_at(o), where);
        });
  }
}

TEST(Pool, AverageAddsInOrderAndDividesOnce) {
  for (const Geometry& g : kGeometries) {
    for (const int64_t include : {0, 1}) {
      const Tensor x = random(g.in);
      const Tensor y = pool("AveragePool", g, x).attr("count_include_pad", include).threads(2).run();
      float sum = 0;
      int count = 0;
      for_each_window(
          g, y.dims(), [&] { sum = 0, count = 0; },
          [&](int64_t at, bool padded) {
            if (at >= 0) sum += x.data<float>()[at];
            count += include != 0 ? padded : at >= 0;
          },
          [&](int64_t o) { EXPECT_EQ(y.data<float>()[o], sum / static_cast<float>(count)); });
    }
  }
}

TEST(Pool, NormWithSquaresByFma) {
  const Geometry& g = kGeometries[0];
  const Tensor x = random(g.in), y = pool("LpPool", g, x).run();
  float sum = 0;
  for_each_window(
      g, y.dims(), [&] { sum = 0; },
      [&](int64_t at, bool) { sum = at >= 0 ? std::fma(x.data<float>()[at], x.data<float>()[at], sum) : sum; },
      [&](int64_t o) { EXPECT_EQ(y.data<float>()[o], std::sqrt(sum)); });
}

TEST(Pool, MaxKeepsNanAndPrefersPositiveZero) {
  const float nan = std::bit_cast<float>(0xffc12345u);
  const Geometry g{{1, 1, 1, 4}, {1, 2}, {1, 2}, {1, 1}, {0, 0, 0, 0}};
  const Tensor y = pool("MaxPool", g, f32(g.in, {-0.0F, 0.0F, 7.0F, nan})).run();
  EXPECT_EQ(y.data<uint32_t>()[0], 0u);
  EXPECT_EQ(y.data<uint32_t>()[1], 0x7fc00000u);
}

TEST(Pool, NarrowStorageRoundsOnce) {
  const Geometry g{{1, 1, 2, 2}, {2, 2}, {1, 1}, {1, 1}, {0, 0, 0, 0}};
  const std::vector<double> values = {2048, 1, 1, 1};  // added in float16 step by step the ones would be lost
  const Tensor x = testing::floats(ElemType::float16, g.in, values);
  OneOp op("AveragePool");
  const Tensor y = op.attr("kernel_shape", g.kernel).in(x, ElemType::float32).storage(ElemType::float16).run();
  EXPECT_EQ(y.elem(), ElemType::float16);
  EXPECT_EQ(y.float_at(0),
            513.0);  // 512.75 on the lattice of float16, where 513 is nearest (step 0.5: 512.75 ties to even)
}

TEST(Pool, BadGeometryIsAnError) {
  const Tensor x = random({1, 1, 4, 4});
  EXPECT_FALSE(OneOp("MaxPool").attr("kernel_shape", Dims{2, 2}).attr("strides", Dims{0, 1}).in(x).try_run().ok());
  EXPECT_FALSE(OneOp("MaxPool").attr("kernel_shape", Dims{2}).in(x).try_run().ok());
  EXPECT_FALSE(OneOp("MaxPool").attr("kernel_shape", Dims{INT64_MAX, 2}).in(x).try_run().ok());
}

}  // namespace
}  // namespace assay::ops

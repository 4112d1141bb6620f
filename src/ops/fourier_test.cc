// DFT, STFT and windows against sums in long double.
#include "ops/fourier.h"

#include <cmath>
#include <complex>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using namespace testing;
using ir::ElemType;
using Complex = std::complex<long double>;

std::vector<Complex> slow(const std::vector<Complex>& x, bool inverse) {
  const auto n = x.size();
  std::vector<Complex> y(n);
  const long double turn = (inverse ? 2 : -2) * std::acos(-1.0L) / static_cast<long double>(n);
  for (size_t k = 0; k < n; ++k) {
    for (size_t j = 0; j < n; ++j) y[k] += x[j] * std::polar(1.0L, turn * static_cast<long double>(j * k % n));
    if (inverse) y[k] /= static_cast<long double>(n);
  }
  return y;
}

TEST(FourierTest, EveryLengthAgreesWithTheDefinition) {
  std::vector<size_t> lengths;
  for (size_t n = 1; n <= 70; ++n) lengths.push_back(n);
  for (const size_t n : {97, 128, 134, 210, 251, 256, 625, 997, 1000, 1021}) lengths.push_back(n);
  for (const size_t n : lengths) {
    const auto a = random_floats(2 * n, -1, 1, n);
    std::vector<Complex> x(n);
    std::vector<double> re(n), im(n);
    for (size_t j = 0; j < n; ++j) {
      re[j] = a[2 * j], im[j] = a[2 * j + 1];
      x[j] = {re[j], im[j]};
    }
    const Fourier fourier(n);
    const std::vector<double> first_re = re, first_im = im;
    fourier.forward(re.data(), im.data());
    const auto want = slow(x, false);
    const double bound = 4e-15 * std::sqrt(static_cast<double>(n));
    for (size_t k = 0; k < n; ++k) {
      EXPECT_NEAR(re[k], static_cast<double>(want[k].real()), bound) << n;
      EXPECT_NEAR(im[k], static_cast<double>(want[k].imag()), bound) << n;
    }
    fourier.inverse(re.data(), im.data());
    for (size_t k = 0; k < n; ++k) {
      EXPECT_NEAR(re[k], first_re[k], 1e-14) << n;
      EXPECT_NEAR(im[k], first_im[k], 1e-14) << n;
    }
  }
}

TEST(FourierTest, QuarterTurnsAreExact) {
  double re[4] = {1, 2, 3, 4}, im[4] = {};
  Fourier(4).forward(re, im);
  EXPECT_EQ(std::vector<double>(re, re + 4), (std::vector<double>{10, -2, -2, -2}));
  EXPECT_EQ(std::vector<double>(im, im + 4), (std::vector<double>{0, 2, 0, -2}));
}

/// Along axis 1 of [2][n][3][parts].
std::vector<Complex> column(const ir::Tensor& t, int64_t image, int64_t inner) {
  const int64_t n = t.dims()[1], width = t.dims()[2], parts = t.dims()[3];
  std::vector<Complex> x;
  for (int64_t j = 0; j < n; ++j) {
    const int64_t at = ((image * n + j) * width + inner) * parts;
    x.emplace_back(t.float_at(at), parts == 2 ? t.float_at(at + 1) : 0.0);
  }
  return x;
}

TEST(DftTest, FormsAndLengths) {
  for (const int64_t parts : {1, 2}) {
    for (const int64_t length : {0, 5, 9, 67}) {  // 0: not given
      for (const bool inverse : {false, true}) {
        const auto x = f32({2, 7, 3, parts}, random_floats(static_cast<size_t>(42 * parts), -1, 1, 5));
        const auto make = [&] {
          OneOp op("DFT");
          op.attr("inverse", int64_t{inverse}).in(x);
          length ? op.in(ir::Tensor::scalar(length)) : op.absent();
          return std::move(op.in(ir::Tensor::scalar(int64_t{-3})));
        };
        const auto y = run_everywhere(make);
        const int64_t n = length ? length : 7;
        ASSERT_EQ(y.dims(), (ir::Dims{2, n, 3, 2}));
        for (int64_t image = 0; image < 2; ++image)
          for (int64_t inner = 0; inner < 3; ++inner) {
            auto in = column(x, image, inner);
            in.resize(static_cast<size_t>(n));
            const auto want = slow(in, inverse);
            const auto got = column(y, image, inner);
            for (size_t k = 0; k < want.size(); ++k)
              EXPECT_LT(std::abs(got[k] - want[k]), 6e-8L * (std::abs(want[k]) + 1e-6L)) << k << " of " << n;
          }
      }
    }
  }
}

TEST(DftTest, HalvesOfRealSignals) {
  for (const int64_t n : {6, 7}) {
    const auto x = f32({1, n, 1}, random_floats(static_cast<size_t>(n), -1, 1));
    const auto whole = OneOp("DFT").in(x).run();
    const auto half = OneOp("DFT").attr("onesided", int64_t{1}).in(x).run();
    ASSERT_EQ(half.dims(), (ir::Dims{1, n / 2 + 1, 2}));
    for (int64_t i = 0; i < half.size(); ++i) EXPECT_EQ(half.float_at(i), whole.float_at(i));
    const auto back =
        OneOp("DFT").attr("onesided", int64_t{1}).attr("inverse", int64_t{1}).in(half).in(ir::Tensor::scalar(n)).run();
    ASSERT_EQ(back.dims(), (ir::Dims{1, n, 1}));
    for (int64_t i = 0; i < n; ++i) EXPECT_NEAR(back.float_at(i), x.float_at(i), 2e-7);
  }
}

TEST(DftTest, TypesPoliciesAndOlderVersions) {
  const auto values = random_floats(24, -1, 1);
  const auto x = f32({2, 6, 1, 2}, values);
  const auto wide = f64({2, 6, 1, 2}, std::vector<double>(values.begin(), values.end()));
  const auto exact = OneOp("DFT").in(wide).in(ir::Tensor::scalar(int64_t{6})).in(ir::Tensor::scalar(int64_t{1})).run();
  const auto make = [&] { return std::move(OneOp("DFT").in(x).absent().in(ir::Tensor::scalar(int64_t{1}))); };
  for (int64_t i = 0; i < 24; ++i)  // one rounding of the float64 sums
    EXPECT_EQ(make().run().data<float>()[i], static_cast<float>(exact.data<double>()[i]));
  EXPECT_TRUE(ir::same_bits(make().run(), OneOp("DFT").opset(17).in(x).run()));
  const auto half = make().storage(ElemType::float16).run();
  for (int64_t i = 0; i < 24; ++i) EXPECT_EQ(half.data<uint16_t>()[i], num::float16_bits(exact.data<double>()[i]));
}

TEST(DftTest, WhatCannotBe) {
  const auto x = f32({2, 4, 2}, random_floats(16, -1, 1)), real = f32({2, 4, 1}, random_floats(8, -1, 1));
  const auto fails = [](OneOp& op) { return !op.try_run().ok(); };
  const auto number = [](int64_t v) { return ir::Tensor::scalar(v); };
  EXPECT_TRUE(fails(OneOp("DFT").in(x).in(number(0))));
  EXPECT_TRUE(fails(OneOp("DFT").in(x).in(number(-3))));
  EXPECT_TRUE(fails(OneOp("DFT").in(x).in(number(int64_t{1} << 40))));
  EXPECT_TRUE(fails(OneOp("DFT").in(x).absent().in(number(2))));
  EXPECT_TRUE(fails(OneOp("DFT").in(x).absent().in(number(-1))));
  EXPECT_TRUE(fails(OneOp("DFT").in(x).absent().in(number(-4))));
  EXPECT_TRUE(fails(OneOp("DFT").attr("onesided", int64_t{1}).in(x)));
  EXPECT_TRUE(fails(OneOp("DFT").attr("onesided", int64_t{1}).attr("inverse", int64_t{1}).in(real)));
  EXPECT_TRUE(fails(OneOp("DFT").in(f32({2, 4, 3}, random_floats(24, -1, 1)))));
  EXPECT_TRUE(fails(OneOp("DFT").in(f32({2}, {1, 2}))));
  EXPECT_TRUE(std::isnan(OneOp("DFT").in(f32({4, 1}, {1, NAN, 2, 3})).run().float_at(0)));
}

TEST(StftTest, FramesOfAWindowedSignal) {
  const auto x = f32({2, 40, 1}, random_floats(80, -1, 1)), window = f32({9}, random_floats(9, 0, 1, 2));
  const auto y = run_everywhere([&] { return OneOp("STFT").in(x).in(ir::Tensor::scalar(int64_t{4})).in(window); });
  ASSERT_EQ(y.dims(), (ir::Dims{2, 8, 5, 2}));
  for (int64_t image = 0; image < 2; ++image)
    for (int64_t frame = 0; frame < 8; ++frame) {
      std::vector<Complex> in;
      for (int64_t j = 0; j < 9; ++j) in.emplace_back(x.float_at(image * 40 + frame * 4 + j) * window.float_at(j));
      const auto want = slow(in, false);
      for (int64_t k = 0; k < 5; ++k) {
        const int64_t at = ((image * 8 + frame) * 5 + k) * 2;
        EXPECT_NEAR(y.float_at(at), static_cast<double>(want[static_cast<size_t>(k)].real()), 2e-7);
        EXPECT_NEAR(y.float_at(at + 1), static_cast<double>(want[static_cast<size_t>(k)].imag()), 2e-7);
      }
    }
  const auto step = ir::Tensor::scalar(int64_t{4}), length = ir::Tensor::scalar(int64_t{8});
  EXPECT_EQ(OneOp("STFT").attr("onesided", int64_t{0}).in(x).in(step).absent().in(length).run().dims(),
            (ir::Dims{2, 9, 8, 2}));
  EXPECT_FALSE(OneOp("STFT").in(x).in(ir::Tensor::scalar(int64_t{0})).in(window).try_run().ok());
  EXPECT_FALSE(OneOp("STFT").in(x).in(step).absent().in(ir::Tensor::scalar(int64_t{41})).try_run().ok());
  EXPECT_FALSE(OneOp("STFT").in(x).in(step).absent().in(ir::Tensor::scalar(int64_t{-1})).try_run().ok());
  EXPECT_FALSE(OneOp("STFT").in(f32({1, 8, 2}, random_floats(16, -1, 1))).in(step).absent().in(length).try_run().ok());
}

TEST(WindowTest, CosinesOfEachKind) {
  const auto check = [](const char* kind, double a0, double a1, double a2) {
    for (const int64_t periodic : {0, 1}) {
      const auto y =
          run_everywhere([&] { return OneOp(kind).attr("periodic", periodic).in(ints(ElemType::int32, {}, {10})); });
      for (int64_t i = 0; i < 10; ++i) {
        const double w = 2 * std::acos(-1.0) * static_cast<double>(i) / (periodic ? 10 : 9);
        EXPECT_NEAR(y.float_at(i), a0 - a1 * std::cos(w) + a2 * std::cos(2 * w), 4e-7) << kind << i;
      }
    }
  };
  check("HannWindow", 0.5, 0.5, 0);
  check("HammingWindow", 25.0 / 46, 21.0 / 46, 0);
  check("BlackmanWindow", 0.42, 0.5, 0.08);
  for (const int64_t type : {2, 3, 6, 7, 10, 11, 16})
    EXPECT_EQ(OneOp("HannWindow").attr("output_datatype", type).in(i64({}, {6})).run().elem(),
              *ir::elem_from_onnx(type));
  EXPECT_EQ(OneOp("HannWindow").in(i64({}, {0})).run().size(), 0);
  EXPECT_FALSE(OneOp("HannWindow").in(i64({}, {-1})).try_run().ok());
  EXPECT_FALSE(OneOp("HannWindow").in(i64({}, {int64_t{1} << 60})).try_run().ok());
  EXPECT_FALSE(OneOp("HannWindow").in(i64({2}, {1, 2})).try_run().ok());
  EXPECT_FALSE(OneOp("HannWindow").attr("output_datatype", int64_t{8}).in(i64({}, {3})).try_run().ok());
}

TEST(WindowTest, MelWeights) {
  const auto make = [](int64_t bands, int64_t length, int64_t rate, float low, float high) {
    return std::move(OneOp("MelWeightMatrix")
                         .in(i64({}, {bands}))
                         .in(i64({}, {length}))
                         .in(i64({}, {rate}))
                         .in(ir::Tensor::scalar(low))
                         .in(ir::Tensor::scalar(high)));
  };
  const auto y = make(8, 16, 8192, 0, 4096).run();
  ASSERT_EQ(y.dims(), (ir::Dims{9, 8}));
  for (int64_t i = 0; i < y.size(); ++i) {
    EXPECT_GE(y.float_at(i), 0);
    EXPECT_LE(y.float_at(i), 1);
  }
  EXPECT_EQ(y.float_at(0), 1);
  EXPECT_EQ(y.float_at(1), 1);
  EXPECT_EQ(y.float_at(8 + 2), 1);
  EXPECT_FALSE(make(-1, 16, 8192, 0, 4096).try_run().ok());
  EXPECT_FALSE(make(8, -16, 8192, 0, 4096).try_run().ok());
  EXPECT_FALSE(make(8, 16, 0, 0, 4096).try_run().ok());
  EXPECT_FALSE(make(8, 16, 8192, 0, 1e9F).try_run().ok());
  EXPECT_FALSE(make(8, 16, 8192, NAN, 4096).try_run().ok());
  EXPECT_FALSE(make(int64_t{1} << 40, int64_t{1} << 40, 8192, 0, 4096).try_run().ok());
}

}  // namespace
}  // namespace assay::ops

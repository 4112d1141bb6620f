// Core ML's resample (an image read at given coordinates) and affine (the coordinates are an affine map of the
// output's).
#include "num/arith.h"
#include "ops/coreml_sample.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

enum class Units : uint8_t { samples, minus_one_to_one, zero_to_one };

std::optional<Units> units(std::string_view coordinates_mode) {
  if (coordinates_mode == "unnormalized") return Units::samples;
  if (coordinates_mode == "normalized_minus_one_to_one") return Units::minus_one_to_one;
  if (coordinates_mode == "normalized_zero_to_one") return Units::zero_to_one;
  return std::nullopt;
}

/// A coordinate in samples. `align`: -1 and 1 (0 and 1) are the centres of the outermost samples, else their edges.
template <class T>
T in_samples(T c, int64_t extent, Units units, bool align) {
  const T n = static_cast<T>(extent);
  if (units == Units::minus_one_to_one) return align ? (c + 1) / 2 * (n - 1) : ((c + 1) * n - 1) / 2;
  if (units == Units::zero_to_one) return align ? c * (n - 1) : c * n - T(0.5);
  return c;
}

struct Sampling {
  Units units = Units::minus_one_to_one;
  Surround around = Surround::constant;
  bool nearest = false, align = true;
  double padding = 0;
};

Result<Sampling> sampling(const ir::Op& op) {
  Sampling s;
  const std::string mode = op.attr_string("sampling_mode", "bilinear");
  const auto known_units = units(op.attr_string("coordinates_mode", "normalized_minus_one_to_one"));
  const auto around = surround(op.attr_string("padding_mode", "constant"));
  if ((mode != "bilinear" && mode != "nearest") || !known_units || !around)
    return Error{Code::model_invalid, "unknown sampling_mode, coordinates_mode or padding_mode"};
  s.units = *known_units;
  s.around = *around;
  s.nearest = mode == "nearest";
  s.align = op.attr_int("align_corners", 1) != 0;
  s.padding = op.attr_float("padding_value", 0);
  return s;
}

/// `fill` adds the points of image `b`; every plane of the image is then read at them.
template <class T, class Fill>
void run(KernelContext& c, const Sampling& s, Fill fill) {
  const num::Arith<T> arith(c.policy());
  const ir::Dims &x = c.in(0).dims(), &y = c.out(0).dims();
  const int64_t channels = x[1], plane = x[2] * x[3], points = y[2] * y[3];
  SamplePoints<T> at(x[2], x[3], s.around, s.nearest);
  for (int64_t b = 0; b < x[0]; ++b) {
    at.clear();
    fill(b, at);
    c.threads.for_each(static_cast<size_t>(channels), 1, [&](size_t begin, size_t end) {
      std::vector<T> image(static_cast<size_t>(plane)), results(static_cast<size_t>(points));
      for (size_t k = begin; k < end; ++k) {
        const int64_t map = b * channels + static_cast<int64_t>(k);
        const T* values = load(c.in(0), map * plane, image.size(), image.data());
        at.sample(arith, values, static_cast<T>(s.padding), results.data());
        store(c.out(0), map * points, results.size(), results.data(), c.policy());
      }
    });
  }
}

template <class T>
void resample(KernelContext& c, const Sampling& s) {
  const ir::Dims& x = c.in(0).dims();
  const int64_t points = c.out(0).dims()[2] * c.out(0).dims()[3];
  run<T>(c, s, [&](int64_t b, SamplePoints<T>& at) {
    for (int64_t p = b * points; p < (b + 1) * points; ++p) {
      const T column = static_cast<T>(c.in(1).float_at(2 * p)), row = static_cast<T>(c.in(1).float_at(2 * p + 1));
      at.add(in_samples(row, x[2], s.units, s.align), in_samples(column, x[3], s.units, s.align));
    }
  });
}

/// x' = a0 x + a1 y + a2, y' = b0 x + b1 y + b2 on coordinates from -1 to 1.
template <class T>
void affine(KernelContext& c, const Sampling& s) {
  const num::Arith<T> arith(c.policy());
  const ir::Dims &x = c.in(0).dims(), &y = c.out(0).dims();
  const auto place = [](int64_t i, int64_t n) {
    return n > 1 ? static_cast<T>(2 * i) / static_cast<T>(n - 1) - 1 : T{0};
  };
  run<T>(c, s, [&](int64_t b, SamplePoints<T>& at) {
    T m[6];
    const int64_t first = c.in(1).dims()[0] == 1 ? 0 : 6 * b;
    for (int64_t k = 0; k < 6; ++k) m[k] = static_cast<T>(c.in(1).float_at(first + k));
    for (int64_t i = 0; i < y[2]; ++i) {
      for (int64_t j = 0; j < y[3]; ++j) {
        const T row = place(i, y[2]), column = place(j, y[3]);
        const T to_x = arith.add(arith.add(arith.mul(m[0], column), arith.mul(m[1], row)), m[2]);
        const T to_y = arith.add(arith.add(arith.mul(m[3], column), arith.mul(m[4], row)), m[5]);
        at.add(in_samples(to_y, x[2], s.units, s.align), in_samples(to_x, x[3], s.units, s.align));
      }
    }
  });
}

Status infer_resample(InferContext& c) {
  std::vector<ir::Dim> out(4);
  if (c.ranked(0)) {
    if (c.rank(0) != 4) return c.fail("resample_c1", "x has rank " + std::to_string(c.rank(0)));
    out[0] = c.shape(0)[0], out[1] = c.shape(0)[1];
  }
  if (c.ranked(1)) {
    if (c.rank(1) != 4 || (c.shape(1)[3].known() && c.shape(1)[3].value != 2))
      return c.fail("resample_c2", "coordinates of type " + to_string(c.type(1)));
    out[2] = c.shape(1)[1], out[3] = c.shape(1)[2];
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status infer_affine(InferContext& c) {
  const int64_t height = c.op().attr_int("output_height", 0), width = c.op().attr_int("output_width", 0);
  if (height < 1 || width < 1) return c.fail("affine_c1", "output_height and output_width are not positive");
  std::vector<ir::Dim> out = {ir::Dim(), ir::Dim(), height, width};
  if (c.ranked(0)) {
    if (c.rank(0) != 4) return c.fail("affine_c2", "x has rank " + std::to_string(c.rank(0)));
    out[0] = c.shape(0)[0], out[1] = c.shape(0)[1];
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval_resample(KernelContext& c) {
  const ir::Dims &x = c.in(0).dims(), &at = c.in(1).dims();
  if (x.size() != 4 || at.size() != 4 || at[0] != x[0] || at[3] != 2)
    return c.fail(Code::model_invalid, "x and coordinates do not fit together");
  const auto s = sampling(c.op);
  if (!s.ok()) return c.fail(Code::model_invalid, s.error().message);
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() == 0) return {};
  if (c.in(0).size() == 0) return c.fail(Code::model_invalid, "there is nothing to sample");
  computes_float64(c) ? resample<double>(c, *s) : resample<float>(c, *s);
  return {};
}

Status eval_affine(KernelContext& c) {
  const ir::Dims &x = c.in(0).dims(), &m = c.in(1).dims();
  if (x.size() != 4 || m.size() != 2 || (m[0] != 1 && m[0] != x[0]) || m[1] != 6)
    return c.fail(Code::model_invalid, "x and transform_matrix do not fit together");
  const auto s = sampling(c.op);
  if (!s.ok()) return c.fail(Code::model_invalid, s.error().message);
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() == 0) return {};
  if (c.in(0).size() == 0) return c.fail(Code::model_invalid, "there is nothing to sample");
  computes_float64(c) ? affine<double>(c, *s) : affine<float>(c, *s);
  return {};
}

/// What both operators say of the sampling.
MilParams sampling_params(MilContext& c) {
  const ir::Op& op = c.op;
  return {{"x", c.in(0)},
          {"sampling_mode", mil::of_text(op.attr_string("sampling_mode", "bilinear"))},
          {"padding_mode", mil::of_text(op.attr_string("padding_mode", "constant"))},
          {"padding_value", c.number(op.attr_float("padding_value", 0))},
          {"coordinates_mode", mil::of_text(op.attr_string("coordinates_mode", "normalized_minus_one_to_one"))},
          {"align_corners", mil::of_bool(op.attr_int("align_corners", 1) != 0)}};
}
Status resample_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  MilParams params = sampling_params(c);
  params.push_back({"coordinates", c.in(1)});
  return c.emit("resample", params);
}
Status affine_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  MilParams params = sampling_params(c);
  params.push_back({"transform_matrix", c.in(1)});
  params.push_back({"output_height", mil::of_int(static_cast<int32_t>(c.op.attr_int("output_height", 0)))});
  params.push_back({"output_width", mil::of_int(static_cast<int32_t>(c.op.attr_int("output_width", 0)))});
  return c.emit("affine", params);
}

constexpr In kResampleIn[] = {{"x", kFloats}, {"coordinates", kNumbers}};
constexpr In kAffineIn[] = {{"x", kFloats}, {"transform_matrix", kFloats}};
constexpr Out kOut[] = {{"y"}};
constexpr AttrDoc kResampleAttrs[] = {{"sampling_mode", "bilinear"},
                                      {"padding_mode", "constant"},
                                      {"padding_value", "0"},
                                      {"coordinates_mode", "normalized_minus_one_to_one"},
                                      {"align_corners", "1"}};
constexpr AttrDoc kAffineAttrs[] = {{"output_height", ""},         {"output_width", ""},
                                    {"sampling_mode", "bilinear"}, {"padding_mode", "constant"},
                                    {"padding_value", "0"},        {"coordinates_mode", "normalized_minus_one_to_one"},
                                    {"align_corners", "1"}};

}  // namespace

extern const OpDef kCoremlAffine = {
    .domain = "coreml",
    .name = "Affine",
    .since = 1,
    .doc = "An image read where an affine map takes the output's coordinates.",
    .in = kAffineIn,
    .out = kOut,
    .attrs = kAffineAttrs,
    .mixed = true,
    .numeric = Numeric::composite,
    .accumulates = "taps of a row, ascending, then rows, by fused multiply-adds",
    .infer = infer_affine,
    .eval = eval_affine,
    .to_mil = {affine_to_mil, "affine"},
    .bound = {.f32 = 64, .f16 = 1, .bf16 = 1},
};

extern const OpDef kCoremlResample = {
    .domain = "coreml",
    .name = "Resample",
    .since = 1,
    .doc =
        "An image read at given coordinates (x, y): bilinear or nearest, over a constant, its border or its mirror "
        "image.",
    .in = kResampleIn,
    .out = kOut,
    .attrs = kResampleAttrs,
    .mixed = true,
    .numeric = Numeric::composite,
    .accumulates = "taps of a row, ascending, then rows, by fused multiply-adds",
    .infer = infer_resample,
    .eval = eval_resample,
    .to_mil = {resample_to_mil, "resample"},
    .bound = {.f32 = 64, .f16 = 1, .bf16 = 1},
};

}  // namespace assay::ops

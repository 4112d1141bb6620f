// MelWeightMatrix: triangles over the bins of a spectrum, evenly spaced on the mel scale. Where their corners lie is
// decided in float64, whatever the policy: bins are integers. The weights are quotients of integers, rounded once.
#include <cmath>
#include <optional>
#include <vector>

#include "num/elementary.h"
#include "ops/elementwise.h"
#include "ops/fourier.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

struct Request {
  int64_t bands, length, rate;
};

std::optional<Request> request_of(const ir::Tensor* bands, const ir::Tensor* length, const ir::Tensor* rate) {
  for (const ir::Tensor* t : {bands, length, rate})
    if (t == nullptr || t->size() != 1) return std::nullopt;
  return Request{bands->int_at(0), length->int_at(0), rate->int_at(0)};
}
bool sound(const Request& r) {
  constexpr int64_t kMostBands = 1 << 16;
  return r.bands >= 0 && r.bands <= kMostBands && r.length >= 0 && r.length <= kLongestTransform && r.rate > 0;
}
std::string text(const Request& r) {
  return std::to_string(r.bands) + " bands of a spectrum of " + std::to_string(r.length) + " points at a rate of " +
         std::to_string(r.rate);
}

Status infer(InferContext& c) {
  const auto type = ir::elem_from_onnx(c.op().attr_int("output_datatype", 1));
  if (!type || !kNumbers.has(*type)) return c.fail("mel_weight_matrix_c1", "output_datatype is no type of numbers");
  std::vector<ir::Dim> shape(2);
  if (const auto r = request_of(c.constant(0), c.constant(1), c.constant(2))) {
    if (!sound(*r)) return c.fail("mel_weight_matrix_c2", text(*r));
    ASSAY_CHECK(check_size(c, {r->length / 2 + 1, r->bands}));
    shape = {r->length / 2 + 1, r->bands};
  }
  c.set(0, *type, std::move(shape));
  return {};
}

double mel(double hertz) { return 2595 * num::apply(num::Function::log10, 1 + hertz / 700); }
double hertz(double m) { return 700 * (num::pow(10.0, m / 2595) - 1); }

Status eval(KernelContext& c) {
  const auto r = request_of(&c.in(0), &c.in(1), &c.in(2));
  if (!r || c.in(3).size() != 1 || c.in(4).size() != 1)
    return c.fail(Code::model_invalid, "a parameter is not one number");
  if (!sound(*r)) return c.fail(Code::value_range, text(*r));
  ASSAY_CHECK(check_size(c, {r->length / 2 + 1, r->bands}));
  ASSAY_CHECK(allocate_outputs(c));
  ir::Tensor& out = c.out(0);
  const int64_t bins = r->length / 2 + 1, bands = r->bands;
  // The corners of the triangles.
  const double low = mel(c.in(3).float_at(0)), high = mel(c.in(4).float_at(0));
  const double step = (high - low) / static_cast<double>(bands + 2);
  std::vector<int64_t> corner(static_cast<size_t>(bands) + 2);
  for (size_t i = 0; i < corner.size(); ++i) {
    const double f = hertz(static_cast<double>(i) * step + low);
    const double bin = std::floor(static_cast<double>(r->length + 1) * f / static_cast<double>(r->rate));
    if (!(bin >= 0 && bin <= static_cast<double>(bins)))
      return c.fail(Code::value_range, "corner " + std::to_string(i) + " of the bands lies at bin " +
                                           std::to_string(bin) + " of " + std::to_string(bins));
    corner[i] = static_cast<int64_t>(bin);
  }
  const auto set = [&](int64_t bin, int64_t band, double weight) -> Status {
    if (bin >= bins)
      return c.fail(Code::value_range, "band " + std::to_string(band) + " reaches bin " + std::to_string(bin) + " of " +
                                           std::to_string(bins));
    const int64_t at = bin * bands + band;
    if (ir::is_float(out.elem()))
      store(out, at, 1, &weight, c.policy());
    else
      out.set_int(at, static_cast<int64_t>(weight));
    return {};
  };
  std::fill_n(out.mutable_bytes(), out.byte_size(), std::byte{0});
  for (int64_t band = 0; band < bands; ++band) {
    const auto k = static_cast<size_t>(band);
    const int64_t left = corner[k], centre = corner[k + 1], right = corner[k + 2];
    if (left == centre) ASSAY_CHECK(set(centre, band, 1));
    for (int64_t j = left; left < centre && j <= centre; ++j)
      ASSAY_CHECK(set(j, band, static_cast<double>(j - left) / static_cast<double>(centre - left)));
    for (int64_t j = centre; j < right; ++j)
      ASSAY_CHECK(set(j, band, static_cast<double>(right - j) / static_cast<double>(right - centre)));
  }
  return {};
}

constexpr In kIn[] = {{"num_mel_bins", kIndices, kExempt},
                      {"dft_length", kIndices, kExempt},
                      {"sample_rate", kIndices, kExempt},
                      {"lower_edge_hertz", kFloats, kExempt},
                      {"upper_edge_hertz", kFloats, kExempt}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"output_datatype", "float32"}};
constexpr num::Function kCalls[] = {num::Function::log10};

}  // namespace

extern const OpDef kMelWeightMatrix = {
    .name = "MelWeightMatrix",
    .since = 17,
    .doc = "Weights that turn the bins of a spectrum into bands of the mel scale: triangles between rounded bins.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .numeric = Numeric::composite,
    .elementary = kCalls,
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "Core ML has no such operation; a constant one can be folded"},
    .to_nn = {.says = "Core ML has no such operation; a constant one can be folded"},
};

}  // namespace assay::ops

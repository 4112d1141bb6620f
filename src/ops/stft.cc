// STFT: frames of a signal times a window, each transformed as DFT does; all of it in float64, rounded once.
#include <limits>
#include <optional>
#include <vector>

#include "ops/elementwise.h"
#include "ops/fourier.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

/// How a signal is cut. `problem` says why it cannot be.
struct Frames {
  int64_t length = 0, step = 0, count = 0;
  std::string problem{};
};

Frames cut(int64_t signal, int64_t length, int64_t step) {
  Frames f{length, step, 0};
  if (length < 1 || length > kLongestTransform)
    f.problem =
        "frames of " + std::to_string(length) + " points; there may be 1 to " + std::to_string(kLongestTransform);
  else if (step < 1)
    f.problem = "frame_step is " + std::to_string(step);
  else if (length > signal)
    f.problem = "frames of " + std::to_string(length) + " points in a signal of " + std::to_string(signal);
  else
    f.count = (signal - length) / step + 1;
  return f;
}

std::string parts_problem(const ir::Op& op, int64_t parts) {
  if (parts != 1 && parts != 2) return "the last dimension of the signal is " + std::to_string(parts) + ", not 1 or 2";
  if (parts == 2 && op.attr_int("onesided", 1) != 0) return "one-sided transforms of a complex signal";
  return "";
}
int64_t bins(const ir::Op& op, int64_t length) { return op.attr_int("onesided", 1) != 0 ? length / 2 + 1 : length; }

Status infer(InferContext& c) {
  std::vector<ir::Dim> shape = {ir::Dim(), ir::Dim(), ir::Dim(), 2};
  std::optional<int64_t> points, length, step;
  for (const size_t i : {size_t{1}, size_t{3}})
    if (const ir::Tensor* t = c.constant(i)) {
      if (t->size() != 1) return c.fail("stft_c1", "frame_step or frame_length is not one number");
      (i == 1 ? step : length) = t->int_at(0);
    }
  if (c.has(2) && c.ranked(2)) {
    if (c.rank(2) != 1) return c.fail("stft_c2", "the window has rank " + std::to_string(c.rank(2)) + ", not 1");
    if (!c.has(3) && c.shape(2)[0].known()) length = c.shape(2)[0].value;
  }
  if (c.ranked(0)) {
    // The last dimension may be left out of a real signal.
    if (c.rank(0) != 2 && c.rank(0) != 3) return c.fail("stft_c3", "the signal has rank " + std::to_string(c.rank(0)));
    if (c.rank(0) == 3 && c.shape(0)[2].known())
      if (std::string why = parts_problem(c.op(), c.shape(0)[2].value); !why.empty())
        return c.fail("stft_c4", std::move(why));
    shape[0] = c.shape(0)[0];
    if (c.shape(0)[1].known()) points = c.shape(0)[1].value;
    if (!c.has(2) && !c.has(3) && points) length = points;
  }
  if (length && *length >= 1) shape[2] = bins(c.op(), *length);
  if (points && length && step) {
    Frames f = cut(*points, *length, *step);
    if (!f.problem.empty()) return c.fail("stft_c5", std::move(f.problem));
    shape[1] = f.count;
  }
  c.set(0, c.elem(0), std::move(shape));
  return {};
}

void run(KernelContext& c, const Frames& frames, size_t parts) {
  const num::Arith<double> arith(c.policy());
  const auto n = static_cast<size_t>(frames.length), out_n = static_cast<size_t>(c.out(0).dims()[2]);
  const Fourier fourier(n);
  std::vector<double> window(n, 1.0);
  if (c.has(2)) {  // what it does not cover is zero, what lies beyond the frame is not used
    std::vector<double> all(static_cast<size_t>(c.in(2).size()));
    const double* w = arith.entered(load(c.in(2), 0, all.size(), all.data()), all.size(), all.data());
    std::fill(window.begin(), window.end(), 0.0);
    std::copy_n(w, std::min(n, all.size()), window.begin());
  }
  const auto points = static_cast<size_t>(c.in(0).dims()[1]), count = static_cast<size_t>(frames.count);
  const size_t tasks = static_cast<size_t>(c.in(0).dims()[0]) * count;
  c.threads.for_each(tasks, std::max<size_t>(1, kGrain / 4 / n), [&](size_t begin, size_t end) {
    std::vector<double> in(n * parts), re(n), im(n), out(2 * out_n);
    for (size_t i = begin; i < end; ++i) {
      const size_t first = i / count * points + i % count * static_cast<size_t>(frames.step);
      const double* x = load(c.in(0), static_cast<int64_t>(first * parts), n * parts, in.data());
      x = arith.entered(x, n * parts, in.data());
      for (size_t j = 0; j < n; ++j) {
        re[j] = x[j * parts] * window[j];
        im[j] = parts == 2 ? x[j * parts + 1] * window[j] : 0.0;
      }
      fourier.forward(re.data(), im.data());
      const auto plain = [](double v) { return v == v ? v : std::numeric_limits<double>::quiet_NaN(); };
      for (size_t k = 0; k < out_n; ++k) {
        out[2 * k] = plain(re[k]);
        out[2 * k + 1] = plain(im[k]);
      }
      arith.leave(out.data(), out.size());
      store(c.out(0), static_cast<int64_t>(i * out.size()), out.size(), out.data(), c.policy());
    }
  });
}

Status eval(KernelContext& c) {
  const ir::Dims& dims = c.in(0).dims();
  const bool fits = (dims.size() == 2 || dims.size() == 3) && c.in(1).size() == 1 &&
                    (!c.has(2) || c.in(2).rank() == 1) && (!c.has(3) || c.in(3).size() == 1);
  if (!fits) return c.fail(Code::model_invalid, "signal, frame_step, window and frame_length do not fit together");
  const int64_t parts = dims.size() == 3 ? dims[2] : 1;
  if (std::string why = parts_problem(c.op, parts); !why.empty()) return c.fail(Code::model_invalid, std::move(why));
  const int64_t length = c.has(3) ? c.in(3).int_at(0) : c.has(2) ? c.in(2).size() : dims[1];
  Frames frames = cut(dims[1], length, c.in(1).int_at(0));
  if (!frames.problem.empty()) return c.fail(Code::value_range, std::move(frames.problem));
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() != 0) run(c, frames, static_cast<size_t>(parts));
  return {};
}

constexpr In kIn[] = {{"signal", kFloats},
                      {"frame_step", kIndices, kExempt},
                      {"window", kFloats, kOptional},
                      {"frame_length", kIndices, kOptional | kExempt}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"onesided", "1"}};
constexpr num::Function kCalls[] = {num::Function::cos, num::Function::sin};

}  // namespace

extern const OpDef kSTFT = {
    .name = "STFT",
    .since = 17,
    .doc = "Fourier transforms of windowed frames of a signal, computed in float64 and rounded once.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "points of a frame, in float64 whatever the policy",
    .elementary = kCalls,
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "Core ML has no Fourier transform"},
    .to_nn = {.says = "Core ML has no Fourier transform"},
};

}  // namespace assay::ops

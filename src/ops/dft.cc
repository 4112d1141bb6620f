// DFT: sums in float64 by the steps of ops/fourier.h, rounded once.
#include <limits>
#include <optional>
#include <vector>

#include "ops/elementwise.h"
#include "ops/fourier.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"
#include "ops/rows.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

/// What attributes ask for.
struct Kind {
  explicit Kind(const ir::Op& op)
      : inverse(op.attr_int("inverse", 0) != 0), onesided(op.attr_int("onesided", 0) != 0) {}
  bool inverse, onesided;
  bool to_real() const { return inverse && onesided; }  ///< from one half of the spectrum of a real signal
  bool to_half() const { return !inverse && onesided; }
  int64_t default_length(int64_t extent) const { return to_real() ? 2 * (extent - 1) : extent; }
  int64_t out_extent(int64_t n) const { return to_half() ? n / 2 + 1 : n; }
};

std::string length_problem(int64_t n) {
  if (n >= 1 && n <= kLongestTransform) return "";
  return "a transform of " + std::to_string(n) + " points; there may be 1 to " + std::to_string(kLongestTransform);
}
std::string parts_problem(const Kind& kind, int64_t parts) {
  if (parts != 1 && parts != 2) return "the last dimension is " + std::to_string(parts) + ", not 1 or 2";
  if (kind.to_half() && parts == 2) return "a one-sided transform of complex numbers";
  if (kind.to_real() && parts == 1) return "a one-sided spectrum of real numbers";
  return "";
}

Status infer(InferContext& c) {
  const Kind kind(c.op());
  if (!c.ranked(0)) return c.set(0, c.elem(0), std::nullopt), Status{};
  const int64_t rank = c.rank(0);
  if (rank < 2) return c.fail("dft_c1", "the input has rank " + std::to_string(rank) + ", not 2 or more");
  std::vector<ir::Dim> shape = c.shape(0);
  if (shape.back().known())
    if (std::string why = parts_problem(kind, shape.back().value); !why.empty())
      return c.fail("dft_c2", std::move(why));
  shape.back() = kind.to_real() ? 1 : 2;
  const auto length = constant_ints(c, 1), wanted = constant_ints(c, 2);
  if ((length && length->size() != 1) || (wanted && wanted->size() != 1))
    return c.fail("dft_c3", "dft_length or axis is not one number");
  if (c.has(2) && !wanted) {  // any axis but the last may change
    std::fill(shape.begin(), shape.end() - 1, ir::Dim());
    return c.set(0, c.elem(0), std::move(shape)), Status{};
  }
  ASSAY_TRY(const int64_t axis, c.axis(wanted ? (*wanted)[0] : -2, rank, "dft_c4"));
  if (axis == rank - 1) return c.fail("dft_c4", "the last axis holds the parts of numbers");
  ir::Dim& extent = shape[static_cast<size_t>(axis)];
  if (length || (!c.has(1) && extent.known())) {
    const int64_t n = length ? (*length)[0] : kind.default_length(extent.value);
    if (std::string why = length_problem(n); !why.empty()) return c.fail("dft_c5", std::move(why));
    extent = kind.out_extent(n);
  } else {
    extent = ir::Dim();
  }
  c.set(0, c.elem(0), std::move(shape));
  return {};
}

/// One signal, as [n] real and [n] imaginary parts.
struct Signal {
  explicit Signal(size_t n) : re(n), im(n) {}
  std::vector<double> re, im;
};

class Transform {
 public:
  Transform(const KernelContext& c, Kind kind, int64_t n)
      : kind_(kind), arith_(c.policy()), fourier_(static_cast<size_t>(n)), n_(static_cast<size_t>(n)) {}

  /// Fills `s` from `count` numbers of `parts` parts, `pitch` apart.
  void read(Signal& s, const double* x, size_t count, size_t parts, size_t pitch) const {
    const size_t held = std::min(count, kind_.to_real() ? n_ / 2 + 1 : n_);
    std::fill(s.re.begin(), s.re.end(), 0.0);
    std::fill(s.im.begin(), s.im.end(), 0.0);
    for (size_t j = 0; j < held; ++j) {
      s.re[j] = x[j * pitch];
      if (parts == 2) s.im[j] = x[j * pitch + 1];
    }
    if (!kind_.to_real()) return;
    // The other half is the conjugate; what stands on its own mirror is real.
    s.im[0] = 0;
    if (n_ % 2 == 0) s.im[n_ / 2] = 0;
    for (size_t j = 1; j < (n_ + 1) / 2; ++j) {
      s.re[n_ - j] = s.re[j];
      s.im[n_ - j] = -s.im[j];
    }
  }
  void run(Signal& s) const {
    kind_.inverse ? fourier_.inverse(s.re.data(), s.im.data()) : fourier_.forward(s.re.data(), s.im.data());
  }
  void write(const Signal& s, double* y, size_t pitch) const {
    const auto plain = [](double v) { return v == v ? v : std::numeric_limits<double>::quiet_NaN(); };
    const auto count = static_cast<size_t>(kind_.out_extent(static_cast<int64_t>(n_)));
    for (size_t k = 0; k < count; ++k) {
      y[k * pitch] = plain(s.re[k]);
      if (!kind_.to_real()) y[k * pitch + 1] = plain(s.im[k]);
    }
  }
  size_t size() const { return n_; }
  const num::Arith<double>& arith() const { return arith_; }

 private:
  Kind kind_;
  num::Arith<double> arith_;
  Fourier fourier_;
  size_t n_;
};

void run(KernelContext& c, const Transform& transform, int64_t axis) {
  ir::Dims in_dims = c.in(0).dims(), out_dims = c.out(0).dims();
  const auto parts = static_cast<size_t>(in_dims.back()), out_parts = static_cast<size_t>(out_dims.back());
  in_dims.pop_back();
  out_dims.pop_back();
  const AxisSplit from = split_at(in_dims, axis), to = split_at(out_dims, axis);
  const auto extent = static_cast<size_t>(from.n), inner = static_cast<size_t>(from.inner);
  const size_t slab = extent * inner * parts, out_slab = static_cast<size_t>(to.n * to.inner) * out_parts;
  const size_t grain = std::max<size_t>(1, kGrain / 4 / transform.size());
  const auto slabs = [&](const Threads& threads, const Threads& inside) {
    threads.for_each(static_cast<size_t>(from.outer), inner == 1 ? grain : 1, [&](size_t begin, size_t end) {
      std::vector<double> in(slab), out(out_slab);
      for (size_t o = begin; o < end; ++o) {
        const double* x = load(c.in(0), static_cast<int64_t>(o * slab), slab, in.data());
        x = transform.arith().entered(x, slab, in.data());
        inside.for_each(inner, grain, [&](size_t first, size_t last) {
          Signal signal(transform.size());
          for (size_t i = first; i < last; ++i) {
            transform.read(signal, x + i * parts, extent, parts, inner * parts);
            transform.run(signal);
            transform.write(signal, out.data() + i * out_parts, inner * out_parts);
          }
        });
        transform.arith().leave(out.data(), out_slab);
        store(c.out(0), static_cast<int64_t>(o * out_slab), out_slab, out.data(), c.policy());
      }
    });
  };
  const Threads one(1);
  from.outer > 1 ? slabs(c.threads, one) : slabs(one, c.threads);
}

Status eval(KernelContext& c) {
  const Kind kind(c.op);
  const ir::Dims& dims = c.in(0).dims();
  const auto length = ints_of(c, 1), wanted = ints_of(c, 2);
  if (dims.size() < 2 || (length && length->size() != 1) || (wanted && wanted->size() != 1))
    return c.fail(Code::model_invalid, "the input's rank, dft_length or axis is not what a transform needs");
  if (std::string why = parts_problem(kind, dims.back()); !why.empty())
    return c.fail(Code::model_invalid, std::move(why));
  const int64_t rank = c.in(0).rank(), axis = normal_axis(wanted ? (*wanted)[0] : -2, rank);
  if (axis < 0 || axis == rank - 1) return axis_error(c, wanted ? (*wanted)[0] : -2, rank);
  const int64_t n = length ? (*length)[0] : kind.default_length(dims[static_cast<size_t>(axis)]);
  if (std::string why = length_problem(n); !why.empty()) return c.fail(Code::value_range, std::move(why));
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() != 0) run(c, Transform(c, kind, n), axis);
  return {};
}

Status axis_to_input(UpgradeContext& c) {
  c.set_input(2, c.constant(ir::Tensor::scalar(c.op.attr_int("axis", 1))));
  c.op.remove_attr("axis");
  return {};
}

constexpr In kIn[] = {
    {"input", kFloats}, {"dft_length", kIndices, kOptional | kExempt}, {"axis", kInt64, kOptional | kExempt}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"inverse", "0"}, {"onesided", "0"}};
constexpr Upgrade kUpgrades[] = {{20, axis_to_input}};
constexpr num::Function kCalls[] = {num::Function::cos, num::Function::sin};

}  // namespace

extern const OpDef kDFT = {
    .name = "DFT",
    .since = 20,
    .doc = "The discrete Fourier transform along an axis, computed in float64 and rounded once.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .numeric = Numeric::composite,
    .accumulates = "points of a signal, in float64 whatever the policy",
    .elementary = kCalls,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {.says = "Core ML has no Fourier transform"},
    .to_nn = {.says = "Core ML has no Fourier transform"},
};

}  // namespace assay::ops

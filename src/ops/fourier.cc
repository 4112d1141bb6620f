#include "ops/fourier.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "num/elementary.h"

namespace assay::ops {
namespace {

constexpr size_t kLargestRadix = 61;

size_t smallest_factor(size_t n) {
  for (size_t p = 2; p * p <= n; ++p)
    if (n % p == 0) return p;
  return n;
}

size_t largest_factor(size_t n) {
  size_t p = 1;
  for (; n > 1; n /= p) p = smallest_factor(n);
  return p;
}

/// Cosine and sine of 2 pi k / n for k < n. Angles are reduced to an eighth of a turn in integers, so that symmetric
/// points have the same numbers and quarter turns are exact.
void circle(size_t n, std::vector<double>& cosine, std::vector<double>& sine) {
  constexpr double kQuarter = 1.5707963267948966, kRootOfHalf = 0.7071067811865476;
  cosine.resize(n);
  sine.resize(n);
  for (size_t k = 0; k < n; ++k) {
    const size_t rest = 4 * k % n, small = std::min(rest, n - rest);
    cosine[k] = sine[k] = kQuarter * static_cast<double>(small) / static_cast<double>(n);
  }
  num::apply(num::Function::cos, cosine.data(), cosine.data(), n);
  num::apply(num::Function::sin, sine.data(), sine.data(), n);
  for (size_t k = 0; k < n; ++k) {
    const size_t rest = 4 * k % n;
    double c = cosine[k], s = sine[k];
    if (2 * rest == n) c = s = kRootOfHalf;
    if (2 * rest > n) std::swap(c, s);
    switch (4 * k / n) {
      case 0:
        break;
      case 1:
        std::tie(c, s) = std::pair(-s, c);
        break;
      case 2:
        std::tie(c, s) = std::pair(-c, -s);
        break;
      default:
        std::tie(c, s) = std::pair(s, -c);
    }
    cosine[k] = c;
    sine[k] = s;
  }
}

}  // namespace

/// Bluestein's form: a convolution with exp(i pi k^2 / n), by transforms of a power of two.
struct Fourier::Chirp {
  explicit Chirp(size_t n, size_t m) : whole(m), cos(n), sin(n), re(m), im(m) {
    std::vector<double> c, s;
    circle(2 * n, c, s);
    size_t square = 0;  // k^2 modulo 2 n
    for (size_t k = 0; k < n; ++k) {
      cos[k] = c[square];
      sin[k] = s[square];
      re[k] = re[(m - k) % m] = cos[k];
      im[k] = im[(m - k) % m] = sin[k];
      square = (square + 2 * k + 1) % (2 * n);
    }
    whole.forward(re.data(), im.data());
  }
  Fourier whole;
  std::vector<double> cos, sin;  ///< of pi k^2 / n
  std::vector<double> re, im;    ///< the transform of exp(i pi k^2 / n), mirrored
};

Fourier::Fourier(size_t n) : n_(n) {
  if (largest_factor(n) > kLargestRadix) {
    size_t m = 1;
    while (m < 2 * n - 1) m *= 2;
    chirp_ = std::make_unique<Chirp>(n, m);
  } else {
    circle(n, cos_, sin_);
  }
}
Fourier::~Fourier() = default;
Fourier::Fourier(Fourier&&) noexcept = default;

/// re, im: p transforms of m points, one behind the other; becomes the one of p * m points.
void Fourier::combine(size_t p, size_t m, double* re, double* im) const {
  const size_t n = p * m, step = n_ / n;
  double tr[kLargestRadix], ti[kLargestRadix];
  for (size_t k = 0; k < m; ++k) {
    tr[0] = re[k];
    ti[0] = im[k];
    for (size_t r = 1; r < p; ++r) {  // times exp(-2 pi i r k / n)
      const double c = cos_[r * k * step], s = sin_[r * k * step], x = re[r * m + k], y = im[r * m + k];
      tr[r] = x * c + y * s;
      ti[r] = y * c - x * s;
    }
    if (p == 2) {
      re[k] = tr[0] + tr[1];
      im[k] = ti[0] + ti[1];
      re[m + k] = tr[0] - tr[1];
      im[m + k] = ti[0] - ti[1];
      continue;
    }
    for (size_t q = 0; q < p; ++q) {
      double sum_r = tr[0], sum_i = ti[0];
      for (size_t r = 1, turn = q; r < p; ++r, turn = (turn + q) % p) {  // turn: r q modulo p
        const double c = cos_[turn * (n_ / p)], s = sin_[turn * (n_ / p)];
        sum_r = sum_r + (tr[r] * c + ti[r] * s);
        sum_i = sum_i + (ti[r] * c - tr[r] * s);
      }
      re[q * m + k] = sum_r;
      im[q * m + k] = sum_i;
    }
  }
}

void Fourier::split(const double* re, const double* im, size_t stride, size_t n, double* out_re, double* out_im) const {
  if (n == 1) {
    *out_re = *re;
    *out_im = *im;
    return;
  }
  const size_t p = smallest_factor(n), m = n / p;
  for (size_t r = 0; r < p; ++r) split(re + r * stride, im + r * stride, stride * p, m, out_re + r * m, out_im + r * m);
  combine(p, m, out_re, out_im);
}

void Fourier::convolve(double* re, double* im) const {
  const Chirp& c = *chirp_;
  const size_t m = c.whole.size();
  std::vector<double> a(m), b(m);
  for (size_t k = 0; k < n_; ++k) {  // times exp(-i pi k^2 / n)
    a[k] = re[k] * c.cos[k] + im[k] * c.sin[k];
    b[k] = im[k] * c.cos[k] - re[k] * c.sin[k];
  }
  c.whole.forward(a.data(), b.data());
  for (size_t k = 0; k < m; ++k) {
    const double x = a[k], y = b[k];
    a[k] = x * c.re[k] - y * c.im[k];
    b[k] = x * c.im[k] + y * c.re[k];
  }
  c.whole.inverse(a.data(), b.data());
  for (size_t k = 0; k < n_; ++k) {
    re[k] = a[k] * c.cos[k] + b[k] * c.sin[k];
    im[k] = b[k] * c.cos[k] - a[k] * c.sin[k];
  }
}

void Fourier::forward(double* re, double* im) const {
  if (chirp_) return convolve(re, im);
  const std::vector<double> from_re(re, re + n_), from_im(im, im + n_);
  split(from_re.data(), from_im.data(), 1, n_, re, im);
}

void Fourier::inverse(double* re, double* im) const {
  forward(im, re);
  for (size_t k = 0; k < n_; ++k) {
    re[k] /= static_cast<double>(n_);
    im[k] /= static_cast<double>(n_);
  }
}

}  // namespace assay::ops

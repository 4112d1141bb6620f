// The discrete Fourier transform of one length in float64, in the fixed steps that docs/semantics.md states: the same
// bits on every machine.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

namespace assay::ops {

/// The longest transform that is computed.
inline constexpr long long kLongestTransform = 1LL << 26;

class Fourier {
 public:
  /// `n` in [1, kLongestTransform].
  explicit Fourier(size_t n);
  ~Fourier();
  Fourier(Fourier&&) noexcept;

  size_t size() const { return n_; }
  /// X[k] = sum over j of x[j] * exp(-2 pi i j k / n), in place. Threads may share a Fourier.
  void forward(double* re, double* im) const;
  /// x[j] = sum over k of X[k] * exp(2 pi i j k / n) / n: the same steps with real and imaginary parts exchanged.
  void inverse(double* re, double* im) const;

 private:
  struct Chirp;
  void split(const double* re, const double* im, size_t stride, size_t n, double* out_re, double* out_im) const;
  void combine(size_t p, size_t m, double* re, double* im) const;
  void convolve(double* re, double* im) const;

  size_t n_;
  std::vector<double> cos_, sin_;  ///< of 2 pi k / n
  std::unique_ptr<Chirp> chirp_;   ///< for lengths that have a large prime factor
};

}  // namespace assay::ops

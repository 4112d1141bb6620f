// The Clopper-Pearson interval. Logarithms and exponentials are our own, so that every machine prints the same.
#include <cmath>

#include "audit/forecast/forecast.h"
#include "num/elementary.h"

namespace assay::audit {
namespace {
double log_of(double x) { return num::apply(num::Function::log, x); }
double exp_of(double x) { return num::apply(num::Function::exp, x); }

// log of the gamma function for x > 0: Stirling's series, from x >= 10 on.
double log_gamma(double x) {
  double shift = 0;
  for (; x < 10; x += 1) shift -= log_of(x);
  constexpr double kHalfLogTwoPi = 0.91893853320467274178;
  const double r = 1 / x, r2 = r * r;
  const double series = r * (1.0 / 12 - r2 * (1.0 / 360 - r2 * (1.0 / 1260 - r2 * (1.0 / 1680))));
  return shift + (x - 0.5) * log_of(x) - x + kHalfLogTwoPi + series;
}

// The continued fraction of the incomplete beta function, by Lentz's method.
double fraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300;
  const auto away = [&](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1, d = 1 / away(1 - (a + b) * x / (a + 1)), value = d;
  for (int m = 1; m <= 100'000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    value *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    value *= d * c;
    if (std::abs(d * c - 1) < 1e-14) break;
  }
  return value;
}

// Share of the beta distribution below x.
double beta_below(double x, double a, double b) {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  const double front = exp_of(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log_of(x) + b * log_of(1 - x));
  return x < (a + 1) / (a + b + 2) ? front * fraction(x, a, b) / a : 1 - front * fraction(1 - x, b, a) / b;
}

double beta_quantile(double share, double a, double b) {
  double low = 0, high = 1;
  for (int i = 0; i < 200 && low < high; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle == low || middle == high) break;
    (beta_below(middle, a, b) < share ? low : high) = middle;
  }
  return low + (high - low) / 2;
}
}  // namespace

std::pair<double, double> share_interval(uint64_t hits, uint64_t trials) {
  if (trials == 0) return {0, 1};
  constexpr double kTail = 0.025;
  const auto k = static_cast<double>(hits), n = static_cast<double>(trials);
  return {hits == 0 ? 0 : beta_quantile(kTail, k, n - k + 1),
          hits == trials ? 1 : beta_quantile(1 - kTail, k + 1, n - k)};
}

}  // namespace assay::audit

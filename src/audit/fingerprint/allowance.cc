// How far a recorded value may be from what a policy gives, and which uses the largest share of that.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "audit/fingerprint/fit.h"

namespace assay::audit {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kZero = -2000;  // the binade of 0: below all others
constexpr size_t kPool = 64;  // values whose spreads tell what orders change of one among them

int binade(double x) { return x == 0 || !std::isfinite(x) ? kZero : std::ilogb(x); }

/// Steps of the lattice that values lie on.
class Steps {
 public:
  explicit Steps(const ir::Tensor& observed) {
    LatticeCounts counts;
    add_lattice(counts, observed);
    const bool wide = observed.elem() == ir::ElemType::float64;
    const num::Format& format =
        num::format(counts.verdict().format.value_or(wide ? num::FormatId::float64 : num::FormatId::float32));
    bits_ = format.significand_bits;
    least_ = num::min_subnormal(format);
  }
  double at(int exponent) const {
    return exponent == kZero ? least_ : std::max(least_, std::ldexp(1.0, exponent - bits_));
  }

 private:
  int bits_ = 23;
  double least_ = 0;
};

struct Binade {
  size_t count = 0;
  double spread = 0;
};
using Binades = std::map<int, Binade>;

/// The largest spread among values near a binade: of those above it first, whose terms are no smaller, then below.
double pooled(const Binades& binades, Binades::const_iterator at) {
  size_t count = 0;
  double spread = 0;
  const auto take = [&](const Binade& one) {
    count += one.count;
    spread = std::max(spread, one.spread);
  };
  for (auto up = at; up != binades.end() && count < kPool; ++up) take(up->second);
  for (auto down = at; down != binades.begin() && count < kPool;) take((--down)->second);
  return spread;
}

double difference(double seen, double given) {
  if (seen == given || (std::isnan(seen) && std::isnan(given))) return 0;
  const double apart = std::abs(seen - given);
  return std::isnan(apart) ? kInfinity : apart;
}

void use(Allowance& allowance, double apart, double bound) {
  const double used = apart == 0 ? 0 : bound == 0 ? kInfinity : apart / bound;
  if (used > allowance.used || allowance.bound == 0) allowance = {.bound = bound, .used = used};
}

}  // namespace

Allowance allowance_of(const ir::Tensor& observed, const ir::Tensor& given, const std::vector<double>& spread,
                       Noise noise) {
  const Steps steps(observed);
  Binades binades;
  int top = kZero;
  double widest = 0;
  for (size_t i = 0; i < spread.size(); ++i) {
    const auto k = static_cast<int64_t>(i);
    Binade& one = binades[binade(given.float_at(k))];
    ++one.count;
    one.spread = std::max(one.spread, spread[i]);
    widest = std::max(widest, spread[i]);
    top = std::max(top, binade(observed.float_at(k)));
  }
  std::map<int, double> pools;
  for (auto at = binades.begin(); at != binades.end(); ++at) pools[at->first] = pooled(binades, at);
  Allowance allowance;
  for (size_t i = 0; i < spread.size(); ++i) {
    const double x = observed.float_at(static_cast<int64_t>(i)), y = given.float_at(static_cast<int64_t>(i));
    const double bound = noise == Noise::whole ? 2 * widest + (top == kZero ? 0 : steps.at(top))
                                               : 2 * pools[binade(y)] + steps.at(std::max(binade(x), binade(y)));
    use(allowance, difference(x, y), bound);
  }
  return allowance;
}

}  // namespace assay::audit

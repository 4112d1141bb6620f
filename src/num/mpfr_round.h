// An independent rounding for tests: MPFR's own, with its exponent range set to the format's and subnormalize.
#pragma once
#include <mpfr.h>

#include <cmath>
#include <limits>

#include "num/format.h"

namespace assay::num::testing {

/// Restores MPFR's exponent range.
class MpfrRange {
 public:
  MpfrRange(mpfr_exp_t emin, mpfr_exp_t emax) : emin_(mpfr_get_emin()), emax_(mpfr_get_emax()) {
    mpfr_set_emin(emin);
    mpfr_set_emax(emax);
  }
  ~MpfrRange() {
    mpfr_set_emin(emin_);
    mpfr_set_emax(emax_);
  }
  MpfrRange(const MpfrRange&) = delete;
  MpfrRange& operator=(const MpfrRange&) = delete;

 private:
  mpfr_exp_t emin_, emax_;
};

/// a * b + c (or a alone, with b = 1 and c = -0) rounded once to an IEEE-like format (bias 2^(e-1)-1), nearest even or
/// toward zero. MPFR's own roundings and ternary values: none of our code.
inline double mpfr_fma_round(double a, double b, double c, int exponent_bits, int significand_bits, mpfr_rnd_t mode) {
  mpfr_t x, y, z, r;
  mpfr_inits2(53, x, y, z, static_cast<mpfr_ptr>(nullptr));
  mpfr_set_d(x, a, MPFR_RNDN);
  mpfr_set_d(y, b, MPFR_RNDN);
  mpfr_set_d(z, c, MPFR_RNDN);
  mpfr_init2(r, significand_bits + 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  double result;
  int ternary = mpfr_fma(r, x, y, z, mode);  // unbounded range first: MPFR wants its arguments in range
  {
    // MPFR's significands lie in [1/2, 1): exponents are one above ours.
    MpfrRange range(1 - bias - significand_bits + 1, bias + 1);
    ternary = mpfr_check_range(r, ternary, mode);
    mpfr_subnormalize(r, ternary, mode);
    result = mpfr_get_d(r, MPFR_RNDN);
  }
  mpfr_clears(x, y, z, r, static_cast<mpfr_ptr>(nullptr));
  return result;
}

}  // namespace assay::num::testing

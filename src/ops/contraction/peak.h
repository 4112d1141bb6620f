// The machine's own limit, measured: what kernel speeds are compared with.
#pragma once
#include "base/threads.h"

namespace assay::ops::contraction {

/// Fused multiply-adds on registers alone, all threads at once, on the current instruction set, in GFLOP/s (a fused
/// multiply-add counts as two). Takes about 0.1 s.
double measured_peak_gflops(const Threads& threads);

}  // namespace assay::ops::contraction

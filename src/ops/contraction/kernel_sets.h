// The micro-kernel sets that kernels_for() chooses from; private to this folder.
#pragma once
#include "ops/contraction/tile.h"

namespace assay::ops::contraction {

KernelSet<float> chain_float(bool fused);    // fused.cc
KernelSet<double> chain_double(bool fused);  // fused.cc
KernelSet<float> reference_float();          // reference.cc
KernelSet<double> reference_double();        // reference.cc

}  // namespace assay::ops::contraction

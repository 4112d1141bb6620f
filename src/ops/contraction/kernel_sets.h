// The micro-kernel sets that kernels_for() chooses from; private to this folder.
#pragma once
#include "ops/contraction/tile.h"

namespace assay::ops::contraction {

KernelSet<float> chain_float(bool fused);    // fused.cc
KernelSet<float> flushed_float();            // fused.cc: the fused chain, each sum flushed; starts at zero
KernelSet<double> chain_double(bool fused);  // fused.cc
KernelSet<float> planned_float();            // stepped.cc: chains with rounded steps, flushing
KernelSet<float> halves_float();             // stepped.cc: float16 after each fused step
KernelSet<float> lanes_float();              // stepped.cc
KernelSet<float> exact_float();              // exact.cc
KernelSet<float> tiles_float();              // tiles.cc: operands are float16 values
KernelSet<float> aligned_float();            // aligned.cc: narrow operands
KernelSet<float> pairs_float();              // pairs.cc: narrow operands
KernelSet<float> reference_float();          // reference.cc
KernelSet<double> reference_double();        // reference.cc

}  // namespace assay::ops::contraction

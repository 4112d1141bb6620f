// Convolutions of 8-bit codes minus their zero points, summed in 32 bits (modulo 2^32). What lies in the padding is the
// zero point, which is 0 here.
#pragma once
#include <cstdint>
#include <functional>

#include "base/result.h"
#include "base/threads.h"
#include "ir/tensor.h"
#include "ops/integer/product.h"
#include "ops/window_attrs.h"

namespace assay::ops::integer {

struct IntegerConvolution {
  const ir::Tensor* x = nullptr;  ///< [images][channels][spatial...]
  const ir::Tensor* w = nullptr;  ///< [outputs][channels of a group][kernel...]
  int x_zero = 0;
  ZeroPoints w_zeros;  ///< one for all, or one for each output channel
  size_t groups = 1;
  KernelAttrs window;
  ir::Dims y;  ///< dimensions of the result
};

/// `count` finished sums of one output channel of one image, from position `begin` of its plane.
using FinishPixels = std::function<void(size_t image, size_t output, size_t begin, size_t count, const int32_t* sums)>;
/// Errors: limit_exceeded, without a place.
Status convolve(const IntegerConvolution& p, const Threads& threads, const FinishPixels& finish);

}  // namespace assay::ops::integer

// What the scattering operators share: how one update meets what is there.
#pragma once
#include <optional>
#include <string_view>

#include "ops/kernel.h"

namespace assay::ops {

enum class Combine : uint8_t { none, add, mul, min, max };
std::optional<Combine> combine_named(std::string_view name);

/// out[to + i] = combine(out[to + i], updates[from + i]) for i in [0, n). Sums and products of floats are one step
/// each, rounded as stored; max and min give NaN if either operand is NaN.
void scatter_run(const KernelContext& c, Combine combine, const ir::Tensor& updates, int64_t from, ir::Tensor& out,
                 int64_t to, int64_t n);
/// Starts output 0 as a copy of input 0.
Status copy_data(KernelContext& c);

}  // namespace assay::ops

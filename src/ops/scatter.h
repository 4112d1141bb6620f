// What the scattering operators share: how one update meets what is there.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "ops/kernel.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"

namespace assay::ops {

enum class Combine : uint8_t { none, add, mul, min, max };
std::optional<Combine> combine_named(std::string_view name);

/// out[to + i] = combine(out[to + i], updates[from + i]) for i in [0, n). Sums and products of floats are one step
/// each, rounded as stored; max and min give NaN if either operand is NaN.
void scatter_run(const KernelContext& c, Combine combine, const ir::Tensor& updates, int64_t from, ir::Tensor& out,
                 int64_t to, int64_t n);
/// `mode` of the scattering operators of ML Programs, or why none says the same.
Result<std::string> scatter_mode(const MilContext& c);
/// ScatterMode of layers.
Result<int64_t> scatter_mode(const NnContext& c);
/// Starts output 0 as a copy of input 0.
Status copy_data(KernelContext& c);

}  // namespace assay::ops

// Reading and writing operands as chunks of float32 or float64, whatever they are stored as, and the driver of
// elementwise operators.
#pragma once
#include <cstddef>
#include <functional>

#include "base/result.h"
#include "ir/tensor.h"
#include "num/arith.h"
#include "ops/kernel.h"

namespace assay::ops {

inline constexpr size_t kChunk = 1024;  ///< elements; three float32 chunks stay in L1

/// n elements of `t` from `begin` as T: the tensor's own memory when it is stored as T, else widened into `buffer`.
const float* load(const ir::Tensor& t, int64_t begin, size_t n, float* buffer);
const double* load(const ir::Tensor& t, int64_t begin, size_t n, double* buffer);

/// Where to compute n results before store(): the tensor's own memory when it is stored as T and nothing is rounded
/// behind the fact, else `buffer`.
float* destination(ir::Tensor& t, int64_t begin, float* buffer);
double* destination(ir::Tensor& t, int64_t begin, double* buffer);

/// Rounds values (in place) by the policy's result rounding and writes them as the tensor's type; a no-op write when
/// `values` came from destination() and is the tensor's memory.
void store(ir::Tensor& t, int64_t begin, size_t n, float* values, const num::Policy& policy);
void store(ir::Tensor& t, int64_t begin, size_t n, double* values, const num::Policy& policy);

/// Elements [begin, end) of `from` in the other's type, rounded by the policy's result rounding: load() and store().
template <class T>
void convert(const ir::Tensor& from, ir::Tensor& to, size_t begin, size_t end, const num::Policy& policy);

/// Rounds values as a store to `storage` under `policy` would, leaving them wide: for fused epilogues.
void round_as_stored(float* values, size_t n, ir::ElemType storage, const num::Policy& policy);
void round_as_stored(double* values, size_t n, ir::ElemType storage, const num::Policy& policy);

/// Integers and booleans, widened; results narrowed modulo 2^n.
const int64_t* load(const ir::Tensor& t, int64_t begin, size_t n, int64_t* buffer);
const uint64_t* load(const ir::Tensor& t, int64_t begin, size_t n, uint64_t* buffer);
void store_integers(ir::Tensor& t, int64_t begin, size_t n, const int64_t* values);

/// The row's parameters of `op`, rounded as the policy rounds attributes.
struct ElementwiseParams {
  float values[4] = {};
};
ElementwiseParams elementwise_params(const ir::Op& op);

/// Elements per task: small tensors stay on one thread.
inline constexpr size_t kGrain = 16 * kChunk;
/// body(begin, end) over [0, n) in parallel; every begin is a multiple of kChunk, so that no two tasks share a byte.
void for_each_chunk(const Threads& threads, size_t n, const std::function<void(size_t, size_t)>& body);

/// eval of every elementwise row: broadcasts inputs, runs the row's span function chunk by chunk, in parallel.
Status eval_elementwise(KernelContext& c);

}  // namespace assay::ops

// MatMulInteger: exact in int32, which wraps modulo 2^32.
#include <algorithm>

#include "ops/integer/matmul.h"
#include "ops/lower/families.h"
#include "ops/move.h"
#include "ops/quantised.h"

namespace assay::ops {
namespace {

constexpr integer::Operands kOperands{0, 2, 1, 3};

Status infer(InferContext& c) {
  ASSAY_CHECK(integer::check_zero_point_type(c, 0, 2, "matmul_integer_c1"));
  ASSAY_CHECK(integer::check_zero_point_type(c, 1, 3, "matmul_integer_c2"));
  ASSAY_TRY(auto shape, infer_product(c, 0, 1));
  c.set(0, ir::ElemType::int32, std::move(shape));
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const integer::IntegerProduct p, integer::integer_product(c, kOperands));
  int32_t* out = c.out(0).mutable_data<int32_t>();
  integer::multiply(
      p, static_cast<const integer::PackedColumns*>(c.prepared), c.threads,
      [&](size_t batch, size_t row, const int32_t* sums) { std::copy_n(sums, p.n, out + (batch * p.m + row) * p.n); });
  return {};
}

Result<std::shared_ptr<const void>> prepare(PrepareContext& c) { return integer::prepare_columns(c, 1, 3); }

constexpr In kIn[] = {
    {"A", kCodes8}, {"B", kCodes8}, {"a_zero_point", kCodes8, kOptional}, {"b_zero_point", kCodes8, kOptional}};
constexpr Out kOut[] = {{"Y"}};

}  // namespace

extern const OpDef kMatMulInteger = {
    .name = "MatMulInteger",
    .since = 10,
    .doc = "Matrix product of 8-bit integers minus their zero points, exact in int32 (modulo 2^32).",
    .in = kIn,
    .out = kOut,
    .mixed = true,
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .to_mil = {matmul_integer_to_mil, "cast, sub, matmul with a constant matrix, where float32 holds the sums"},
    .to_nn = {matmul_integer_to_nn, "batchedMatmul with a constant matrix, where float32 holds the sums"},
};

}  // namespace assay::ops

#include "ops/integer/matmul.h"

#include <algorithm>

namespace assay::ops::integer {
namespace {

/// Whether `own` is the operand's dimensions but for the one that the lines do not count; 'b' for 1s in all leading
/// dimensions, 'f' for the operand's, '-' for neither.
char form_of(const ir::Dims& own, const ir::Dims& operand, bool rows) {
  const size_t rank = operand.size();
  if (rank < 2 || own.size() != rank) return '-';
  const size_t line = rows ? rank - 2 : rank - 1, other = rows ? rank - 1 : rank - 2;
  if (own[line] != operand[line] || own[other] != 1) return '-';
  if (std::equal(own.begin(), own.end() - 2, operand.begin())) return 'f';
  return std::all_of(own.begin(), own.end() - 2, [](int64_t d) { return d == 1; }) ? 'b' : '-';
}

template <class T>
std::vector<T> values_of(const ir::Tensor& t) {
  std::vector<T> out(static_cast<size_t>(t.size()));
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(t.float_at(static_cast<int64_t>(i)));
  return out;
}

bool one_matrix(const ir::Dims& batch) {
  return std::ranges::all_of(batch, [](int64_t d) { return d == 1; });
}

}  // namespace

template <class T>
Result<PerLine<T>> per_line(const KernelContext& c, size_t input, std::string_view name, const ir::Tensor& operand,
                            const ProductShapes& shapes, bool rows) {
  PerLine<T> out;
  if (input == kNone || !c.has(input)) return out;
  const ir::Tensor& t = c.in(input);
  const size_t lines = rows ? shapes.m : shapes.n;
  const char form = form_of(t.dims(), operand.dims(), rows);
  const bool vector = t.rank() == 1 && static_cast<size_t>(t.size()) == lines;
  if (t.size() != 1 && !vector && form == '-')
    return c.fail(Code::model_invalid, std::string(name) + " of shape " + ir::to_string(t.dims()) + " for " +
                                           (rows ? "rows" : "columns") + " of " + ir::to_string(operand.dims()));
  out.values = values_of<T>(t);
  if (t.size() == 1) return out;
  out.each = true;
  const ir::Dims& own = rows ? shapes.a_batch : shapes.b_batch;
  if (form == 'f' && !one_matrix(own)) out.per_batch = matrix_offsets(own, shapes.batch, lines);
  return out;
}
template Result<PerLine<int16_t>> per_line(const KernelContext&, size_t, std::string_view, const ir::Tensor&,
                                           const ProductShapes&, bool);
template Result<PerLine<double>> per_line(const KernelContext&, size_t, std::string_view, const ir::Tensor&,
                                          const ProductShapes&, bool);

Result<IntegerProduct> integer_product(const KernelContext& c, const Operands& o) {
  const ir::Tensor &a = c.in(o.a), &b = c.in(o.b);
  const ProductShapes s = product_shapes(a.dims(), b.dims());
  IntegerProduct p;
  p.batches = extent_of(s.batch), p.m = s.m, p.n = s.n, p.k = s.k;
  p.a = {&a, s.k, 1};
  p.b = {&b, s.n, 1};
  p.a_offsets = matrix_offsets(s.a_batch, s.batch, s.m * s.k);
  if (!one_matrix(s.b_batch)) p.b_offsets = matrix_offsets(s.b_batch, s.batch, s.k * s.n);
  ASSAY_TRY(p.a_zeros, per_line<int16_t>(c, o.a_zero, "a zero point", a, s, true));
  ASSAY_TRY(p.b_zeros, per_line<int16_t>(c, o.b_zero, "a zero point", b, s, false));
  return p;
}

Result<std::shared_ptr<const void>> prepare_columns(PrepareContext& c, size_t b_input, size_t b_zero) {
  std::shared_ptr<const void> nothing;
  if (!c.has(b_input)) return nothing;
  const ir::Tensor& b = *c.constants[b_input];
  const bool quantised = b.elem() == ir::ElemType::int8 || b.elem() == ir::ElemType::uint8;
  const bool has_zero = b_zero < c.op.inputs.size() && c.op.inputs[b_zero] != ir::kNoValue;
  if (!quantised || b.rank() < 1 || (has_zero && !c.has(b_zero))) return nothing;
  const ir::Dims& dims = b.dims();
  const auto n = static_cast<size_t>(b.rank() == 1 ? 1 : dims.back());
  const auto k = static_cast<size_t>(b.rank() == 1 ? dims[0] : dims[dims.size() - 2]);
  if (b.size() == 0 || static_cast<size_t>(b.size()) != n * k) return nothing;
  ZeroPoints zeros;
  if (has_zero) {
    const ir::Tensor& z = *c.constants[b_zero];
    if (z.size() != 1 && static_cast<size_t>(z.size()) != n) return nothing;  // an error, which eval words
    zeros.values = values_of<int16_t>(z);
    zeros.each = z.size() != 1;
  }
  auto packed = std::make_shared<PackedColumns>(k, n);
  packed->fill({&b, n, 1}, 0, zeros, 0, c.threads);
  return std::shared_ptr<const void>(std::move(packed));
}

Status check_zero_point_type(InferContext& c, size_t operand, size_t zero, std::string_view label) {
  if (!c.has(zero) || c.elem(zero) == ir::ElemType::undefined || c.elem(operand) == ir::ElemType::undefined) return {};
  if (c.elem(zero) == c.elem(operand)) return {};
  return c.fail(label, "a zero point of type " + std::string(ir::elem_name(c.elem(zero))) + " for " +
                           std::string(ir::elem_name(c.elem(operand))));
}

}  // namespace assay::ops::integer

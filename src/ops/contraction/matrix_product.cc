#include "ops/contraction/matrix_product.h"

#include <algorithm>

#include "ops/contraction/row_product.h"

namespace assay::ops::contraction {
namespace {

struct PreparedB {
  std::unique_ptr<PackedOperand<float>> narrow;
  std::unique_ptr<PackedOperand<double>> wide;
  template <class T>
  const PackedOperand<T>* get() const {
    if constexpr (sizeof(T) == 4) {
      return narrow.get();
    } else {
      return wide.get();
    }
  }
};

template <class T>
std::unique_ptr<PackedOperand<T>> packed(PrepareContext& c, const MatrixView& b, size_t batches,
                                         const std::vector<size_t>& offsets, size_t n, size_t k) {
  const size_t width = kernels_for<T>(c.op.policy, operands_of(c.op.policy, b.elem, b.elem)).nr;
  const MatrixSource<T> source(b, offsets, width, c.op.policy);
  auto operand = std::make_unique<PackedOperand<T>>(batches, n, k, width);
  operand->fill(source, c.threads);
  return operand;
}

/// An operand that several blocks will read, packed for all of them; null when packing it as needed is as good.
template <class T>
std::unique_ptr<PackedOperand<T>> packed_once(const MatrixSource<T>& source, size_t batches, size_t count,
                                              size_t readers, size_t k, size_t width, const Threads& threads) {
  constexpr size_t kSeveral = 256, kMost = size_t{1} << 25;  // rows or columns that read it; elements
  if (readers <= kSeveral || count == 0 || batches * count * k > kMost) return nullptr;
  auto operand = std::make_unique<PackedOperand<T>>(batches, count, k, width);
  operand->fill(source, threads);
  return operand;
}

template <class T>
void multiply_as(KernelContext& c, const MatrixProduct& p, const PreparedB* prepared) {
  Epilogue<T> epilogue(c, p.m, p.n, Channels::columns, p.n);
  epilogue.set_addend(p.addend);
  epilogue.set_alpha(p.alpha);
  if (row_product<T>(c, p, epilogue)) return;
  Product<T> product;
  product.batches = p.batches, product.m = p.m, product.n = p.n, product.k = p.k;
  product.kernels = kernels_for<T>(c.policy(), operands_of(c.policy(), p.a.elem, p.b.elem));
  product.policy = &c.policy();
  product.finish = &epilogue;
  const MatrixSource<T> a(p.a, p.a_offsets, product.kernels.mr, c.policy());
  const MatrixSource<T> b(p.b, p.b_offsets, product.kernels.nr, c.policy());
  product.a = &a;
  product.b = &b;
  const PackedOperand<T>* ready = prepared ? prepared->get<T>() : nullptr;
  if (ready && ready->width() == product.kernels.nr) product.b = ready;
  const std::unique_ptr<PackedOperand<T>> a_once =
      packed_once(a, p.batches, p.m, p.n, p.k, product.kernels.mr, c.threads);
  if (a_once) product.a = a_once.get();
  std::unique_ptr<PackedOperand<T>> b_once;
  if (product.b == &b) b_once = packed_once(b, p.batches, p.n, p.m, p.k, product.kernels.nr, c.threads);
  if (b_once) product.b = b_once.get();
  run(product, c.threads);
}

}  // namespace

MatrixView matrix_view(const ir::Tensor& t, size_t rows, size_t columns, bool k_is_column) {
  MatrixView view{t.bytes(), t.elem(), 0, columns, 1};
  if (k_is_column) {
    view.row_stride = 1;
    view.column_stride = columns;
  } else if (columns == 1) {  // contiguous along k: let it be packed that way
    view.column_stride = rows + 1;
  }
  return view;
}

bool prepares_float64(const PrepareContext& c) {
  const ir::Value& out = c.graph.at(c.op.outputs[0]);
  if (c.op.policy.compute == num::FormatId::float64) return true;
  if ((out.storage == ir::ElemType::undefined ? out.type.elem : out.storage) == ir::ElemType::float64) return true;
  return std::ranges::any_of(c.constants, [](const auto* t) { return t && t->elem() == ir::ElemType::float64; });
}

Status multiply(KernelContext& c, const MatrixProduct& product, const void* prepared) {
  const auto* ready = static_cast<const PreparedB*>(prepared);
  if (computes_float64(c)) {
    multiply_as<double>(c, product, ready);
  } else {
    multiply_as<float>(c, product, ready);
  }
  return {};
}

Result<std::shared_ptr<const void>> prepare_b(PrepareContext& c, const MatrixView& b, size_t batches,
                                              const std::vector<size_t>& offsets, size_t n, size_t k) {
  auto prepared = std::make_shared<PreparedB>();
  if (prepares_float64(c)) {
    prepared->wide = packed<double>(c, b, batches, offsets, n, k);
  } else {
    prepared->narrow = packed<float>(c, b, batches, offsets, n, k);
  }
  return std::shared_ptr<const void>(std::move(prepared));
}

}  // namespace assay::ops::contraction

#include <algorithm>

#include "backends/data/arrays.h"

namespace assay::backends {

ir::Tensor slice_samples(const ir::Tensor& whole, size_t first, size_t count, bool drop_axis) {
  ir::Dims dims = whole.dims();
  int64_t each = 1;
  for (size_t d = 1; d < dims.size(); ++d) each *= dims[d];
  if (drop_axis) {
    dims.erase(dims.begin());
  } else {
    dims[0] = static_cast<int64_t>(count);
  }
  const int64_t begin = static_cast<int64_t>(first) * each, n = static_cast<int64_t>(count) * each;
  if (whole.elem() == ir::ElemType::string) {
    const auto strings = whole.strings().begin() + begin;
    return ir::Tensor::of_strings(std::move(dims), {strings, strings + n});
  }
  const int64_t bits = ir::elem_bits(whole.elem());
  if (bits < 8 && each * bits % 8 != 0) {
    ir::Tensor copy = ir::Tensor::allocate(whole.elem(), std::move(dims));
    for (int64_t i = 0; i < n; ++i) copy.set_int(i, whole.int_at(begin + i));
    return copy;
  }
  return ir::Tensor::view(whole.elem(), std::move(dims), whole.bytes() + begin * bits / 8,
                          std::make_shared<ir::Tensor>(whole));
}

Result<ir::Tensor> slice_samples(const NamedArray& array, size_t first, size_t count, bool drop_axis) {
  ir::Tensor part = slice_samples(array.tensor, first, count, drop_axis);
  if (array.file == nullptr) return part;
  return array.file->copy(part);
}

Result<ir::Tensor> in_memory(const NamedArray& array) {
  if (array.file == nullptr) return array.tensor;
  return array.file->kept(array.tensor);
}

Status for_each_piece(const NamedArray& array, const std::function<void(std::span<const std::byte>)>& see) {
  std::span bytes(array.tensor.bytes(), array.tensor.byte_size());
  if (array.file != nullptr) return array.file->for_each_piece(bytes, see);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(bytes.size(), OpenData::kPiece)))
    see(bytes.first(std::min(bytes.size(), OpenData::kPiece)));
  return {};
}

}  // namespace assay::backends

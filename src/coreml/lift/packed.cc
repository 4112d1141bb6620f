#include "coreml/lift/packed.h"

#include <cstring>

#include "coreml/lift/mil.h"

namespace assay::coreml {
namespace {

bool is_signed(mil::DataType type) {
  return type == mil::DataType::int4 || type == mil::DataType::int8 || type == mil::DataType::int16 ||
         type == mil::DataType::int32 || type == mil::DataType::int64;
}

std::optional<int64_t> product(const ir::Dims& dims) {
  int64_t n = 1;
  for (const int64_t d : dims)
    if (d < 0 || __builtin_mul_overflow(n, d, &n) || n > (int64_t{1} << 40)) return std::nullopt;
  return n;
}

}  // namespace

Result<PackedNumbers> PackedNumbers::of(const mil::Value& value) {
  const int bits = mil::data_type_bits(value.type.data);
  if (!value.type.is_static() || value.payload() == nullptr || bits == 0)
    return Error{Code::type_unsupported, "a constant of type " + mil::to_string(value.type) + " holds no numbers"};
  PackedNumbers p;
  if (mil::is_float(value.type.data)) {
    ASSAY_TRY(const ir::Tensor tensor, tensor_of(value));
    return of(tensor);
  }
  ASSAY_TRY(const mil::Payload payload, value.payload()->gathered());
  p.bytes_ = payload.view;
  p.owner_ = payload.owner;
  p.bits_ = 8;
  p.size_ = static_cast<int64_t>(p.bytes_.size());
  ASSAY_TRY(PackedNumbers codes, p.as_codes(bits, *value.type.dims));
  codes.signed_ = is_signed(value.type.data);
  return codes;
}

PackedNumbers PackedNumbers::of(const ir::Tensor& tensor) {
  PackedNumbers p;
  p.bytes_ = {tensor.bytes(), tensor.byte_size()};
  p.owner_ = std::make_shared<ir::Tensor>(tensor);
  p.dims_ = tensor.dims();
  p.size_ = tensor.size();
  p.bits_ = ir::elem_bits(tensor.elem());
  p.float_ = ir::is_float(tensor.elem());
  p.signed_ = ir::is_signed_integer(tensor.elem());
  if (p.float_) p.floats_ = tensor;
  return p;
}

Result<PackedNumbers> PackedNumbers::as_codes(int bits, ir::Dims dims) const {
  const auto count = product(dims);
  if (!count || (static_cast<uint64_t>(*count) * static_cast<uint64_t>(bits) + 7) / 8 != bytes_.size())
    return Error{Code::model_invalid, std::to_string(bytes_.size()) + " bytes do not hold the numbers of a constant"};
  PackedNumbers p = *this;
  p.bits_ = bits;
  p.dims_ = std::move(dims);
  p.size_ = *count;
  p.signed_ = p.float_ = false;
  return p;
}

int64_t PackedNumbers::code(int64_t i) const {
  uint64_t word = 0;
  const auto width = static_cast<uint64_t>(bits_), first = static_cast<uint64_t>(i) * width;
  const uint64_t begin = first / 8, end = (first + width + 7) / 8;
  std::memcpy(&word, bytes_.data() + begin, end - begin);
  word >>= first % 8;
  if (bits_ < 64) word &= (uint64_t{1} << width) - 1;
  const bool negative = signed_ && bits_ < 64 && (word >> (width - 1)) != 0;
  return static_cast<int64_t>(negative ? word - (uint64_t{1} << width) : word);
}

double PackedNumbers::number(int64_t i) const { return float_ ? floats_.float_at(i) : static_cast<double>(code(i)); }

void PackedNumbers::copy(int64_t i, ir::Tensor& to, int64_t at) const {
  const auto bytes = static_cast<size_t>(bits_ / 8);
  if (bits_ < 8)
    to.set_int(at, code(i));
  else
    std::memcpy(to.mutable_bytes() + static_cast<size_t>(at) * bytes, bytes_.data() + static_cast<size_t>(i) * bytes,
                bytes);
}

}  // namespace assay::coreml

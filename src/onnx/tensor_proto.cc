#include "onnx/tensor_proto.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "onnx/limits.h"

namespace assay::onnx {
namespace {
using ir::ElemType;

std::string place(const TensorProto& p) { return "tensor '" + std::string(p.name.substr(0, 200)) + "'"; }

Error invalid(const TensorProto& p, std::string message) {
  return Error{Code::model_invalid, std::move(message), place(p), "export the model again"};
}

/// Which typed field holds elements of a type, and how.
enum class Field : uint8_t { floats, int32s, int64s, doubles, uint64s, strings };
Field field_of(ElemType elem) {
  switch (elem) {
    case ElemType::float32:
    case ElemType::complex64:
      return Field::floats;
    case ElemType::float64:
    case ElemType::complex128:
      return Field::doubles;
    case ElemType::int64:
      return Field::int64s;
    case ElemType::uint32:
    case ElemType::uint64:
      return Field::uint64s;
    case ElemType::string:
      return Field::strings;
    default:
      return Field::int32s;
  }
}

const std::vector<Bytes>* runs_of(const TensorProto& p, Field field) {
  switch (field) {
    case Field::floats:
      return &p.float_data;
    case Field::int32s:
      return &p.int32_data;
    case Field::int64s:
      return &p.int64_data;
    case Field::doubles:
      return &p.double_data;
    case Field::uint64s:
      return &p.uint64_data;
    case Field::strings:
      break;
  }
  return nullptr;
}

size_t total_bytes(const std::vector<Bytes>& runs) {
  size_t total = 0;
  for (const Bytes& run : runs) total += run.size();
  return total;
}

Result<ir::Dims> checked_dims(const TensorProto& p, const std::vector<int64_t>& dims, ElemType elem) {
  if (dims.size() > kMaxRank)
    return Error{Code::limit_exceeded, "rank " + std::to_string(dims.size()) + " is above " + std::to_string(kMaxRank),
                 place(p), "export the model again"};
  for (const int64_t d : dims)
    if (d < 0) return invalid(p, "dimension " + std::to_string(d) + " is negative");
  const auto count = checked_product(dims);
  const int64_t bytes_each = std::max(1, ir::elem_bits(elem) / 8);
  if (!count || *count > kMaxTensorBytes / bytes_each)
    return Error{Code::limit_exceeded, "dimensions " + ir::to_string(dims) + " are absurd", place(p),
                 "export the model again"};
  return dims;
}

/// Storage of each varint of a typed field; sub-byte types pack several elements into one entry.
Status store_varints(const TensorProto& p, const std::vector<Bytes>& runs, ir::Tensor& t) {
  const auto bits = static_cast<size_t>(ir::elem_bits(t.elem()));
  const size_t entry_bytes = std::max<size_t>(1, bits / 8);
  const size_t entries = t.byte_size() / entry_bytes;
  size_t i = 0;
  bool whole = true;
  for (const Bytes& run : runs) {
    whole = whole && pb::each_varint(run, [&](uint64_t v) {
              if (i < entries) std::memcpy(t.mutable_bytes() + i * entry_bytes, &v, entry_bytes);
              ++i;
            });
  }
  if (!whole) return invalid(p, "a typed value ends inside a number");
  if (i != entries)
    return invalid(p, "has " + std::to_string(i) + " typed values, dimensions " + ir::to_string(t.dims()) + " need " +
                          std::to_string(entries));
  return {};
}

/// Kernels read booleans as 0 or 1; a file may hold any byte.
void normalise_booleans(ir::Tensor& t) {
  for (size_t i = 0; i < t.byte_size(); ++i) t.mutable_bytes()[i] = std::byte{t.bytes()[i] != std::byte{0}};
}

size_t value_fields(const TensorProto& p) {
  return size_t{p.raw_data.has_value() && !p.raw_data->empty()} + !p.float_data.empty() + !p.int32_data.empty() +
         !p.int64_data.empty() + !p.double_data.empty() + !p.uint64_data.empty() + !p.string_data.empty();
}

}  // namespace

ir::Tensor TensorLoader::adopt(ElemType elem, const ir::Dims& dims, Bytes bytes,
                               const std::shared_ptr<const void>& owner) {
  if (owner && elem != ElemType::boolean) {
    const ir::Tensor view = ir::Tensor::view(elem, dims, bytes.data(), owner);
    return bytes.size() <= kCopyMisaligned ? view.aligned() : view;
  }
  ir::Tensor t = ir::Tensor::allocate(elem, dims);
  if (!bytes.empty()) std::memcpy(t.mutable_bytes(), bytes.data(), bytes.size());
  if (elem == ElemType::boolean) normalise_booleans(t);
  return t;
}

Result<ir::Tensor> TensorLoader::decode(const TensorProto& p, ElemType elem, int64_t count) {
  const Field field = field_of(elem);
  if (field == Field::strings) {
    if (static_cast<uint64_t>(count) != p.string_data.size())
      return invalid(p, "has " + std::to_string(p.string_data.size()) + " strings, dimensions " +
                            ir::to_string(p.dims) + " need " + std::to_string(count));
    return ir::Tensor::of_strings(p.dims, {p.string_data.begin(), p.string_data.end()});
  }
  const std::vector<Bytes>& runs = *runs_of(p, field);
  const size_t available = total_bytes(runs);
  const size_t needed = ir::packed_bytes(elem, count);
  if (available == 0) return invalid(p, "has no data of its type");
  if (field == Field::floats || field == Field::doubles) {
    if (available != needed)
      return invalid(p, "has " + std::to_string(available) + " bytes of typed data, dimensions " +
                            ir::to_string(p.dims) + " need " + std::to_string(needed));
    if (runs.size() == 1) return adopt(elem, p.dims, runs.front(), owner_);
  } else if (available < needed / static_cast<size_t>(std::max(1, ir::elem_bits(elem) / 8))) {
    return invalid(p, "has too little data for dimensions " + ir::to_string(p.dims));  // before allocating
  }
  ir::Tensor t = ir::Tensor::allocate(elem, p.dims);
  if (field != Field::floats && field != Field::doubles) {
    ASSAY_CHECK(store_varints(p, runs, t));
    if (elem == ElemType::boolean) normalise_booleans(t);
    return t;
  }
  std::byte* to = t.mutable_bytes();
  for (const Bytes& run : runs) {
    std::memcpy(to, run.data(), run.size());
    to += run.size();
  }
  return t;
}

Result<ir::Tensor> TensorLoader::load(const TensorProto& p) {
  const auto elem = ir::elem_from_onnx(p.data_type);
  if (!elem) return invalid(p, "element type " + std::to_string(p.data_type) + " does not exist");
  if (p.segmented) return invalid(p, "is a segment of a tensor, which nothing can use");
  ASSAY_TRY(const ir::Dims dims, checked_dims(p, p.dims, *elem));
  const int64_t count = *checked_product(dims);
  const size_t size = ir::packed_bytes(*elem, count);
  if (p.data_location == TensorProto::kExternal) {
    if (value_fields(p) != 0) return invalid(p, "has both external and inline data");
    if (*elem == ElemType::string) return invalid(p, "strings cannot be external");
    ASSAY_TRY(const ExternalData::Range range, external_.find(p, size));
    return adopt(*elem, dims, range.bytes, range.owner);
  }
  if (p.data_location != TensorProto::kDefault)
    return invalid(p, "data_location " + std::to_string(p.data_location) + " does not exist");
  if (value_fields(p) > 1) return invalid(p, "has data in more than one field");
  if (count == 0) {
    if (value_fields(p) != 0) return invalid(p, "has data but no elements");
    return ir::Tensor::allocate(*elem, dims);
  }
  if (!p.raw_data || p.raw_data->empty()) return decode(p, *elem, count);
  if (*elem == ElemType::string) return invalid(p, "strings cannot be raw data");
  if (p.raw_data->size() != size)
    return invalid(p, "has " + std::to_string(p.raw_data->size()) + " bytes of raw data, dimensions " +
                          ir::to_string(dims) + " of " + std::string(ir::elem_name(*elem)) + " need " +
                          std::to_string(size));
  return adopt(*elem, dims, *p.raw_data, owner_);
}

Result<ir::Tensor> TensorLoader::load_sparse(const SparseTensorProto& s) {
  ASSAY_TRY(const ir::Tensor values, load(s.values));
  ASSAY_TRY(const ir::Tensor indices, load(s.indices));
  const ElemType elem = values.elem();
  if (elem == ElemType::string) return invalid(s.values, "sparse strings are not read");
  ASSAY_TRY(const ir::Dims dims, checked_dims(s.values, s.dims, elem));
  const int64_t count = *checked_product(dims), nonzero = values.size();
  if (ir::packed_bytes(elem, count) > static_cast<size_t>(kMaxDenseBytes))
    return Error{Code::limit_exceeded,
                 "a sparse tensor of dimensions " + ir::to_string(dims) + " is too large to make dense",
                 place(s.values), "export the model with dense tensors"};
  const auto rank = static_cast<int64_t>(dims.size());
  const bool linear = indices.rank() == 1 && indices.size() == nonzero;
  const bool coordinates = indices.rank() == 2 && indices.dims()[0] == nonzero && indices.dims()[1] == rank;
  if (values.rank() != 1 || indices.elem() != ElemType::int64 || !(linear || coordinates))
    return invalid(s.values, "sparse values and indices do not fit together");
  ir::Tensor dense = ir::Tensor::allocate(elem, dims);
  if (dense.byte_size() != 0) std::memset(dense.mutable_bytes(), 0, dense.byte_size());
  const int bits = ir::elem_bits(elem);
  int64_t last = -1;
  for (int64_t i = 0; i < nonzero; ++i) {
    int64_t at = linear ? indices.int_at(i) : 0;
    for (int64_t k = 0; !linear && k < rank; ++k) {
      const int64_t index = indices.int_at(i * rank + k), extent = dims[static_cast<size_t>(k)];
      if (index < 0 || index >= extent) return invalid(s.values, "a sparse index is outside the tensor");
      at = at * extent + index;
    }
    if (at <= last || at >= count) return invalid(s.values, "sparse indices are not ascending inside the tensor");
    last = at;
    if (bits < 8) {
      dense.set_int(at, values.int_at(i));
    } else {
      const auto bytes = static_cast<size_t>(bits / 8);
      std::memcpy(dense.mutable_bytes() + static_cast<size_t>(at) * bytes,
                  values.bytes() + static_cast<size_t>(i) * bytes, bytes);
    }
  }
  return dense;
}

}  // namespace assay::onnx

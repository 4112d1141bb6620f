#include "backends/data/npy.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "backends/data/arrays.h"
#include "base/mapped_file.h"
#include "base/output_file.h"

namespace assay::backends {
namespace npy {
namespace {
using ir::ElemType;
using ir::Tensor;

void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
  } else if (c < 0x10000) {
    out += {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3f)),
            static_cast<char>(0x80 | (c & 0x3f))};
  } else {
    out += {static_cast<char>(0xf0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3f)),
            static_cast<char>(0x80 | (c >> 6 & 0x3f)), static_cast<char>(0x80 | (c & 0x3f))};
  }
}

std::string text_item(const Header& header, const std::byte* item) {
  std::string text;
  if (header.kind == 'S') {
    text.assign(reinterpret_cast<const char*>(item), header.item_bytes);
  } else {
    for (size_t i = 0; i < header.item_bytes; i += 4) {
      uint32_t c = 0;
      std::memcpy(&c, item + i, 4);
      append_utf8(text, header.big_endian ? __builtin_bswap32(c) : c);
    }
  }
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

Result<Tensor> text_tensor(const Header& header, std::span<const std::byte> payload, const std::string& where) {
  const auto count = header.item_bytes == 0 ? 0 : payload.size() / header.item_bytes;
  if (count > 1'000'000) return Error{Code::data_malformed, "holds over a million strings", where, "split the data"};
  std::vector<std::string> strings;
  for (size_t i = 0; i < count; ++i) strings.push_back(text_item(header, payload.data() + i * header.item_bytes));
  if (header.item_bytes == 0)
    return Error{Code::data_malformed, "holds strings of no characters", where, "save the array again"};
  return Tensor::of_strings(header.dims, std::move(strings));
}

void swap_bytes(std::byte* data, size_t count, size_t item) {
  for (size_t i = 0; i < count; ++i) std::reverse(data + i * item, data + (i + 1) * item);
}

// Column-major elements to row-major: walks the output in order, keeping the input offset in step.
void from_fortran(const std::byte* in, std::byte* out, const ir::Dims& dims, size_t item) {
  const size_t rank = dims.size();
  ir::Dims stride(rank), index(rank, 0);
  int64_t step = 1;
  for (size_t d = 0; d < rank; ++d) {
    stride[d] = step;
    step *= dims[d];
  }
  int64_t offset = 0;
  for (int64_t i = 0; i < step; ++i) {
    std::memcpy(out + static_cast<size_t>(i) * item, in + static_cast<size_t>(offset) * item, item);
    for (size_t d = rank; d-- > 0;) {
      offset += stride[d];
      if (++index[d] < dims[d]) break;
      offset -= stride[d] * dims[d];
      index[d] = 0;
    }
  }
}

ElemType carrier(ElemType elem) { return ir::elem_bits(elem) == 16 ? ElemType::uint16 : ElemType::uint8; }
}  // namespace

Result<Content> parse(std::span<const std::byte> bytes, const std::string& where, const std::string& fix) {
  ASSAY_TRY(const Prefix prefix, parse_prefix(bytes.first(std::min(bytes.size(), kPrefixBytes)), where));
  const size_t header_bytes = prefix.before_text + prefix.text_bytes;
  if (bytes.size() < header_bytes) return Error{Code::data_malformed, "ends inside its header", where, fix};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + prefix.before_text, prefix.text_bytes);
  ASSAY_TRY(const Header header, parse_header(text, where));
  const std::span payload = bytes.subspan(header_bytes);
  if (payload.size() != header.payload_bytes)
    return Error{Code::data_malformed,
                 "has " + std::to_string(payload.size()) + " bytes of elements, its shape needs " +
                     std::to_string(header.payload_bytes),
                 where, fix};
  return Content{header, payload};
}

bool is_plain(const Header& header) {
  const bool reorder = header.fortran && header.dims.size() > 1;
  return header.elem != ElemType::string && header.kind != 'b' && !reorder && !header.big_endian;
}

Result<Tensor> to_tensor(const Header& header, std::span<const std::byte> payload, std::shared_ptr<const void> owner,
                         const std::string& where) {
  if (header.elem == ElemType::string) return text_tensor(header, payload, where);
  // The alignment of complex elements is that of their parts.
  const size_t item = header.kind == 'c' ? header.item_bytes / 2 : header.item_bytes;
  const bool aligned = reinterpret_cast<uintptr_t>(payload.data()) % item == 0;
  const bool reorder = header.fortran && header.dims.size() > 1;
  const bool booleans_clean =
      header.kind != 'b' || std::all_of(payload.begin(), payload.end(), [](std::byte b) { return b <= std::byte{1}; });
  if (!booleans_clean)
    return Error{Code::data_malformed, "has booleans that are neither 0 nor 1", where, "save the array again"};
  if (aligned && !reorder && !header.big_endian)
    return Tensor::view(header.elem, header.dims, payload.data(), std::move(owner));
  Tensor out = Tensor::allocate(header.elem, header.dims);
  if (reorder) {
    from_fortran(payload.data(), out.mutable_bytes(), header.dims, header.item_bytes);
  } else if (!payload.empty()) {
    std::memcpy(out.mutable_bytes(), payload.data(), payload.size());
  }
  if (header.big_endian) swap_bytes(out.mutable_bytes(), payload.size() / item, item);
  return out;
}

bool needs_name(ElemType elem) {
  const int bits = ir::elem_bits(elem);
  return elem == ElemType::bfloat16 || (bits > 0 && bits < 8) || (ir::is_float(elem) && bits == 8);
}

Tensor storable(const Tensor& tensor) {
  if (tensor.elem() == ElemType::string || !needs_name(tensor.elem())) return tensor;
  Tensor out = Tensor::allocate(carrier(tensor.elem()), tensor.dims());
  if (ir::elem_bits(tensor.elem()) >= 8) {
    if (out.byte_size() > 0) std::memcpy(out.mutable_bytes(), tensor.bytes(), out.byte_size());
    return out;
  }
  // One element per byte: read through a view as unsigned integers of the same width.
  const ElemType plain = ir::elem_bits(tensor.elem()) == 4 ? ElemType::uint4 : ElemType::uint2;
  const Tensor bits = Tensor::view(plain, tensor.dims(), tensor.bytes(), nullptr);
  for (int64_t i = 0; i < bits.size(); ++i) out.set_int(i, bits.int_at(i));
  return out;
}

Result<Tensor> restore(const Tensor& bits, ElemType elem, const std::string& where) {
  if (!needs_name(elem))
    return Error{Code::data_malformed,
                 "__dtypes__ names a type that NumPy has or does not know: " + std::string(ir::onnx_name(elem)), where,
                 "name only types that NumPy lacks"};
  if (bits.elem() != carrier(elem))
    return Error{Code::data_malformed,
                 "__dtypes__ calls an array " + std::string(ir::onnx_name(elem)) + " that holds " +
                     std::string(ir::elem_name(bits.elem())) + ", not " + std::string(ir::elem_name(carrier(elem))),
                 where, "save the bits as unsigned integers"};
  Tensor out = Tensor::allocate(elem, bits.dims());
  if (ir::elem_bits(elem) >= 8) {
    if (out.byte_size() > 0) std::memcpy(out.mutable_bytes(), bits.bytes(), out.byte_size());
    return out;
  }
  for (int64_t i = 0; i < bits.size(); ++i) {
    if (bits.int_at(i) >> ir::elem_bits(elem) != 0)
      return Error{Code::data_malformed, "an element has more bits than " + std::string(ir::onnx_name(elem)), where,
                   "write one element per byte, in its low bits"};
  }
  std::memset(out.mutable_bytes(), 0, out.byte_size());
  const ElemType plain = ir::elem_bits(elem) == 4 ? ElemType::uint4 : ElemType::uint2;
  Tensor raw = Tensor::over(plain, bits.dims(), out.mutable_bytes());
  for (int64_t i = 0; i < bits.size(); ++i) raw.set_int(i, bits.int_at(i));
  return out;
}
}  // namespace npy

namespace {
constexpr const char* kComplete = "check that the file is complete";
}  // namespace

Result<ir::Tensor> read_npy(const std::string& path) {
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  ASSAY_TRY(const npy::Content content, npy::parse(file.bytes(), path, kComplete));
  return npy::to_tensor(content.header, content.payload, file.owner(), path);
}

Result<NamedArray> open_npy(const std::string& path) {
  ASSAY_TRY(auto file, OpenData::open(path));
  ASSAY_TRY(const npy::Content content, npy::parse(file->bytes(), path, kComplete));
  const npy::Header& header = content.header;
  if (!npy::is_plain(header)) {
    ASSAY_TRY(ir::Tensor tensor, npy::to_tensor(header, content.payload, nullptr, path));
    return NamedArray{"", tensor.copy()};
  }
  return NamedArray{"", ir::Tensor::view(header.elem, header.dims, content.payload.data(), file), file};
}

Status write_npy(const std::string& path, const ir::Tensor& tensor) {
  if (tensor.elem() == ir::ElemType::string || npy::needs_name(tensor.elem()))
    return Error{Code::write_failed, "a .npy file cannot say " + std::string(ir::elem_name(tensor.elem())), path,
                 "write a .npz file, which names such types"};
  ASSAY_TRY(OutputFile file, OutputFile::create(path));
  ASSAY_CHECK(file.write(npy::make_header(tensor)));
  ASSAY_CHECK(file.write(std::span(tensor.bytes(), tensor.byte_size())));
  return file.commit();
}

}  // namespace assay::backends

// The .npy format: a magic string, a Python dict as text, then the elements.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ir/tensor.h"

namespace assay::backends::npy {

struct Header {
  char kind = 'f';  ///< NumPy's: f, i, u, b, c, U (text), S (bytes), V (nameless bits)
  size_t item_bytes = 4;
  bool big_endian = false;
  bool fortran = false;
  ir::Dims dims{};
  size_t payload_bytes = 0;  ///< checked product of the above
  ir::ElemType elem = ir::ElemType::undefined;
};

/// Bytes of magic, version and length field, and of the text after them; from the first 12 bytes of a file.
struct Prefix {
  size_t before_text = 10, text_bytes = 0;
};
inline constexpr size_t kPrefixBytes = 12;
Result<Prefix> parse_prefix(std::span<const std::byte> first, const std::string& where);
Result<Header> parse_header(std::string_view text, const std::string& where);

struct Content {
  Header header;
  std::span<const std::byte> payload;  ///< header.payload_bytes
};
/// A whole .npy file. Errors: data_malformed; `fix` is what to do about one that is not whole.
Result<Content> parse(std::span<const std::byte> bytes, const std::string& where, const std::string& fix);

/// The elements in our order: row-major, little-endian. `payload` must have header.payload_bytes; the tensor views it
/// (kept alive by `owner`) where that is possible.
Result<ir::Tensor> to_tensor(const Header& header, std::span<const std::byte> payload,
                             std::shared_ptr<const void> owner, const std::string& where);

/// Whether the payload is the elements in our order, whatever its address.
bool is_plain(const Header& header);

/// Prefix and text for a tensor of a type that NumPy has, padded as NumPy pads.
std::string make_header(const ir::Tensor& tensor);
/// The elements of a text tensor as make_header describes them; empty for other types.
std::string text_payload(const ir::Tensor& tensor);
/// The tensor as NumPy stores it: types that NumPy lacks as unsigned integers, one per element.
ir::Tensor storable(const ir::Tensor& tensor);
/// True when NumPy lacks the type.
bool needs_name(ir::ElemType elem);
/// The other way: unsigned integers read as elements of `elem`.
Result<ir::Tensor> restore(const ir::Tensor& bits, ir::ElemType elem, const std::string& where);

}  // namespace assay::backends::npy

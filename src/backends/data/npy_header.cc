// Reading and writing the headers of .npy files: the Python literal {'descr': '<f4', 'fortran_order': False,
// 'shape': (3, 4), }, taken strictly.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "backends/data/npy.h"
#include "base/checked.h"

namespace assay::backends::npy {
namespace {
using ir::ElemType;

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr size_t kLongestText = 1 << 20;
constexpr size_t kMostDims = 32;

Error malformed(const std::string& where, std::string message) {
  return Error{Code::data_malformed, std::move(message), where, "save the array again with numpy.save"};
}

// A cursor over the literal. Every take_ leaves it where it was when it does not match.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  void skip_space() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n' || text_[0] == '\t')) text_.remove_prefix(1);
  }
  bool take(std::string_view word) {
    skip_space();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  std::optional<std::string> take_string() {
    skip_space();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"')) return std::nullopt;
    const size_t end = text_.find(text_[0], 1);
    if (end == std::string_view::npos) return std::nullopt;
    std::string value(text_.substr(1, end - 1));
    if (value.find('\\') != std::string::npos) return std::nullopt;
    text_.remove_prefix(end + 1);
    return value;
  }
  std::optional<int64_t> take_int() {
    skip_space();
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc{} || value < 0) return std::nullopt;
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    take("L");  // Python 2 wrote long integers so
    return value;
  }
  bool at_end() {
    skip_space();
    return text_.empty();
  }

 private:
  std::string_view text_;
};

std::optional<ir::Dims> take_shape(Cursor& cursor) {
  if (!cursor.take("(")) return std::nullopt;
  ir::Dims dims;
  while (!cursor.take(")")) {
    const auto dim = cursor.take_int();
    if (!dim || dims.size() == kMostDims) return std::nullopt;
    dims.push_back(*dim);
    if (cursor.take(",")) continue;
    if (!cursor.take(")")) return std::nullopt;
    break;
  }
  return dims;
}

struct DescrRow {
  char kind;
  size_t bytes;
  ElemType elem;
};
constexpr std::array<DescrRow, 14> kDescrs{{
    {'f', 4, ElemType::float32},
    {'f', 2, ElemType::float16},
    {'f', 8, ElemType::float64},
    {'i', 1, ElemType::int8},
    {'i', 2, ElemType::int16},
    {'i', 4, ElemType::int32},
    {'i', 8, ElemType::int64},
    {'u', 1, ElemType::uint8},
    {'u', 2, ElemType::uint16},
    {'u', 4, ElemType::uint32},
    {'u', 8, ElemType::uint64},
    {'b', 1, ElemType::boolean},
    {'c', 8, ElemType::complex64},
    {'c', 16, ElemType::complex128},
}};

Status parse_descr(const std::string& descr, Header& header, const std::string& where) {
  if (descr.find('O') != std::string::npos)
    return malformed(where, "holds Python objects (dtype '" + descr + "'), which are never unpickled");
  const bool ordered = !descr.empty() && std::strchr("<>|=", descr[0]) != nullptr;
  const std::string_view rest = std::string_view(descr).substr(ordered ? 1 : 0);
  size_t bytes = 0;
  if (rest.size() < 2 ||
      std::from_chars(rest.data() + 1, rest.data() + rest.size(), bytes).ptr != rest.data() + rest.size())
    return malformed(where, "dtype '" + descr + "' is not read");
  header.kind = rest[0];
  header.big_endian = descr[0] == '>';
  header.item_bytes = bytes;
  if (header.kind == 'U' || header.kind == 'S') {
    if (bytes > (1 << 20)) return malformed(where, "text elements of " + std::to_string(bytes) + " characters");
    header.elem = ElemType::string;
    header.item_bytes = header.kind == 'U' ? bytes * 4 : bytes;
    return {};
  }
  const auto row = std::find_if(kDescrs.begin(), kDescrs.end(),
                                [&](const DescrRow& r) { return r.kind == header.kind && r.bytes == bytes; });
  if (row != kDescrs.end()) {
    header.elem = row->elem;
    return {};
  }
  const std::string fix = header.kind == 'V'
                              ? "NumPy has no name for this type: save its bits with .view(numpy.uint16) or "
                                "numpy.uint8 and name it in __dtypes__ (docs/formats.md)"
                              : "convert the array to a type that ONNX has";
  return Error{Code::data_malformed, "dtype '" + descr + "' is not read", where, fix};
}

// Code points of UTF-8 text; bytes that are no UTF-8 count as themselves.
std::vector<uint32_t> code_points(std::string_view text) {
  std::vector<uint32_t> points;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (more == 0 || i + more >= text.size()) {
      points.push_back(lead);
      ++i;
      continue;
    }
    uint32_t point = lead & (0x3f >> more);
    for (size_t k = 1; k <= more; ++k) point = point << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3f);
    points.push_back(point);
    i += more + 1;
  }
  return points;
}

// Text is written as fixed-width UTF-32: the width of the longest element.
size_t text_width(const ir::Tensor& tensor) {
  size_t width = 1;
  if (tensor.elem() != ElemType::string) return width;
  for (const std::string& s : tensor.strings()) width = std::max(width, code_points(s).size());
  return width;
}

std::optional<size_t> payload_of(const Header& header) {
  const auto count = checked_product(header.dims);
  if (!count) return std::nullopt;
  return checked_mul(static_cast<size_t>(*count), header.item_bytes);
}
}  // namespace

Result<Prefix> parse_prefix(std::span<const std::byte> first, const std::string& where) {
  const auto byte = [&](size_t i) { return std::to_integer<size_t>(first[i]); };
  if (first.size() < kPrefixBytes || std::memcmp(first.data(), kMagic.data(), kMagic.size()) != 0)
    return malformed(where, "does not begin as a .npy array does");
  const size_t major = byte(6);
  if (major < 1 || major > 3) return malformed(where, "is .npy version " + std::to_string(major) + "; 1 to 3 are read");
  Prefix prefix;
  prefix.text_bytes = byte(8) | byte(9) << 8;
  if (major > 1) {
    prefix.before_text = 12;
    prefix.text_bytes |= byte(10) << 16 | byte(11) << 24;
  }
  if (prefix.text_bytes > kLongestText) return malformed(where, "has a header of more than 1 MiB");
  return prefix;
}

Result<Header> parse_header(std::string_view text, const std::string& where) {
  Cursor cursor(text);
  Header header;
  std::optional<std::string> descr;
  bool has_order = false, has_shape = false;
  if (!cursor.take("{")) return malformed(where, "has a header that is no dictionary");
  while (!cursor.take("}")) {
    const auto key = cursor.take_string();
    if (!key || !cursor.take(":")) return malformed(where, "has a header that cannot be read");
    if (*key == "descr") {
      if (cursor.take("[")) return malformed(where, "is a structured array, which is not read");
      descr = cursor.take_string();
      if (!descr) return malformed(where, "has a dtype that cannot be read");
    } else if (*key == "fortran_order") {
      header.fortran = cursor.take("True");
      has_order = header.fortran || cursor.take("False");
    } else if (*key == "shape") {
      const auto dims = take_shape(cursor);
      if (!dims) return malformed(where, "has a shape that cannot be read");
      header.dims = *dims;
      has_shape = true;
    } else {
      return malformed(where, "has an unknown header key");
    }
    if (cursor.take(",")) continue;
    if (!cursor.take("}")) return malformed(where, "has a header that cannot be read");
    break;
  }
  if (!cursor.at_end() || !descr || !has_order || !has_shape)
    return malformed(where, "has a header that lacks descr, fortran_order or shape");
  ASSAY_CHECK(parse_descr(*descr, header, where));
  const auto payload = payload_of(header);
  if (!payload) return malformed(where, "claims a shape " + ir::to_string(header.dims) + " beyond all memory");
  header.payload_bytes = *payload;
  return header;
}

std::string text_payload(const ir::Tensor& tensor) {
  std::string out;
  if (tensor.elem() != ElemType::string) return out;
  const size_t width = text_width(tensor);
  for (const std::string& s : tensor.strings()) {
    std::vector<uint32_t> points = code_points(s);
    points.resize(width, 0);
    out.append(reinterpret_cast<const char*>(points.data()), width * 4);
  }
  return out;
}

std::string make_header(const ir::Tensor& tensor) {
  std::string descr = "<U" + std::to_string(text_width(tensor));
  for (const DescrRow& row : kDescrs)
    if (row.elem == tensor.elem())
      descr = (row.bytes == 1 ? "|" : "<") + std::string(1, row.kind) + std::to_string(row.bytes);
  std::string text = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (";
  for (const int64_t dim : tensor.dims()) text += std::to_string(dim) + ", ";
  if (tensor.rank() > 1) text.resize(text.size() - 2);
  if (tensor.rank() == 1) text.resize(text.size() - 1);
  text += "), }";
  const bool wide = text.size() + 10 + 64 > 65535;
  const size_t before = wide ? 12 : 10;
  text.append(63 - (before + text.size()) % 64, ' ');
  text += '\n';
  std::string out(kMagic);
  out += wide ? '\2' : '\1';
  out += '\0';
  for (size_t i = 0; i < before - 8; ++i) out += static_cast<char>(text.size() >> (8 * i) & 0xff);
  return out + text;
}

}  // namespace assay::backends::npy

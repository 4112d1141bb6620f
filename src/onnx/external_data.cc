#include "onnx/external_data.h"

#include <algorithm>
#include <optional>

#include "base/beneath.h"

namespace assay::onnx {
namespace {

Error refuse(std::string message, const std::string& where) {
  return Error{Code::external_data, std::move(message), where,
               "put the data file, as a regular file, into the model's folder and save the model again"};
}

/// Strict non-negative decimal of at most 63 bits.
std::optional<uint64_t> decimal(std::string_view text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  if (value > INT64_MAX) return std::nullopt;
  return value;
}

struct Entries {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
};

Result<Entries> read_entries(const TensorProto& tensor, const std::string& where) {
  Entries e;
  std::vector<std::string_view> seen;
  for (const auto& [key, value] : tensor.external_data) {
    if (std::ranges::find(seen, key) != seen.end())
      return refuse("key '" + std::string(key) + "' is given twice", where);
    seen.push_back(key);
    if (key == "location") {
      e.location = value;
    } else if (key == "offset" || key == "length") {
      const auto number = decimal(value);
      if (!number)
        return refuse(std::string(key) + " is not a decimal number: '" + std::string(value.substr(0, 40)) + "'", where);
      if (key == "offset")
        e.offset = *number;
      else
        e.length = *number;
    } else if (key != "checksum") {  // of the whole file, written by nobody: not verified
      return refuse("unknown key '" + std::string(key.substr(0, 40)) + "'", where);
    }
  }
  if (const auto problem = bad_location(e.location); !problem.empty())
    return refuse("location '" + e.location.substr(0, 200) + "' " + std::string(problem), where);
  return e;
}

}  // namespace

Result<MappedFile> ExternalData::file(const std::string& location, const std::string& where) {
  if (const auto known = files_.find(location); known != files_.end()) return known->second;
  ASSAY_TRY(MappedFile mapped, map_beneath(*folder_, location, refuse("", where)));
  return files_.emplace(location, std::move(mapped)).first->second;
}

Result<ExternalData::Range> ExternalData::find(const TensorProto& tensor, size_t size) {
  const std::string where = "tensor '" + std::string(tensor.name) + "'";
  if (!folder_) return refuse("a model from memory cannot have external data", where);
  ASSAY_TRY(const Entries e, read_entries(tensor, where));
  ASSAY_TRY(const MappedFile mapped, file(e.location, where));
  const uint64_t total = mapped.bytes().size();
  if (e.offset > total) return refuse("offset " + std::to_string(e.offset) + " is beyond the file", where);
  const uint64_t length = e.length.value_or(total - e.offset);
  if (length > total - e.offset)
    return refuse("offset " + std::to_string(e.offset) + " and length " + std::to_string(length) +
                      " reach beyond the file of " + std::to_string(total) + " bytes",
                  where);
  if (length != size)
    return refuse("length is " + std::to_string(length) + " bytes, the tensor has " + std::to_string(size), where);
  return Range{mapped.bytes().subspan(e.offset, length), mapped.owner()};
}

}  // namespace assay::onnx

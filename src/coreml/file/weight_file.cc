#include "coreml/file/weight_file.h"

#include <cstring>

#include "coreml/file/limits.h"

namespace assay::coreml {
namespace {
template <class T>
T load(mil::Bytes bytes, uint64_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

Error damaged(std::string message, std::string where) {
  return Error{Code::coreml_weights, std::move(message), std::move(where),
               "copy the whole package again, or export the model again"};
}
}  // namespace

Result<WeightFile> WeightFile::open(MappedFile file, std::string name) {
  const mil::Bytes bytes = file.bytes();
  if (bytes.size() < kBlobAlignment) return damaged("shorter than its header of 64 bytes", name);
  const auto version = load<uint32_t>(bytes, 4);
  if (version != kBlobVersion)
    return damaged("has version " + std::to_string(version) + " of the weight format; version 2 is read", name);
  return WeightFile(std::move(file), std::move(name));
}

Error WeightFile::refuse(std::string problem, uint64_t offset, const std::string& where) const {
  return damaged("the record at byte " + std::to_string(offset) + " " + std::move(problem), name_ + ", for " + where);
}

bool WeightFile::claim(uint64_t begin, uint64_t size) {
  if (size == 0) return true;
  const auto next = taken_.lower_bound(begin);
  if (next != taken_.end() && next->first < begin + size) return false;
  if (next != taken_.begin() && std::prev(next)->second > begin) return false;
  taken_.emplace(begin, begin + size);
  return true;
}

Result<WeightFile::Record> WeightFile::record(uint64_t offset, const std::string& where) {
  if (const auto known = records_.find(offset); known != records_.end()) return known->second;
  const mil::Bytes bytes = file_.bytes();
  if (offset % kBlobAlignment != 0) return refuse("is not at a multiple of 64", offset, where);
  if (offset < kBlobAlignment) return refuse("lies in the file's header", offset, where);
  if (offset > bytes.size() || bytes.size() - offset < kBlobAlignment)
    return refuse("lies beyond the file of " + std::to_string(bytes.size()) + " bytes", offset, where);
  if (load<uint32_t>(bytes, offset) != kBlobSentinel) return refuse("does not start with its mark", offset, where);
  const Record r{load<uint32_t>(bytes, offset + 4), load<uint64_t>(bytes, offset + 16),
                 load<uint64_t>(bytes, offset + 8)};
  if (load<uint64_t>(bytes, offset + 24) >= 8) return refuse("has more than 7 bits of padding", offset, where);
  if (r.offset % kBlobAlignment != 0) return refuse("names bytes that do not start at a multiple of 64", offset, where);
  if (r.offset > bytes.size() || r.size > bytes.size() - r.offset || r.offset < kBlobAlignment)
    return refuse("names bytes outside of the file", offset, where);
  if (!claim(offset, kBlobAlignment) || !claim(r.offset, r.size))
    return refuse("shares bytes with another record", offset, where);
  records_.emplace(offset, r);
  return r;
}

Result<mil::Payload> WeightFile::find(uint64_t offset, const mil::Type& type, const std::string& where) {
  ASSAY_TRY(const Record r, record(offset, where));
  const auto count = mil::element_count(type);
  if (!count) return refuse("serves a constant without a fixed size, " + to_string(type), offset, where);
  const mil::DataTypeRow* const row = mil::data_type_row(type.data);
  if (!row || row->blob == 0 || static_cast<uint32_t>(row->blob) != r.blob)
    return refuse("holds numbers of kind " + std::to_string(r.blob) + ", not those of " + to_string(type), offset,
                  where);
  const uint64_t size = mil::packed_bytes(type.data, static_cast<uint64_t>(*count));
  if (size != r.size)
    return refuse("has " + std::to_string(r.size) + " bytes, " + to_string(type) + " needs " + std::to_string(size),
                  offset, where);
  return mil::Payload::of(file_.bytes().subspan(r.offset, r.size), file_.owner());
}

Result<mil::Payload> WeightFiles::find(const std::string& file, uint64_t offset, const mil::Type& type,
                                       const std::string& where) {
  if (!file.starts_with(kModelPath))
    return Error{Code::coreml_weights, "the weight file is named '" + file.substr(0, 200) + "'", where,
                 "names of weight files start with @model_path/"};
  const std::string location = file.substr(kModelPath.size());
  auto known = files_.find(location);
  if (known == files_.end()) {
    ASSAY_TRY(MappedFile mapped, open_(location));
    ASSAY_TRY(WeightFile opened, WeightFile::open(std::move(mapped), location));
    known = files_.emplace(location, std::move(opened)).first;
  }
  return known->second.find(offset, type, where);
}

}  // namespace assay::coreml

// .npz archives. Entries are read as a stream straight into their tensors; what an entry claims is checked against what
// the archive can hold before anything is allocated.
#include <zip.h>

#include <algorithm>
#include <memory>

#include "backends/data/arrays.h"
#include "backends/data/npy.h"
#include "backends/data/zip_writer.h"
#include "base/mapped_file.h"
#include "base/text.h"

namespace assay::backends {
namespace {
constexpr std::string_view kDtypes = "__dtypes__", kProvenance = "__assay__";
constexpr int64_t kMostEntries = 100'000;
constexpr uint64_t kMostDeflated = 1032;  // deflate cannot shrink by more

struct CloseArchive {
  void operator()(zip_t* z) const { zip_discard(z); }
};
struct CloseEntry {
  void operator()(zip_file_t* f) const { zip_fclose(f); }
};
using Archive = std::unique_ptr<zip_t, CloseArchive>;
using Entry = std::unique_ptr<zip_file_t, CloseEntry>;

Error malformed(const std::string& where, std::string message) {
  return Error{Code::data_malformed, std::move(message), where, "save the data again with numpy.savez"};
}

// From the mapping: the archive cannot change under us, and a path with odd characters is opened as any other file.
Result<Archive> open_archive(const MappedFile& file, const std::string& path) {
  // libzip takes an empty file for an archive without entries.
  if (file.bytes().empty()) return malformed(path, "is empty");
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(file.bytes().data(), file.bytes().size(), 0, &error);
  zip_t* archive = source == nullptr ? nullptr : zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
  if (archive == nullptr) {
    if (source != nullptr) zip_source_free(source);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    return malformed(path, "is no readable .npz archive: " + why);
  }
  zip_error_fini(&error);
  return Archive(archive);
}

Status read_exactly(zip_file_t* entry, std::byte* out, uint64_t count, const std::string& where) {
  while (count > 0) {
    const zip_int64_t n = zip_fread(entry, out, std::min<uint64_t>(count, 1 << 26));
    if (n <= 0) return malformed(where, "ends early or is damaged");
    out += n;
    count -= static_cast<uint64_t>(n);
  }
  return {};
}

// Reading past the last byte makes libzip check the entry's CRC.
Status read_end(zip_file_t* entry, const std::string& where) {
  std::byte extra;
  if (zip_fread(entry, &extra, 1) != 0) return malformed(where, "is damaged: its checksum or length is wrong");
  return {};
}

Status check_sizes(const zip_stat_t& stat, uint64_t archive_bytes, const std::string& where) {
  constexpr zip_uint64_t kNeeded = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
  if ((stat.valid & kNeeded) != kNeeded) return malformed(where, "has an entry without name or size");
  if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE)
    return malformed(where, "is encrypted");
  if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
    return malformed(where, "is compressed by a method other than deflate");
  const uint64_t factor = stat.comp_method == ZIP_CM_STORE ? 1 : kMostDeflated;
  if (stat.comp_size > archive_bytes || stat.size / factor > stat.comp_size)
    return malformed(where, "claims more bytes than its archive can hold");
  return {};
}

Result<ir::Tensor> read_entry(zip_t* archive, uint64_t index, const zip_stat_t& stat, const std::string& where) {
  Entry entry(zip_fopen_index(archive, index, 0));
  if (!entry) return malformed(where, std::string("cannot be read: ") + zip_strerror(archive));
  std::string head(npy::kPrefixBytes, '\0');
  const uint64_t first = std::min<uint64_t>(stat.size, head.size());
  ASSAY_CHECK(read_exactly(entry.get(), reinterpret_cast<std::byte*>(head.data()), first, where));
  ASSAY_TRY(const npy::Prefix prefix, npy::parse_prefix(std::as_bytes(std::span(head)).first(first), where));
  const uint64_t header_bytes = prefix.before_text + prefix.text_bytes;
  if (header_bytes > stat.size || header_bytes < head.size()) return malformed(where, "ends inside its header");
  head.resize(header_bytes);
  auto* rest = reinterpret_cast<std::byte*>(head.data()) + first;
  ASSAY_CHECK(read_exactly(entry.get(), rest, header_bytes - first, where));
  ASSAY_TRY(const npy::Header header, npy::parse_header(std::string_view(head).substr(prefix.before_text), where));
  if (stat.size - header_bytes != header.payload_bytes)
    return malformed(where, "has " + std::to_string(stat.size - header_bytes) + " bytes of elements, its shape needs " +
                                std::to_string(header.payload_bytes));
  const auto bytes = static_cast<int64_t>(header.payload_bytes);
  auto payload = std::make_shared<ir::Tensor>(ir::Tensor::allocate(ir::ElemType::uint8, {bytes}));
  ASSAY_CHECK(read_exactly(entry.get(), payload->mutable_bytes(), header.payload_bytes, where));
  ASSAY_CHECK(read_end(entry.get(), where));
  return npy::to_tensor(header, std::span(payload->bytes(), header.payload_bytes), payload, where);
}

// Takes `__dtypes__` out of the arrays and gives those that it names their types.
Status apply_dtypes(Arrays& arrays, const std::string& path) {
  const auto it = std::find_if(arrays.begin(), arrays.end(), [](const NamedArray& a) { return a.name == kDtypes; });
  if (it == arrays.end()) return {};
  const ir::Tensor names = it->tensor;
  arrays.erase(it);
  const std::string where = path + ": __dtypes__";
  if (names.elem() != ir::ElemType::string || names.rank() != 1)
    return malformed(where, "is no one-dimensional array of text");
  for (const std::string& line : names.strings()) {
    const size_t equals = line.rfind('=');
    if (equals == std::string::npos)
      return malformed(where, "has an entry that is not NAME=TYPE: " + line.substr(0, 200));
    const std::string name = line.substr(0, equals);
    const auto elem = ir::elem_named(line.substr(equals + 1));
    const auto array = std::find_if(arrays.begin(), arrays.end(), [&](const NamedArray& a) { return a.name == name; });
    if (!elem) return malformed(where, "names an unknown type: " + line.substr(0, 200));
    if (array == arrays.end()) return malformed(where, "names an array that is not there: " + line.substr(0, 200));
    ASSAY_TRY(array->tensor, npy::restore(array->tensor, *elem, where));
  }
  return {};
}

Result<std::optional<std::string>> take_provenance(Arrays& arrays, const std::string& path) {
  const auto it = std::ranges::find(arrays, kProvenance, &NamedArray::name);
  if (it == arrays.end()) return std::optional<std::string>();
  const ir::Tensor bytes = it->tensor;
  arrays.erase(it);
  if (bytes.elem() != ir::ElemType::uint8 || bytes.rank() > 1)
    return malformed(path + ": __assay__", "is no one-dimensional array of uint8");
  return std::optional(std::string(reinterpret_cast<const char*>(bytes.bytes()), bytes.byte_size()));
}

Result<Arrays> read_all(zip_t* archive, const std::string& path, uint64_t archive_bytes) {
  const zip_int64_t count = zip_get_num_entries(archive, 0);
  if (count > kMostEntries) return malformed(path, "has over 100000 arrays");
  Arrays arrays;
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    const auto index = static_cast<zip_uint64_t>(i);
    if (zip_stat_index(archive, index, ZIP_FL_ENC_GUESS, &stat) != 0)
      return malformed(path, "has an unreadable directory");
    std::string name = stat.name;
    if (name.ends_with('/')) continue;
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    const std::string where = path + ": " + name;
    ASSAY_CHECK(check_sizes(stat, archive_bytes, where));
    if (find(arrays, name) != nullptr) return malformed(where, "is there twice");
    ASSAY_TRY(ir::Tensor tensor, read_entry(archive, index, stat, where));
    arrays.push_back({name, std::move(tensor)});
  }
  return arrays;
}
}  // namespace

const ir::Tensor* find(const Arrays& arrays, std::string_view name) {
  for (const NamedArray& array : arrays)
    if (array.name == name) return &array.tensor;
  return nullptr;
}

Result<RecordedArrays> read_recording(const std::string& path) {
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  ASSAY_TRY(const Archive archive, open_archive(file, path));
  try {
    RecordedArrays recording;
    ASSAY_TRY(recording.arrays, read_all(archive.get(), path, file.bytes().size()));
    ASSAY_TRY(recording.provenance, take_provenance(recording.arrays, path));
    ASSAY_CHECK(apply_dtypes(recording.arrays, path));
    return recording;
  } catch (const std::bad_alloc&) {
    return Error{Code::limit_exceeded, "does not fit in memory", path, "split the data and merge the audits"};
  }
}

Result<Arrays> read_npz(const std::string& path) {
  ASSAY_TRY(RecordedArrays recording, read_recording(path));
  return std::move(recording.arrays);
}

Status write_npz(const std::string& path, const Arrays& arrays) {
  ASSAY_TRY(ZipWriter zip, ZipWriter::create(path));
  std::vector<std::string> named;
  const auto add = [&](const std::string& name, const ir::Tensor& tensor) -> Status {
    const std::string header = npy::make_header(tensor);
    const std::string text = npy::text_payload(tensor);
    const auto payload = tensor.elem() == ir::ElemType::string ? std::as_bytes(std::span(text))
                                                               : std::span(tensor.bytes(), tensor.byte_size());
    const std::span<const std::byte> parts[] = {std::as_bytes(std::span(header)), payload};
    return zip.add(name + ".npy", parts);
  };
  for (const NamedArray& array : arrays) {
    const ir::ElemType elem = array.tensor.elem();
    if (npy::needs_name(elem)) named.push_back(array.name + "=" + std::string(ir::onnx_name(elem)));
    ASSAY_CHECK(add(array.name, npy::storable(array.tensor)));
  }
  const auto count = static_cast<int64_t>(named.size());
  if (count > 0) ASSAY_CHECK(add(std::string(kDtypes), ir::Tensor::of_strings({count}, std::move(named))));
  return zip.finish();
}

}  // namespace assay::backends

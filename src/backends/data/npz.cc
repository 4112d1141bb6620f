// .npz archives. What an entry claims is checked against what the archive can hold before anything is allocated.
// Arrays that are read are copied out of the mapping, stored ones too: a file that has been read may be written.
#include <algorithm>
#include <memory>
#include <unordered_set>

#include "backends/data/arrays.h"
#include "backends/data/npy.h"
#include "backends/data/zip_reader.h"
#include "backends/data/zip_writer.h"
#include "base/mapped_file.h"
#include "base/text.h"

namespace assay::backends {
namespace {
constexpr size_t kLarge = size_t{1} << 20;  // bytes from which on an array stays in a file that is opened
constexpr std::string_view kDtypes = "__dtypes__", kProvenance = "__assay__";

constexpr const char* kSaveAgain = "save the data again with numpy.savez";

Error malformed(const std::string& where, std::string message) {
  return Error{Code::data_malformed, std::move(message), where, kSaveAgain};
}

Result<ir::Tensor> read_entry(const ZipEntry& entry, const std::string& where) {
  auto bytes =
      std::make_shared<ir::Tensor>(ir::Tensor::allocate(ir::ElemType::uint8, {static_cast<int64_t>(entry.size)}));
  ASSAY_CHECK(unzip(entry, std::span(bytes->mutable_bytes(), entry.size), where));
  ASSAY_TRY(const npy::Content content, npy::parse(std::span(bytes->bytes(), entry.size), where, kSaveAgain));
  return npy::to_tensor(content.header, content.payload, bytes, where);
}

/// In the file where that is possible and worth it.
Result<NamedArray> open_entry(const ZipEntry& entry, const std::shared_ptr<const OpenData>& file, std::string name,
                              const std::string& where) {
  if (!entry.deflated && entry.size >= kLarge) {
    ASSAY_TRY(const npy::Content content, npy::parse(entry.data, where, kSaveAgain));
    const npy::Header& header = content.header;
    if (npy::is_plain(header)) {
      ASSAY_CHECK(check_stored(entry, where, [&](const auto& see) { return file->for_each_piece(entry.data, see); }));
      return NamedArray{std::move(name), ir::Tensor::view(header.elem, header.dims, content.payload.data(), file),
                        file};
    }
  }
  ASSAY_TRY(ir::Tensor tensor, read_entry(entry, where));
  return NamedArray{std::move(name), std::move(tensor)};
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
    array->file = nullptr;
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

/// Errors: data_malformed; whatever `read` (of an entry, the array's name, and where it is) gives.
template <class Read>
Result<Arrays> read_all(std::span<const std::byte> archive, const std::string& path, const Read& read) {
  ASSAY_TRY(const std::vector<ZipEntry> entries, zip_entries(archive, path));
  Arrays arrays;
  std::unordered_set<std::string_view> seen;
  for (const ZipEntry& entry : entries) {
    const std::string name(array_of(entry.name)), where = path + ": " + name;
    if (!seen.insert(array_of(entry.name)).second) return malformed(where, "is there twice");
    ASSAY_TRY(NamedArray array, read(entry, name, where));
    arrays.push_back(std::move(array));
  }
  return arrays;
}

Result<NamedArray> read_named(const ZipEntry& entry, std::string name, const std::string& where) {
  ASSAY_TRY(ir::Tensor tensor, read_entry(entry, where));
  return NamedArray{std::move(name), std::move(tensor)};
}

/// All of the arrays that `read` gives for the archive.
template <class Read>
Result<RecordedArrays> recording_of(std::span<const std::byte> archive, const std::string& path, const Read& read) {
  try {
    RecordedArrays recording;
    ASSAY_TRY(recording.arrays, read_all(archive, path, read));
    ASSAY_TRY(recording.provenance, take_provenance(recording.arrays, path));
    ASSAY_CHECK(apply_dtypes(recording.arrays, path));
    return recording;
  } catch (const std::bad_alloc&) {
    return Error{Code::limit_exceeded, "does not fit in memory", path, "split the data and merge the audits"};
  }
}
}  // namespace

const NamedArray* find_array(const Arrays& arrays, std::string_view name) {
  const auto found = std::ranges::find(arrays, name, &NamedArray::name);
  return found == arrays.end() ? nullptr : &*found;
}

const ir::Tensor* find(const Arrays& arrays, std::string_view name) {
  const NamedArray* array = find_array(arrays, name);
  return array == nullptr ? nullptr : &array->tensor;
}

Result<RecordedArrays> read_recording(const std::string& path) {
  ASSAY_TRY(const MappedFile file, MappedFile::open(path));
  return recording_of(file.bytes(), path, read_named);
}

Result<Arrays> open_npz(const std::string& path) {
  ASSAY_TRY(const auto file, OpenData::open(path));
  const auto open = [&](const ZipEntry& entry, const std::string& name, const std::string& where) {
    return open_entry(entry, file, name, where);
  };
  ASSAY_TRY(RecordedArrays recording, recording_of(file->bytes(), path, open));
  return std::move(recording.arrays);
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

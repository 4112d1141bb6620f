// For tests of the file layer: Core ML's messages as bytes (pb/testing.h), and files in a folder that goes away.
#pragma once
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "coreml/file.h"
#include "pb/testing.h"

namespace assay::coreml::testing {
namespace fs = std::filesystem;

using pb::testing::num;
using pb::testing::raw;
using pb::testing::str;
using pb::testing::varint;

// MIL.proto in a few words.
inline std::string dim(uint64_t n) { return str(3, str(1, n == 0 ? "" : num(1, n))); }
/// ValueType of a tensor.
inline std::string tensor(int type, const std::vector<uint64_t>& dims) {
  std::string t = num(1, static_cast<uint64_t>(type));
  if (!dims.empty()) t += num(2, dims.size());
  for (const uint64_t d : dims) t += dim(d);
  return str(1, t);
}
inline std::string named(const std::string& name, const std::string& type) { return str(1, name) + str(2, type); }
inline std::string entry(const std::string& key, const std::string& value) { return str(1, key) + str(2, value); }
inline std::string string_value(const std::string& s) {
  return str(2, tensor(2, {})) + str(3, str(1, str(4, str(1, s))));
}
inline std::string blob_value(const std::string& type, uint64_t offset,
                              const std::string& file = "@model_path/weights/weight.bin") {
  return str(2, type) + str(5, str(1, file) + num(2, offset));
}
inline std::string const_op(const std::string& name, const std::string& type, const std::string& value) {
  return str(1, "const") + str(3, named(name, type)) + str(5, entry("name", string_value(name))) +
         str(5, entry("val", value));
}
inline std::string bound(const std::string& parameter, const std::string& name) {
  return str(2, entry(parameter, str(1, str(1, name))));
}
/// A Model of one function whose block has these contents.
inline std::string program_model(const std::string& block, const std::string& inputs = "",
                                 const std::string& description = "", int version = 7) {
  const std::string function = inputs + str(2, "CoreML6") + str(3, entry("CoreML6", block));
  return num(1, static_cast<uint64_t>(version)) + str(2, description) +
         str(502, num(1, 1) + str(2, entry("main", function)));
}

// weight.bin.
inline std::string header(uint32_t count) { return raw<uint32_t>({count, 2}) + std::string(56, '\0'); }
inline std::string record(uint32_t type, uint64_t size, uint64_t offset, uint64_t padding = 0,
                          uint32_t sentinel = 0xDEADBEEF) {
  return raw<uint32_t>({sentinel, type}) + raw<uint64_t>({size, offset, padding}) + std::string(32, '\0');
}
inline std::string at(std::string file, uint64_t offset, const std::string& bytes) {
  if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size());
  return file.replace(offset, bytes.size(), bytes);
}

class Folder {
 public:
  Folder() {
    std::string name = fs::temp_directory_path() / "assay-coreml-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path(name);
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  size_t count() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }
  /// A package of a model file and a weight file.
  std::string package(const std::string& model, const std::string& weights,
                      const std::string& name = "m.mlpackage") const {
    write(name + "/Manifest.json", kManifest);
    write(name + "/Data/com.apple.CoreML/model.mlmodel", model);
    write(name + "/Data/com.apple.CoreML/weights/weight.bin", weights);
    return path(name);
  }
  static constexpr const char* kManifest = R"({"fileFormatVersion": "1.0.0", "itemInfoEntries": {
    "00000000-0000-0000-0000-00000000000a": {"path": "com.apple.CoreML/model.mlmodel", "name": "model.mlmodel",
      "author": "com.apple.CoreML", "description": "d"},
    "00000000-0000-0000-0000-00000000000b": {"path": "com.apple.CoreML/weights", "name": "weights",
      "author": "com.apple.CoreML", "description": "d"}},
    "rootModelIdentifier": "00000000-0000-0000-0000-00000000000A"})";

 private:
  fs::path path_;
};

inline Code code_of(const Status& status) { return status.ok() ? Code{} : status.error().code; }
template <class T>
Code code_of(const Result<T>& result) {
  return result.ok() ? Code{} : result.error().code;
}

}  // namespace assay::coreml::testing

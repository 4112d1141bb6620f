// Weight files (MIL blob storage, version 2): records of 64 bytes that say where a constant's bytes stand.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/mapped_file.h"
#include "base/result.h"
#include "mil/type.h"
#include "mil/value.h"

namespace assay::coreml {

/// One weight file, every record of which is checked when it is first asked for.
class WeightFile {
 public:
  /// Errors: coreml_weights when the header is not one.
  static Result<WeightFile> open(MappedFile file, std::string name);
  /// The bytes of the record at `offset`, which must be what a constant of this type needs. Records may serve several
  /// constants, but two records never share bytes.
  Result<mil::Payload> find(uint64_t offset, const mil::Type& type, const std::string& where);

 private:
  struct Record {
    uint32_t blob = 0;
    uint64_t offset = 0, size = 0;
  };
  WeightFile(MappedFile file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}
  Result<Record> record(uint64_t offset, const std::string& where);
  /// Takes [begin, begin + size) for one record; false when another one has part of it.
  bool claim(uint64_t begin, uint64_t size);
  Error refuse(std::string problem, uint64_t offset, const std::string& where) const;

  MappedFile file_;
  std::string name_;
  std::map<uint64_t, Record> records_;
  std::map<uint64_t, uint64_t> taken_;  ///< begin -> end
};

/// The weight files that a model names; opened when they are first asked for.
class WeightFiles {
 public:
  using Open = std::function<Result<MappedFile>(const std::string& location)>;
  /// `open` gets locations relative to the model file's folder: "weights/weight.bin".
  explicit WeightFiles(Open open) : open_(std::move(open)) {}
  /// The bytes of BlobFileValue{file, offset}.
  Result<mil::Payload> find(const std::string& file, uint64_t offset, const mil::Type& type, const std::string& where);

 private:
  Open open_;
  std::map<std::string, WeightFile> files_;
};

/// What stands for the folder of the model file in names of weight files.
inline constexpr std::string_view kModelPath = "@model_path/";
inline constexpr std::string_view kWeightFileName = "@model_path/weights/weight.bin";
inline constexpr uint32_t kBlobSentinel = 0xDEADBEEF;
inline constexpr uint32_t kBlobVersion = 2;

}  // namespace assay::coreml

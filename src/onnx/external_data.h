// Tensor bytes in files beside the model, reached by the safety rules of docs/formats/onnx.md.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "base/mapped_file.h"
#include "base/result.h"
#include "onnx/proto.h"

namespace assay::onnx {

class ExternalData {
 public:
  struct Range {
    Bytes bytes;
    std::shared_ptr<const void> owner;
  };
  /// Refuses every file: the model came from memory.
  ExternalData() = default;
  /// Files are looked for in `folder` and below, nowhere else.
  explicit ExternalData(std::string folder) : folder_(std::move(folder)) {}

  /// The bytes that `tensor` names, which must be `size` long. Errors: external_data.
  Result<Range> find(const TensorProto& tensor, size_t size);

 private:
  Result<MappedFile> file(const std::string& location, const std::string& where);
  std::optional<std::string> folder_;
  std::map<std::string, MappedFile> files_;
};

}  // namespace assay::onnx

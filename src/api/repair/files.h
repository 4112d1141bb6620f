// The repaired model as a file.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::api {

/// What to write: `kept` operations of `model`'s main graph in float32, the others in `low`.
struct Repaired {
  std::string source;  ///< the file that `model` was read from
  const ir::Graph* model = nullptr;
  std::vector<bool> kept;
  ir::ElemType low = ir::ElemType::float16;
};

/// By the ending of `path`: .onnx or .mlpackage. Errors: not_convertible, not_expressible, write_failed.
Status write_repaired(const Repaired& repaired, const std::string& path, Warnings& warnings);

/// A folder beside `target`, removed with what is in it when this goes.
class Beside {
 public:
  /// Errors: write_failed.
  static Result<Beside> create(const std::string& target);
  Beside(Beside&& other) noexcept : folder_(std::exchange(other.folder_, {})), file_(std::move(other.file_)) {}
  Beside& operator=(Beside&&) = delete;
  ~Beside();
  /// The target's own name in the folder.
  std::string file() const { return file_; }

 private:
  explicit Beside(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_, file_;
};

}  // namespace assay::api

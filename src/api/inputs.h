// Inputs of commands that run a model once.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audit/data.h"

namespace assay::api {

/// The arrays of --input or --data. Those of an .npz are read before the model is, because their names may replace the
/// model's defaults; other kinds need the model's inputs.
class InputFile {
 public:
  explicit InputFile(std::string path) : path_(std::move(path)) {}
  const std::string& path() const { return path_; }
  /// For backends::ProgramOptions::given: the names in an .npz, none for other kinds.
  std::function<Result<std::vector<std::string>>()> names();
  /// Errors: data_*.
  Result<audit::Arrays> arrays(std::span<const backends::Port> ports);

 private:
  Status read_early();
  std::string path_;
  std::optional<audit::Arrays> early_;
};

/// From a file, or by a seed; `shapes` ("NAME:2,3") name symbolic dimensions of random inputs. Errors: usage when
/// neither or both are given, data_*.
Result<audit::Arrays> inputs_for(InputFile& file, std::optional<uint64_t> seed, const std::vector<std::string>& shapes,
                                 std::span<const backends::Port> ports);

}  // namespace assay::api

// Inputs of commands that run a model once.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "api/arrays.h"
#include "api/context.h"
#include "audit/data.h"

namespace assay::api {

/// Whether large arrays stay in the file that --input or --data names, for commands that look at one sample after the
/// other.
enum class Held : uint8_t { in_memory, in_file };

/// The arrays of --input or --data, or the caller's in memory. Those of an .npz are read before the model is, because
/// their names may replace the model's defaults; other kinds need the model's inputs.
class InputData {
 public:
  InputData(std::string path, const std::vector<Array>& arrays, Held held = Held::in_memory)
      : path_(std::move(path)), given_(&arrays), held_(held) {}
  bool empty() const { return path_.empty() && given_->empty(); }
  /// Where the data comes from, for messages.
  std::string where() const { return path_.empty() ? "arrays in memory" : path_; }
  /// For backends::ProgramOptions::given: the names in an .npz or in memory, none for other kinds.
  std::function<Result<std::vector<std::string>>()> names();
  /// Errors: data_*.
  Result<audit::Arrays> arrays(std::span<const backends::Port> ports);
  /// For backends::ProgramOptions::data: what can be read without a model.
  std::function<Result<audit::Arrays>()> without_model();

 private:
  Status read_early();
  std::string path_;
  const std::vector<Array>* given_;
  Held held_;
  std::optional<audit::Arrays> early_;
};

/// How programs over this data are opened. The data must outlive the loader.
backends::ProgramOptions program_options(const Context& context, const commands::Settings& settings, InputData& data,
                                         bool primary_only);

/// From a file, from memory, or by a seed; `shapes` ("NAME:2,3") name symbolic dimensions of random inputs. Errors:
/// usage when none or several are given, data_*.
Result<audit::Arrays> inputs_for(InputData& data, std::optional<uint64_t> seed, const std::vector<std::string>& shapes,
                                 std::span<const backends::Port> ports);

}  // namespace assay::api

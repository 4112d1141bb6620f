// A model under a profile, an execution provider or a real runtime: what can be run, again and again.
//
//   auto program = assay::Program::open("model.onnx", "coreml-nn-gpu");
//   auto outputs = program->run(inputs);
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assay/array.h"
#include "assay/commands.h"
#include "assay/result.h"

/// Which floating-point precision does a model really run in, and what does that do to its decisions?
namespace assay {

/// An input or an output, as the model declares it.
struct PortInfo {
  /// One axis of a declared shape: a size, a symbol, or neither.
  struct Dimension {
    int64_t value = -1;    ///< -1: not a number
    std::string symbol{};  ///< empty: not named either
  };
  std::string name;
  std::string type;  ///< as Array::type; "seq(float32[2])" and the like for what is no tensor
  std::optional<std::vector<Dimension>> shape{};  ///< of a tensor that an optional holds too; absent: rank unknown
};

/// How a program is opened.
struct OpenOptions {
  commands::Settings settings{};
  bool primary_only = true;  ///< of a profile with variants only the first
  bool keep_states = false;  ///< a run reads what the run before it left in the model's states
  /// Names of the arrays that runs will give: those of defaults (initializers that are inputs too) make them inputs.
  std::vector<std::string> given{};
};

/// Types, precision and memory are decided when it is opened and once for each set of input shapes, not in every run.
class Program {
 public:
  /// `program` is written as on the command line: a profile, a provider, `ort:NAME`; empty: strict-f32, for Core ML
  /// files their format on the CPU. Errors: A002, A003 for words; A1xx for models; A4xx for runtimes.
  static Result<Program> open(const std::string& model, const std::string& program = {}, OpenOptions options = {});
  Program(Program&&) noexcept;             ///< moved from, only to be destroyed or assigned to
  Program& operator=(Program&&) noexcept;  ///< as the constructor
  ~Program();

  const std::string& text() const;     ///< the program as it was written
  const std::string& profile() const;  ///< name of the profile; empty for real runtimes
  bool emulated() const;               ///< true where the engine stands for a device or runtime
  /// What the model declares, in its order: what run() takes and what it returns.
  const std::vector<PortInfo>& inputs() const;
  const std::vector<PortInfo>& outputs() const;      ///< as inputs()
  const std::vector<std::string>& variants() const;  ///< the primary first
  const Warnings& warnings() const;                  ///< what opening it had to say

  /// Runs one variant. `inputs` by name; outputs in the model's order, of their own memory. Item i of a sequence `m` is
  /// the array `m[i]`, what an optional `m` holds is `m[0]`, a map is `m.keys` and `m.values`. Results are the same
  /// bits for any number of threads; may be called from several at once. Errors: A301 for missing names, A302 and A303
  /// for shapes and types that do not fit, A403 once commands::cancel() was called, A402 for real runtimes.
  Result<std::vector<Array>> run(const std::vector<Array>& inputs, size_t variant = 0) const;

 private:
  struct State;
  explicit Program(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay
